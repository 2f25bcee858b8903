#include "registry/test_world.h"

namespace pratique::registry {
namespace {

using Blobs = World;

TEST_F(Blobs, ArePossessedAndLinkedWhereTheyWerePushed) {
  const auto blob = push(ann, "open/a", "hello").value();
  EXPECT_EQ(blob.size, 5U);
  EXPECT_EQ(registry->blob_size(repo("open/a"), blob.digest).value(), 5U);
  EXPECT_EQ(registry->open_blob(repo("open/a"), blob.digest)->read_all(100).value(), "hello");
  EXPECT_FALSE(has_blob("open/b", "hello"));
  EXPECT_TRUE(registry->possesses(ann, blob.digest).value());
  EXPECT_FALSE(registry->possesses(bob, blob.digest).value());
  EXPECT_EQ(events(), std::vector<std::string>{"blob-pushed"});
}

TEST_F(Blobs, OfAnotherDigestAreRefusedAndTheSessionIsGone) {
  Upload upload = registry->start_upload(ann, repo("open/a")).value();
  const std::string id = upload.id();
  EXPECT_TRUE(upload.append(as_bytes("hello")).ok());
  const auto finished = registry->finish_upload(ann, std::move(upload), digest_of("other"));
  EXPECT_EQ(finished.error().kind(), ErrorKind::Invalid);
  EXPECT_EQ(registry->resume_upload(ann, repo("open/a"), id).error().kind(), ErrorKind::NotFound);
  EXPECT_FALSE(store->has(digest_of("hello")));
  EXPECT_TRUE(events().empty());
}

TEST_F(Blobs, CannotBePushedIntoApprovedOrUnknownNamespaces) {
  EXPECT_EQ(push(ann, "out/a", "x").error().kind(), ErrorKind::Denied);
  EXPECT_EQ(push(ann, "nowhere/a", "x").error().kind(), ErrorKind::NotFound);
}

TEST_F(Blobs, OfAVouchedSourceAreMountedByAnybody) {
  ASSERT_TRUE(push(ann, "open/a", "x").ok());
  EXPECT_TRUE(registry->mount(bob, repo("open/b"), digest_of("x"), repo("open/a")).value());
  EXPECT_TRUE(has_blob("open/b", "x"));
  EXPECT_TRUE(registry->possesses(bob, digest_of("x")).value());
}

TEST_F(Blobs, WithoutAVouchedSourceAreMountedByTheirOwnerOnly) {
  ASSERT_TRUE(push(ann, "open/a", "x").ok());
  EXPECT_TRUE(registry->mount(ann, repo("open/b"), digest_of("x"), std::nullopt).value());
  EXPECT_FALSE(registry->mount(bob, repo("open/c"), digest_of("x"), std::nullopt).value());
  EXPECT_FALSE(registry->mount(bob, repo("open/c"), digest_of("absent"), repo("open/a")).value());
  EXPECT_FALSE(registry->mount(bob, repo("open/c"), digest_of("x"), repo("open/unknown")).value());
}

TEST_F(Blobs, OfStagingAreNeverMountedIntoTheOpen) {
  ASSERT_TRUE(push(ann, "in/ann", "secret").ok());
  EXPECT_FALSE(registry->mount(ann, repo("open/a"), digest_of("secret"), std::nullopt).value());
  EXPECT_TRUE(registry->mount(ann, repo("in/ann/other"), digest_of("secret"), std::nullopt).value());
  EXPECT_FALSE(registry->mount(bob, repo("in/bob"), digest_of("secret"), std::nullopt).value());
}

TEST_F(Blobs, KeepTheirBytesUntilTheLastLinkGoes) {
  ASSERT_TRUE(push(ann, "open/a", "x").ok());
  ASSERT_TRUE(push(bob, "open/b", "x").ok());
  EXPECT_TRUE(registry->unlink_blob(ann, repo("open/a"), digest_of("x")).ok());
  EXPECT_FALSE(has_blob("open/a", "x"));
  EXPECT_TRUE(has_blob("open/b", "x"));
  EXPECT_TRUE(registry->unlink_blob(bob, repo("open/b"), digest_of("x")).ok());
  EXPECT_FALSE(store->has(digest_of("x")));
  EXPECT_FALSE(registry->possesses(ann, digest_of("x")).value());
  EXPECT_EQ(registry->unlink_blob(bob, repo("open/b"), digest_of("x")).error().kind(), ErrorKind::NotFound);
}

TEST_F(Blobs, CanBePushedAgainAfterTheyWereRemoved) {
  ASSERT_TRUE(push(ann, "open/a", "x").ok());
  ASSERT_TRUE(registry->unlink_blob(ann, repo("open/a"), digest_of("x")).ok());
  ASSERT_TRUE(push(ann, "open/a", "x").ok());
  EXPECT_EQ(registry->open_blob(repo("open/a"), digest_of("x"))->read_all(10).value(), "x");
}

TEST_F(Blobs, WithoutARowAreSweptAndNamedOnesStay) {
  ASSERT_TRUE(push(ann, "open/a", "named").ok());
  ASSERT_TRUE(store->put(as_bytes("left by a crash"), "").ok());
  const auto swept = collect();
  EXPECT_EQ(swept.blobs, 1U);
  EXPECT_FALSE(store->has(digest_of("left by a crash")));
  EXPECT_TRUE(store->has(digest_of("named")));
}

TEST_F(Blobs, SurviveARestart) {
  ASSERT_TRUE(push(ann, "open/a", "x").ok());
  restart();
  EXPECT_TRUE(has_blob("open/a", "x"));
  EXPECT_TRUE(registry->possesses(ann, digest_of("x")).value());
  EXPECT_TRUE(journal->verify()->holds());
}

}  // namespace
}  // namespace pratique::registry
