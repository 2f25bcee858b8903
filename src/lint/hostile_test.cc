// Anything at all: never a crash, always a place in the file.
#include <gtest/gtest.h>

#include "base/text.h"
#include "lint/lint.h"

namespace pratique::lint {
namespace {

std::string repeated(std::string_view text, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 12345;
  for (auto& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

struct Row {
  const char* name;
  std::string text;
};
class Hostile : public ::testing::TestWithParam<Row> {};
TEST_P(Hostile, GivesFindingsWithAPlaceAndAFileThatCanBeFixed) {
  auto file = parse(GetParam().text);
  ASSERT_TRUE(file.ok()) << file.error().message();
  Options options{.profile = Profile::Tre};
  Checked checked{&*file, check(*file, options, GetParam().name)};
  EXPECT_FALSE(checked.report.findings.empty());
  for (const auto& finding : checked.report.findings) {
    EXPECT_GE(finding.from.line, 1u);
    EXPECT_GE(finding.from.column, 1u);
    EXPECT_LE(finding.span.end, file->text.size());
  }
  EXPECT_TRUE(is_utf8(to_json({&checked, 1}).dump()));
  EXPECT_TRUE(parse(fix(*file, options).text).ok());
}
INSTANTIATE_TEST_SUITE_P(
    Rows, Hostile,
    ::testing::Values(Row{"binary", noise(200'000)}, Row{"nulls", std::string(10'000, '\0')},
                      Row{"one_line_of_seven_million", "FROM a\nRUN echo " + std::string(7 << 20, 'a')},
                      Row{"invalid_utf8", "FROM a\nRUN echo \xff\xfe\xc0\x80 && cd /x\nLABEL a=\xed\xa0\x80\n"},
                      Row{"carriage_returns", "FROM a\r\nADD x.py /\r\nRUN <<EOF\r\necho\r\nEOF\r\n"},
                      Row{"lone_carriage_returns", "FROM a\rRUN b\rCMD c\r"},
                      Row{"unterminated_heredocs", "FROM a\nRUN " + repeated("<<A ", 60) + "\nnever\n"},
                      Row{"more_heredocs_than_allowed", "FROM a\nRUN " + repeated("<<A ", 500)},
                      Row{"arg_of_itself",
                          "ARG A=$A\nARG B=$C\nARG C=$B\nFROM $A$B$C\nENV D=${D:-${D:-$D}}\nRUN echo $D\n"},
                      Row{"arg_that_doubles", "ARG A0=xxxxxxxx\n" +
                                                  [] {
                                                    std::string text;
                                                    for (int i = 1; i < 60; ++i)
                                                      text += "ARG A" + std::to_string(i) + "=$A" +
                                                              std::to_string(i - 1) + "$A" + std::to_string(i - 1) +
                                                              "\n";
                                                    return text;
                                                  }() +
                                                  "FROM $A59\n"},
                      Row{"deep_parentheses", "FROM a\nRUN " + std::string(100'000, '(')},
                      Row{"deep_substitution", "FROM a\nRUN echo " + repeated("$(echo ", 20'000)},
                      Row{"deep_defaults", "FROM a\nENV A=" + repeated("${A:-", 20'000)},
                      Row{"deep_json", "FROM a\nCMD " + std::string(100'000, '[')},
                      Row{"onbuild_of_onbuild", "FROM a\n" + repeated("ONBUILD ", 20'000) + "RUN x\n"},
                      Row{"continued_for_ever", "FROM a\nRUN a" + repeated(" \\\n", 100'000)},
                      Row{"comments_between", "FROM a\nRUN a \\\n" + repeated("# x\n", 50'000)},
                      Row{"quotes_left_open", "FROM a\nENV A=\"" + repeated("x\\\n", 1'000) + "\nLABEL 'b\n"},
                      Row{"many_stages", repeated("FROM a AS b\nCOPY --from=b x y\n", 5'000)}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(HostileSize, BeyondTheLimitIsALimit) {
  auto large = parse("FROM a\nRUN " + std::string(100 << 20, 'a'));
  ASSERT_FALSE(large.ok());
  EXPECT_EQ(large.error().kind(), ErrorKind::Limit);
  auto many = parse(repeated("RUN x\n", kInstructionsMax + 2));
  EXPECT_EQ(many.error().kind(), ErrorKind::Limit);
}

}  // namespace
}  // namespace pratique::lint
