#include "scan/tar.h"

#include <gtest/gtest.h>

#include "scan/test_archive.h"

namespace pratique::scan {
namespace {

using namespace testing;

std::string long_name(std::size_t size) {
  std::string name;
  while (name.size() < size) name += "directory/";
  return name.substr(0, size - 1) + "f";
}

TEST(Tar, ListsEveryKindOfEntry) {
  auto inventory = read(Archive()
                            .directory("d/")
                            .file("d/f", "hello")
                            .symlink("d/s", "../x")
                            .hardlink("d/h", "./d/f")
                            .header({.name = "c", .type = '3'})
                            .header({.name = "b", .type = '4'})
                            .header({.name = "p", .type = '6'}));
  EXPECT_EQ(codes(inventory.gaps), "");
  EXPECT_EQ(paths(inventory), "d d/f d/s d/h c b p");
  EXPECT_EQ(inventory.files[1].size, 5u);
  EXPECT_EQ(inventory.files[2].link, "../x");
  EXPECT_EQ(inventory.files[3].link, "d/f");
  EXPECT_EQ(inventory.files[6].type, FileType::Fifo);
}
TEST(Tar, StripsRootsAndDots) {
  auto inventory = read(Archive().file("/etc//passwd", "").file("./a/./b", "").directory("./").file("a/../c", ""));
  EXPECT_EQ(paths(inventory), "etc/passwd a/b c");
  EXPECT_EQ(codes(inventory.gaps), "");
}
TEST(Tar, DropsAndReportsNamesThatLeaveTheRoot) {
  auto inventory = read(Archive().file("../evil", "x").file("a/../../evil", "x").file("good", "x"));
  EXPECT_EQ(paths(inventory), "good");
  EXPECT_EQ(codes(inventory.gaps), "escaping-path escaping-path");
}
TEST(Tar, DropsHardLinksToOutside) {
  EXPECT_EQ(codes(read(Archive().hardlink("x", "../../etc/shadow")).gaps), "escaping-path");
}
TEST(Tar, KeepsSymlinkTargetsAsWritten) {
  EXPECT_EQ(read(Archive().symlink("x", "../../../etc/shadow")).files[0].link, "../../../etc/shadow");
}
TEST(Tar, ReadsWhiteouts) {
  auto inventory = read(Archive().whiteout("a", "gone").opaque("b").file(".wh.top", ""));
  ASSERT_EQ(paths(inventory), "a/gone b top");
  EXPECT_EQ(inventory.files[0].type, FileType::Whiteout);
  EXPECT_EQ(inventory.files[1].type, FileType::OpaqueMark);
}
TEST(Tar, ReportsWhiteoutsThatHideNothingWeKnow) {
  for (auto name : {"a/.wh.", "a/.wh...", "a/.wh..", "a/.wh..wh.plnk", ".wh..wh.aufs"})
    EXPECT_EQ(codes(read(Archive().file(name, "")).gaps), "bad-whiteout") << name;
}

TEST(Tar, ReadsGnuLongNamesAndLinks) {
  auto name = long_name(300), target = long_name(200);
  auto inventory = read(Archive().extension('L', name + '\0').extension('K', target + '\0').symlink("short", "short"));
  ASSERT_EQ(inventory.files.size(), 1u);
  EXPECT_EQ(inventory.files[0].path, name);
  EXPECT_EQ(inventory.files[0].link, target);
}
TEST(Tar, ReadsPaxNamesAndSizes) {
  auto name = long_name(400);
  auto inventory = read(Archive()
                            .extension('x', Archive::pax_record("path", name) + Archive::pax_record("size", "3"))
                            .header({.name = "short", .size = 0})
                            .raw(padded("abc"))
                            .file("next", ""));
  EXPECT_EQ(codes(inventory.gaps), "");
  EXPECT_EQ(paths(inventory), name + " next");
  EXPECT_EQ(inventory.files[0].size, 3u);
}
TEST(Tar, TakesPaxRecordsForOneEntryOnly) {
  EXPECT_EQ(paths(read(Archive().pax("path", "a").file("x", "").file("y", ""))), "a y");
}
TEST(Tar, LetsGnuNamesWinOverPaxNames) {
  EXPECT_EQ(paths(read(Archive().extension('L', "gnu").pax("path", "pax").file("x", ""))), "gnu");
}
TEST(Tar, JoinsUstarPrefixes) {
  EXPECT_EQ(paths(read(Archive().header({.name = "name", .prefix = "the/prefix"}))), "the/prefix/name");
}
TEST(Tar, ReadsBase256Sizes) {
  auto block = RawHeader{.name = "f"}.block();
  block.replace(124, 12, std::string("\x80\0\0\0\0\0\0\0\0\0\0\x03", 12));
  auto inventory = read(Archive().raw(RawHeader::with_checksum(block)).raw(padded("abc")).file("g", ""));
  EXPECT_EQ(paths(inventory), "f g");
  EXPECT_EQ(inventory.files[0].size, 3u);
}
TEST(Tar, TakesAV7NameWithSlashAsADirectory) {
  auto inventory =
      read(Archive().header({.name = "old/", .type = '\0', .magic = std::string_view("\0\0\0\0\0\0\0\0", 8)}));
  EXPECT_EQ(inventory.files[0].type, FileType::Directory);
}
TEST(Tar, IgnoresTheSizeOfEntriesWithoutData) {
  EXPECT_EQ(paths(read(Archive().header({.name = "d", .type = '5', .size = 512}).file("f", ""))), "d f");
}
TEST(Tar, AcceptsChecksumsOverSignedCharacters) {
  auto block = RawHeader{.name = "caf\xC3\xA9"}.block();
  std::memset(block.data() + 148, ' ', 8);
  int sum = 0;
  for (signed char c : block) sum += c;
  block.replace(148, 7, format("{:06o}", sum) + std::string(1, '\0'));
  EXPECT_EQ(paths(read(Archive().raw(block))), "caf\xC3\xA9");
}

TEST(Tar, SkipsOldGnuSparseMapsAndData) {
  auto block = RawHeader{.name = "sparse", .type = 'S', .size = 512, .magic = std::string_view("ustar  \0", 8)}.block();
  block[482] = 1;
  block.replace(483, 11, "00000100000");
  std::string map(512, '\0');
  auto more = map;
  more[504] = 1;
  auto inventory = read(
      Archive().raw(RawHeader::with_checksum(block)).raw(more).raw(map).raw(std::string(512, 'x')).file("next", ""));
  EXPECT_EQ(codes(inventory.gaps), "");
  EXPECT_EQ(paths(inventory), "sparse next");
  EXPECT_EQ(inventory.files[0].size, 0100000u);
}
TEST(Tar, TakesThePaxNameAndSizeOfASparseFile) {
  auto body = Archive::pax_record("GNU.sparse.major", "1") + Archive::pax_record("GNU.sparse.minor", "0") +
              Archive::pax_record("GNU.sparse.name", "real") + Archive::pax_record("GNU.sparse.realsize", "4096");
  auto inventory = read(Archive().extension('x', body).file("GNUSparseFile.1/real", "0\n"));
  EXPECT_EQ(paths(inventory), "real");
  EXPECT_EQ(inventory.files[0].size, 4096u);
}

struct BadCase {
  const char* name;
  std::string tar;
  const char* codes;
};
class BadTar : public ::testing::TestWithParam<BadCase> {};
TEST_P(BadTar, IsAGapAndKeepsWhatCameBefore) {
  auto inventory = read(Archive().file("before", "x").open() + GetParam().tar);
  EXPECT_EQ(codes(inventory.gaps), GetParam().codes);
  EXPECT_EQ(paths(inventory), "before");
  EXPECT_TRUE(inventory.diff_id) << "damage in the archive does not hide its digest";
}
std::string broken_field(std::size_t at, std::string_view text, char type = '0') {
  auto block = RawHeader{.name = "f", .type = type}.block();
  block.replace(at, text.size(), text);
  return RawHeader::with_checksum(block);
}
INSTANTIATE_TEST_SUITE_P(
    Rows, BadTar,
    ::testing::Values(
        BadCase{"checksum", RawHeader{.name = "f"}.block().replace(0, 1, "g"), "bad-tar"},
        BadCase{"size", broken_field(124, "12x"), "bad-tar"},
        BadCase{"negative", broken_field(124, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), "bad-tar"},
        BadCase{"impossible", broken_field(124, "\x80\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), "bad-tar"},
        BadCase{"orphan", Archive().pax("path", "a").tar(), "bad-tar"},
        BadCase{"orphan_cut", Archive().pax("path", "a").open(), "truncated"},
        BadCase{"pax_length", Archive().extension('x', "99 path=a\n").file("f", "").tar(), "bad-tar"},
        BadCase{"pax_short", Archive().extension('x', "3 p").file("f", "").tar(), "bad-tar"},
        BadCase{"pax_newline", Archive().extension('x', "9 path=ab").file("f", "").tar(), "bad-tar"},
        BadCase{"pax_size", Archive().pax("size", "-1").file("f", "").tar(), "bad-tar"},
        BadCase{"pax_nul", Archive().pax("path", std::string_view("a\0b", 3)).file("f", "").tar(), "bad-tar"},
        BadCase{"sparse_version", Archive().pax("GNU.sparse.major", "9").file("f", "").tar(), "bad-tar"},
        BadCase{"global", Archive().extension('g', Archive::pax_record("path", "x")).file("f", "").tar(), "bad-tar"},
        BadCase{"huge_extension", RawHeader{.name = "x", .type = 'x', .size = 2 << 20}.block(), "limit"},
        BadCase{"half_end", std::string(512, '\0') + Archive().file("f", "").tar(), "bad-tar"},
        BadCase{"cut_header", std::string(100, 'x'), "truncated"},
        BadCase{"cut_data", RawHeader{.name = "", .size = 600}.block() + "x", "bad-entry truncated"},
        BadCase{"prefix_under_gnu",
                RawHeader{.name = "f", .magic = std::string_view("ustar  \0", 8), .prefix = "usr"}.block(), "bad-tar"},
        BadCase{"unknown_type", Archive().header({.name = "v", .type = 'V'}).tar(), "unknown-entry"},
        BadCase{"trailing", Archive().tar() + "x", "trailing-garbage"},
        BadCase{"long_name", Archive().extension('L', std::string(5000, 'a')).file("x", "").tar(), "limit"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Tar, AcceptsAnArchiveWithoutEndMarker) {
  EXPECT_EQ(codes(read(Archive().file("f", "x").open()).gaps), "");
}
TEST(Tar, IgnoresAGlobalHeaderThatOnlyComments) {
  EXPECT_EQ(codes(read(Archive().extension('g', Archive::pax_record("comment", "c0ffee")).file("f", "")).gaps), "");
}
TEST(Tar, LimitsTheNumberOfEntries) {
  Limits limits;
  limits.entries_max = 2;
  auto inventory = read(Archive().file("a", "").file("b", "").file("c", "").tar(), limits);
  EXPECT_EQ(paths(inventory), "a b");
  EXPECT_EQ(codes(inventory.gaps), "limit");
}
TEST(Tar, SaysTheSameOfWhatIsNoArchiveWhateverThePieces) {
  std::string bytes(5000, 'x'), records;
  LayerReader reader({}, DigestingOutput::Threads::One, [&](std::string_view part) { records += part; });
  for (std::size_t at = 0; at < bytes.size(); at += 82) reader.feed(as_bytes(std::string_view(bytes).substr(at, 82)));
  reader.finish();
  EXPECT_EQ(records, encode_records(read(bytes)));
}
TEST(Tar, ReadsTheSameWhateverThePieces) {
  auto bytes = Archive()
                   .file("a", "abc")
                   .extension('L', long_name(700))
                   .file("x", std::string(1500, 'y'))
                   .symlink("s", "t")
                   .tar();
  auto whole = encode_records(read(bytes));
  for (std::size_t piece : {1, 7, 511, 512, 513}) {
    std::string records;
    LayerReader reader({}, DigestingOutput::Threads::One, [&](std::string_view part) { records += part; });
    for (std::size_t at = 0; at < bytes.size(); at += piece)
      reader.feed(as_bytes(std::string_view(bytes).substr(at, piece)));
    reader.finish();
    EXPECT_EQ(records, whole) << piece;
  }
}

}  // namespace
}  // namespace pratique::scan
