#include "registry/quota.h"

#include "registry/test_world.h"

namespace pratique::registry {
namespace {

class Quota : public World {
 protected:
  void limit(std::uint64_t principal, std::uint64_t space) {
    options.principal_bytes_max = principal;
    spaces[0].bytes_max = space;
    restart();
  }
  std::uint64_t used(bool is_namespace, std::string_view name) {
    const auto all = registry->usage().value();
    for (const auto& one : all)
      if (one.is_namespace == is_namespace && one.name == name) return one.bytes;
    return 0;
  }
};

TEST_F(Quota, CountsABlobOnceARepositoryForWhoLinkedItAndForItsNamespace) {
  ASSERT_TRUE(push(ann, "open/a", "12345").ok());
  ASSERT_TRUE(push(ann, "open/a", "12345").ok());
  EXPECT_EQ(used(false, "ann"), 5U);
  ASSERT_TRUE(push(bob, "open/b", "12345").ok());
  EXPECT_EQ(used(true, "open"), 10U);
  EXPECT_EQ(used(false, "bob"), 5U);
}

TEST_F(Quota, WhatIsDeletedOrCollectedIsFreeAgain) {
  ASSERT_TRUE(push(ann, "open/a", "12345").ok());
  ASSERT_TRUE(push(ann, "open/a", "123").ok());
  ASSERT_TRUE(registry->unlink_blob(ann, repo("open/a"), digest_of("12345")).ok());
  EXPECT_EQ(used(false, "ann"), 3U);
  collect_all();
  EXPECT_EQ(used(false, "ann"), 0U);
  EXPECT_EQ(used(true, "open"), 0U);
}

TEST_F(Quota, PromotionChargesNobody) {
  const auto staged = put(ann, "in/ann", "1", push_image(ann, "in/ann", "w", "x"));
  const auto before = used(false, "ann");
  ASSERT_TRUE(database->write([&](db::Transaction& tx) { return registry->promote(tx, *staged->staged); }).ok());
  EXPECT_EQ(used(false, "ann"), before);
  EXPECT_EQ(used(true, "out"), before);
}

TEST_F(Quota, RefusesBytesBeyondItWhileTheyArriveAndKeepsNoneOfThem) {
  limit(10, 0);
  ASSERT_TRUE(push(ann, "open/a", "12345").ok());
  EXPECT_EQ(push(ann, "open/a", "another six").error().kind(), ErrorKind::Denied);
  EXPECT_TRUE(store->unfinished_ingests().empty());
  EXPECT_TRUE(push(ann, "open/a", "67890").ok());
  EXPECT_EQ(registry->start_upload(ann, repo("open/a")).error().kind(), ErrorKind::Denied);
  EXPECT_TRUE(push(bob, "open/b", "12345").ok());
}

TEST_F(Quota, OfANamespaceIsForEverybodyTogether) {
  limit(0, 10);
  ASSERT_TRUE(push(ann, "open/a", "12345").ok());
  ASSERT_TRUE(push(bob, "open/b", "67890").ok());
  EXPECT_EQ(push(bob, "open/b", "x").error().kind(), ErrorKind::Denied);
  EXPECT_TRUE(push(bob, "in/bob", "x").ok());
}

TEST_F(Quota, OpenUploadsCountTogether) {
  limit(10, 0);
  Upload one = registry->start_upload(ann, repo("open/a")).value();
  Upload two = registry->start_upload(ann, repo("open/a")).value();
  EXPECT_TRUE(one.append(as_bytes("123456")).ok());
  EXPECT_EQ(two.append(as_bytes("123456")).error().kind(), ErrorKind::Denied);
  EXPECT_TRUE(one.append(as_bytes("7890")).ok());
}

TEST_F(Quota, AMountCountsToo) {
  ASSERT_TRUE(push(ann, "open/a", "12345").ok());
  limit(8, 0);
  EXPECT_EQ(registry->mount(ann, repo("open/b"), digest_of("12345"), repo("open/a")).error().kind(), ErrorKind::Denied);
  EXPECT_FALSE(has_blob("open/b", "12345"));
}

TEST_F(Quota, SurvivesARestart) {
  ASSERT_TRUE(push(ann, "open/a", "12345").ok());
  restart();
  EXPECT_EQ(used(false, "ann"), 5U);
}

TEST_F(Quota, PressureKeepsPushesOutOfStagingOnly) {
  registry->on_pressure([] { return Status(busy("later")); });
  EXPECT_EQ(registry->start_upload(ann, repo("in/ann")).error().kind(), ErrorKind::Busy);
  EXPECT_EQ(put(ann, "in/ann", "1", "{}").error().kind(), ErrorKind::Busy);
  EXPECT_TRUE(registry->start_upload(ann, repo("open/a")).ok());
}

}  // namespace
}  // namespace pratique::registry
