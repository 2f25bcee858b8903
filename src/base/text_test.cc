#include "base/text.h"

#include <gtest/gtest.h>

namespace pratique {
namespace {

TEST(Text, SplitsAnEmptyTextIntoOneEmptyPiece) {
  EXPECT_EQ(split("", ',').size(), 1u);
}
TEST(Text, KeepsEmptyPiecesBetweenSeparators) {
  auto pieces = split("a,,b", ',');
  ASSERT_EQ(pieces.size(), 3u);
  EXPECT_EQ(pieces[1], "");
}
TEST(Text, TrimsBothEndsOnly) {
  EXPECT_EQ(trim(" \ta b\r\n"), "a b");
}
TEST(Text, RefusesADecimalThatOverflows) {
  EXPECT_FALSE(parse_decimal("18446744073709551616"));
}
TEST(Text, RefusesASignedDecimal) {
  EXPECT_FALSE(parse_decimal("-1"));
  EXPECT_FALSE(parse_decimal("+1"));
}
TEST(Text, EscapesTerminalControlSequences) {
  EXPECT_EQ(printable("a\x1b[2J"), "a\\x1b[2J");
}
TEST(Text, EscapesC1ControlsHiddenInUtf8) {
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");
}
TEST(Text, EscapesOverlongUtf8) {
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");
}
TEST(Text, CutsLongTextAtTheLimit) {
  EXPECT_EQ(printable("abcdef", 3), "abc…");
}
TEST(Text, RejectsUtf8Surrogates) {
  EXPECT_FALSE(is_utf8("\xed\xa0\x80"));
}
TEST(Text, EscapesEveryHtmlMetacharacter) {
  EXPECT_EQ(html_escape("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
}
TEST(Text, ReplacesEveryOccurrence) {
  EXPECT_EQ(replace_all("aXbXc", "X", "--"), "a--b--c");
}
TEST(Text, RoundsSizesIntoTheNextUnit) {
  EXPECT_EQ(human_bytes(1024 * 1024 - 1), "1.0 MiB");
}

}  // namespace
}  // namespace pratique
