// A push as it really happens: the store writes, the worker reads along, the inventory is there when the blob is.
#include <gtest/gtest.h>

#include "os/file.h"
#include "scan/test_archive.h"

namespace pratique::scan {
namespace {

using namespace testing;

class TapTest : public ::testing::Test {
 protected:
  TapTest()
      : directory(os::TemporaryDirectory::create().value()),
        inventories(InventoryStore::open(directory.path() + "/inventories").value()),
        store(store::Store::open({.directory = directory.path() + "/blobs",
                                  .make_tap = [this] { return make_tap(cataloguer, *inventories); }})
                  .value()) {}
  bool push(std::string_view content, const oci::Digest& as) {
    auto ingest = store->start_ingest().value();
    return ingest.append(as_bytes(content)).ok() && ingest.commit(as).ok();
  }

  os::TemporaryDirectory directory;
  Cataloguer cataloguer;
  std::unique_ptr<InventoryStore> inventories;
  std::unique_ptr<store::Store> store;
  std::string layer = gzip(Archive().file("etc/os-release", kDebian12).tar());
};

TEST_F(TapTest, LeavesAnInventoryBehindEachLayer) {
  ASSERT_TRUE(push(layer, digest_of(layer)));
  EXPECT_EQ(inventories->get(digest_of(layer))->extracts.size(), 1u);
}
TEST_F(TapTest, KeepsNothingOfBytesThatAreNotWhatTheyClaim) {
  EXPECT_FALSE(push(layer, digest_of("something else")));
  EXPECT_FALSE(inventories->has(digest_of("something else")));
}
TEST_F(TapTest, TakesAConfigurationForWhatItIs) {
  ASSERT_TRUE(push("{}", digest_of("{}")));
  EXPECT_FALSE(inventories->get(digest_of("{}"))->is_layer);
}

}  // namespace
}  // namespace pratique::scan
