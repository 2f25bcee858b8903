#include <gtest/gtest.h>

#include "os/file.h"
#include "scan/test_archive.h"

namespace pratique::scan {
namespace {

using namespace testing;

class Inventories : public ::testing::Test {
 protected:
  Inventories()
      : directory(os::TemporaryDirectory::create().value()), store(InventoryStore::open(directory.path()).value()) {}
  std::string file() const {
    auto hex = inventory.blob.encoded();
    return directory.path() + "/sha256/" + hex.substr(0, 2) + "/" + hex;
  }
  void damage(std::size_t at) {
    auto content = os::read_file(file(), 1 << 20).value();
    content[at % content.size()] ^= 1;
    ASSERT_TRUE(os::write_file(file(), content).ok());
  }

  os::TemporaryDirectory directory;
  std::unique_ptr<InventoryStore> store;
  LayerInventory inventory = read(Archive()
                                      .file("etc/os-release", kDebian12)
                                      .file("var/lib/dpkg/status", dpkg_status({{"bash", "5.2"}}) + "odd\n")
                                      .symlink("a", "b"));
};

TEST_F(Inventories, OfDeadOrStoppedWorkersAreNotKept) {
  for (const auto* code : {"worker-died", "timed-out"}) {
    inventory.gaps = {{code, "", "the kernel was out of memory"}};
    EXPECT_TRUE(store->put(inventory).ok());
    EXPECT_FALSE(store->has(inventory.blob)) << code;
  }
}
TEST_F(Inventories, ComeBackAsTheyWere) {
  ASSERT_TRUE(store->put(inventory).ok());
  auto again = store->get(inventory.blob);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(encode_records(*again), encode_records(inventory));
  EXPECT_EQ(again->blob, inventory.blob);
  EXPECT_EQ(again->diff_id, inventory.diff_id);
  EXPECT_TRUE(store->has(inventory.blob));
}
TEST_F(Inventories, AreNotFoundBeforeTheyArePut) {
  EXPECT_EQ(store->get(inventory.blob).error().kind(), ErrorKind::NotFound);
  EXPECT_FALSE(store->has(inventory.blob));
}
TEST_F(Inventories, AreRemovedWhenDamagedAnywhere) {
  ASSERT_TRUE(store->put(inventory).ok());
  auto size = os::read_file(file(), 1 << 20)->size();
  for (std::size_t at = 0; at < size; at += 13) {
    ASSERT_TRUE(store->put(inventory).ok());
    damage(at);
    EXPECT_EQ(store->get(inventory.blob).error().kind(), ErrorKind::NotFound) << at;
    EXPECT_FALSE(os::exists(file()));
  }
}
TEST_F(Inventories, OfAnotherVersionAreNotFound) {
  ASSERT_TRUE(store->put(inventory).ok());
  auto content = os::read_file(file(), 1 << 20).value();
  content = replace_all(content.substr(0, content.size() - 32), "dpkg/1", "dpkg/0");
  content += as_text(sha256(as_bytes(content)));
  ASSERT_TRUE(os::write_file(file(), content).ok());
  EXPECT_EQ(store->get(inventory.blob).error().kind(), ErrorKind::NotFound);
  EXPECT_FALSE(store->has(inventory.blob));
}
TEST_F(Inventories, UnderAnotherLayersNameAreNotFound) {
  ASSERT_TRUE(store->put(inventory).ok());
  auto other = digest_of("other");
  auto path = directory.path() + "/sha256/" + other.encoded().substr(0, 2);
  ASSERT_TRUE(os::make_directories(path).ok());
  ASSERT_TRUE(os::write_file(path + "/" + other.encoded(), os::read_file(file(), 1 << 20).value()).ok());
  EXPECT_FALSE(store->get(other).ok());
}

TEST(Records, RefuseEveryTruncation) {
  auto bytes = encode_records(
      read(Archive().file("etc/os-release", kDebian12).file("var/lib/dpkg/status", dpkg_status({{"bash", "5.2"}}))));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    LayerInventory into{.blob = digest_of("")};
    EXPECT_FALSE(decode_records(std::string_view(bytes).substr(0, size), {}, into).ok()) << size;
  }
}

struct BadRecords {
  const char* name;
  std::string bytes;
};
class RefusedRecords : public ::testing::TestWithParam<BadRecords> {};
TEST_P(RefusedRecords, AreCorruptOrBeyondLimits) {
  LayerInventory into{.blob = digest_of("")};
  EXPECT_FALSE(decode_records(GetParam().bytes, {}, into).ok());
}
std::string of(std::initializer_list<FileEntry> entries, const Extract* extract = nullptr) {
  LayerInventory inventory{.blob = digest_of("")};
  inventory.files = entries;
  if (extract) inventory.extracts.push_back(*extract);
  return encode_records(inventory);
}
const Extract kNoFile{.entry = 7, .extractor = "dpkg"};
const Extract kNoExtractor{.entry = 0, .extractor = "nobody"};
const Extract kEmptyName{
    .entry = 0, .extractor = "dpkg", .packages = {vuln::Package{.kind = vuln::PackageKind::Deb, .version = "1"}}};
const Extract kNotText{.entry = 0,
                       .extractor = "dpkg",
                       .packages = {vuln::Package{.kind = vuln::PackageKind::Deb, .name = "\xff", .version = "1"}}};
INSTANTIATE_TEST_SUITE_P(
    Rows, RefusedRecords,
    ::testing::Values(BadRecords{"unknown_tag", "?"}, BadRecords{"after_end", of({}) + "Z"},
                      BadRecords{"escaping", of({{.path = "../x"}})}, BadRecords{"absolute", of({{.path = "/x"}})},
                      BadRecords{"root_file", of({{.path = ""}})},
                      BadRecords{"escaping_link", of({{.path = "x", .type = FileType::Hardlink, .link = "../y"}})},
                      BadRecords{"mode", of({{.path = "x", .mode = 0100000}})},
                      BadRecords{"long_path", of({{.path = std::string(5000, 'x')}})},
                      BadRecords{"type", std::string("E\x09\0\0\0\0\x01x\0", 9)},
                      BadRecords{"padded_number", std::string("Z\x81\0\0\0", 5)},
                      BadRecords{"long_number", "Z\x01" + std::string(20, '\xff')},
                      BadRecords{"no_file", of({{.path = "x"}}, &kNoFile)},
                      BadRecords{"no_extractor", of({{.path = "x"}}, &kNoExtractor)},
                      BadRecords{"empty_name", of({{.path = "x"}}, &kEmptyName)},
                      BadRecords{"not_text", of({{.path = "x"}}, &kNotText)},
                      BadRecords{"not_a_file", of({{.path = "x", .type = FileType::Fifo}}, &kEmptyName)}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace pratique::scan
