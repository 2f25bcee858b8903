#include "transport/tar_index.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "transport/test_image.h"

namespace pratique::transport {
namespace {

struct Opened {
  os::Fd file;
  TarIndex index;
  std::string read(const std::string& name) const {
    auto member = index.find(name).value();
    return read_all(*file_stream(file, member.offset, member.size).value(), 1 << 20).value();
  }
};
Opened opened(os::Fd file) {
  auto index = TarIndex::read(file).value();
  return {std::move(file), std::move(index)};
}
Opened tar_with(const std::vector<std::pair<TarEntry, std::string>>& entries) {
  os::Fd out = scratch_file().value();
  TarWriter writer(out);
  for (const auto& [entry, content] : entries) EXPECT_TRUE(writer.add(entry, content).ok());
  EXPECT_TRUE(writer.finish().ok());
  return opened(std::move(out));
}
TarEntry link(const std::string& name, const std::string& target, char type = '2') {
  return {.name = name, .type = type, .link = target};
}
ErrorKind refusal(std::string_view bytes) {
  return TarIndex::read(file_with(bytes)).error().kind();
}

// One ustar header made by hand, with a right checksum.
std::string block(std::string_view name, char type, std::string_view size_field) {
  std::string bytes(512, '\0');
  bytes.replace(0, name.size(), name);
  bytes.replace(124, size_field.size(), size_field);
  bytes.replace(148, 8, "        ");
  bytes[156] = type;
  unsigned sum = 0;
  for (char c : bytes) sum += static_cast<unsigned char>(c);
  bytes.replace(148, 6, format("{:06o}", sum));
  bytes[154] = '\0';
  return bytes;
}
std::string padded(std::string content) {
  content.resize((content.size() + 511) / 512 * 512, '\0');
  return content;
}
const std::string kEnd(1024, '\0');

TEST(TarIndex, FindsFilesByName) {
  auto tar = opened(tar_of({{"a", "one"}, {"d/b", "two"}, {"empty", ""}}));
  EXPECT_EQ(tar.read("d/b") + tar.read("a") + tar.read("empty"), "twoone");
  EXPECT_EQ(tar.index.find("c").error().kind(), ErrorKind::NotFound);
}
TEST(TarIndex, ReadsLongNamesAndUtf8FromPax) {
  std::string name = std::string(300, 'n') + "/\xC3\xA4";
  EXPECT_EQ(opened(tar_of({{name, "x"}})).read(name), "x");
}
TEST(TarIndex, ReadsGnuLongNames) {
  std::string name(200, 'g');
  auto tar = opened(file_with(block("././@LongLink", 'L', "00000000311") + padded(name + '\0') +
                              block("short", '0', "00000000001") + padded("x") + kEnd));
  EXPECT_EQ(tar.read(name), "x");
}
TEST(TarIndex, ReadsSizesInBase256) {
  std::string size("\x80\0\0\0\0\0\0\0\0\0\0\x02", 12);
  EXPECT_EQ(opened(file_with(block("a", '0', size) + padded("xy") + kEnd)).read("a"), "xy");
}
TEST(TarIndex, NormalisesNames) {
  auto tar = tar_with(
      {{{.name = "./x//y"}, "1"}, {{.name = "/abs"}, "2"}, {{.name = "../out"}, "3"}, {{.name = "a/../b"}, "4"}});
  EXPECT_EQ(tar.read("x/y") + tar.read("abs") + tar.read("b"), "124");
  EXPECT_FALSE(tar.index.has("out") || tar.index.has("../out"));
}
TEST(TarIndex, FollowsLinksInsideTheArchive) {
  auto tar = tar_with({{{.name = "a/layer.tar"}, "x"},
                       {link("b/layer.tar", "../a/layer.tar"), ""},
                       {link("c", "b/layer.tar"), ""},
                       {link("d", "a/layer.tar", '1'), ""},
                       {link("e/f", "/a/layer.tar"), ""}});
  for (auto name : {"b/layer.tar", "c", "d", "e/f"}) EXPECT_EQ(tar.read(name), "x") << name;
}
TEST(TarIndex, RefusesLinksThatCircleOrLeave) {
  auto tar = tar_with({{link("a", "b"), ""}, {link("b", "a"), ""}, {link("c", "../../etc/passwd"), ""}});
  EXPECT_EQ(tar.index.find("a").error().kind(), ErrorKind::Corrupt);
  EXPECT_EQ(tar.index.find("c").error().kind(), ErrorKind::NotFound);
}
TEST(TarIndex, RefusesANameThatTwoFilesBear) {
  auto tar = tar_with({{{.name = "a"}, "1"},
                       {{.name = "./a"}, "2"},
                       {{.name = "d", .type = '5'}, ""},
                       {{.name = "d", .type = '5'}, ""}});
  EXPECT_EQ(tar.index.find("a").error().kind(), ErrorKind::Corrupt);
  EXPECT_EQ(tar.index.find("d").error().kind(), ErrorKind::NotFound);
}
TEST(TarIndex, DoesNotTakeOtherMembersForFiles) {
  auto tar = tar_with({{{.name = "fifo", .type = '6'}, ""}, {{.name = "dir", .type = '5'}, ""}, {{.name = "a"}, "1"}});
  EXPECT_FALSE(tar.index.has("fifo") || tar.index.has("dir"));
}
TEST(TarIndex, ReadsAnArchiveWithoutEndMarker) {
  EXPECT_EQ(opened(file_with(block("a", '0', "1") + "x")).read("a"), "x");
}
TEST(TarIndex, IgnoresWhatFollowsTheEnd) {
  EXPECT_EQ(opened(file_with(block("a", '0', "1") + padded("x") + kEnd + "junk")).index.size(), 1U);
}
TEST(TarIndex, RefusesBrokenArchives) {
  auto whole = tar_bytes({{"a", std::string(2000, 'x')}});
  auto flipped = whole;
  flipped[3] ^= 1;
  for (const auto& bytes :
       {std::string(), kEnd, std::string(512, 'x'), std::string("x"), whole.substr(0, 100), whole.substr(0, 1500),
        flipped, block("a", '0', "9"), block("a", '0', "7777777777777"),
        block("a", '0', std::string("\xff\0\0\0\0\0\0\0\0\0\0\0", 12)), block("x", 'x', "7") + padded("9 a=b\n") + kEnd,
        block("x", 'x', "20") + padded("16 size=-1\n\0\0\0\0\0") + kEnd}) {
    EXPECT_EQ(refusal(bytes), ErrorKind::Corrupt) << bytes.size();
  }
}
TEST(TarIndex, LimitsNames) {
  EXPECT_EQ(refusal(block("x", 'L', "00077777777") + kEnd), ErrorKind::Limit);
}
TEST(TarIndex, LimitsMembers) {
  std::string many;
  for (int i = 0; i < 100'001; ++i) many += block("a", '5', "0");
  EXPECT_EQ(refusal(many), ErrorKind::Limit);
}
TEST(TarIndex, SkipsExtensionsItDoesNotNeed) {
  auto pax = std::string("20 comment=hello wo\n");
  EXPECT_EQ(opened(file_with(block("g", 'g', "24") + padded(pax) + block("x", 'x', "24") + padded(pax) +
                             block("a", '0', "1") + padded("x") + kEnd))
                .read("a"),
            "x");
}

}  // namespace
}  // namespace pratique::transport
