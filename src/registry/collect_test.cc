#include <atomic>
#include <thread>

#include "registry/claims.h"
#include "registry/test_world.h"

namespace pratique::registry {
namespace {

class Collect : public World {
 protected:
  bool has_bytes(std::string_view bytes) { return store->has(digest_of(bytes)); }
  void needed(bool answer) {
    registry->on_needed([answer](db::Transaction&, std::int64_t, Time) -> Result<bool> { return answer; });
  }
};

TEST_F(Collect, TakesABlobThatNoManifestNamesAfterItsTimeAndALease) {
  ASSERT_TRUE(push(ann, "open/a", "unused").ok());
  clock.advance(hours(23));
  EXPECT_EQ(collect().blobs, 0U);
  clock.advance(hours(2));
  EXPECT_EQ(collect().blobs, 0U);  // condemned only now
  clock.advance(hours(1));
  const auto run = collect();
  EXPECT_EQ(run.blobs, 1U);
  EXPECT_EQ(run.bytes, 6U);
  EXPECT_FALSE(has_bytes("unused"));
  EXPECT_FALSE(registry->possesses(ann, digest_of("unused")).value());
  EXPECT_EQ(events().back(), "blobs-collected");
}

TEST_F(Collect, LeavesWhatAManifestNamesForEver) {
  push_image(ann, "open/a", "1.0", "x");
  collect_all();
  EXPECT_TRUE(has_blob("open/a", "layer x"));
  EXPECT_TRUE(has_manifest("open/a", "1.0"));
}

TEST_F(Collect, ABlobTheClientWasToldOfStaysForALease) {
  ASSERT_TRUE(push(ann, "open/a", "layer x").ok());
  ASSERT_TRUE(push(ann, "open/a", "{}").ok());
  clock.advance(days(2));
  collect();
  clock.advance(minutes(59));
  EXPECT_TRUE(has_blob("open/a", "layer x"));  // HEAD: 200
  EXPECT_TRUE(has_blob("open/a", "{}"));
  clock.advance(minutes(59));
  collect();
  EXPECT_TRUE(put(ann, "open/a", "1", image_json("{}", {"layer x"}).dump()).ok());
  collect_all();
  EXPECT_TRUE(has_blob("open/a", "layer x"));
}

TEST_F(Collect, APossessedBlobTheClientWasToldOfStaysForALease) {
  ASSERT_TRUE(push(ann, "in/ann", "layer x").ok());
  clock.advance(days(2));
  collect();
  EXPECT_TRUE(registry->possesses(ann, digest_of("layer x")).value());
  clock.advance(hours(2));
  collect();  // condemns anew; removes nothing
  EXPECT_TRUE(has_bytes("layer x"));
}

TEST_F(Collect, ABlobNamedWhileItWasCondemnedIsSpared) {
  ASSERT_TRUE(push(ann, "open/a", "layer x").ok());
  ASSERT_TRUE(push(ann, "open/a", "{}").ok());
  clock.advance(days(2));
  collect();
  ASSERT_TRUE(put(ann, "open/a", "1", image_json("{}", {"layer x"}).dump()).ok());
  clock.advance(days(2));
  EXPECT_EQ(collect().links, 0U);
  EXPECT_TRUE(has_blob("open/a", "layer x"));
}

TEST_F(Collect, ALinkGoesAloneWhileAnotherRepositoryNeedsTheBytes) {
  push_image(ann, "open/a", "1.0", "x");
  ASSERT_TRUE(push(bob, "open/b", "layer x").ok());
  collect_all();
  EXPECT_FALSE(has_blob("open/b", "layer x"));
  EXPECT_TRUE(has_blob("open/a", "layer x"));
  EXPECT_TRUE(has_bytes("layer x"));
}

TEST_F(Collect, ADryRunCountsAndTakesNothing) {
  ASSERT_TRUE(push(ann, "open/a", "unused").ok());
  clock.advance(days(2));
  for (int i = 0; i < 2; ++i) {
    const auto run = collect(true);
    EXPECT_EQ(run.blobs, 1U);
    EXPECT_EQ(run.bytes, 6U);
  }
  clock.advance(days(2));
  EXPECT_TRUE(has_bytes("unused"));
}

TEST_F(Collect, TakesAStagedImageOnceNothingNeedsIt) {
  push_image(ann, "in/ann", "1.0", "x");
  needed(true);
  collect_all();
  EXPECT_TRUE(has_manifest("in/ann", "1.0"));
  needed(false);
  collect_all();
  EXPECT_FALSE(has_manifest("in/ann", "1.0"));
  EXPECT_FALSE(has_bytes("layer x"));
}

TEST_F(Collect, KeepsAStagedImageWhileNobodyCanSayThatItIsNotNeeded) {
  push_image(ann, "in/ann", "1.0", "x");
  collect_all();
  EXPECT_TRUE(has_manifest("in/ann", "1.0"));
}

TEST_F(Collect, KeepsThePartsOfAnIndexAndTakesThemAfterIt) {
  push_image(ann, "in/ann", by_digest(image_json("{\"salt\":\"x\"}", {"layer x"}).dump()), "x");
  const std::string child = image_json("{\"salt\":\"x\"}", {"layer x"}).dump();
  const std::string index = index_json({child}).dump();
  ASSERT_TRUE(put(ann, "in/ann", "1.0", index).ok());
  needed(true);
  collect_all();
  EXPECT_TRUE(has_manifest("in/ann", by_digest(child)));
  needed(false);
  collect_all();
  collect_all();
  EXPECT_FALSE(has_manifest("in/ann", by_digest(child)));
  EXPECT_FALSE(has_bytes("layer x"));
}

TEST_F(Collect, TakesNoManifestOfAnOpenNamespace) {
  const std::string manifest = push_image(ann, "open/a", "1.0", "x");
  ASSERT_TRUE(registry->delete_manifest(ann, repo("open/a"), tag("1.0")).ok());
  needed(false);
  collect_all();
  EXPECT_TRUE(has_manifest("open/a", by_digest(manifest)));
}

TEST_F(Collect, TakesWhatACrashLeft) {
  ASSERT_TRUE(store->put(as_bytes("no row"), "").ok());
  ASSERT_TRUE(os::write_file(directory.path() + "/store/uploads/put-0123", "half").ok());
  const auto run = collect();
  EXPECT_EQ(run.blobs, 1U);
  EXPECT_EQ(run.temporaries, 1U);
  EXPECT_FALSE(has_bytes("no row"));
}

TEST_F(Collect, BlobsOfAWithdrawnImageGoWithTheirLastLink) {
  const auto staged = put(ann, "in/ann", "1", push_image(ann, "in/ann", "w", "x"));
  ASSERT_TRUE(database->write([&](db::Transaction& tx) { return registry->promote(tx, *staged->staged); }).ok());
  needed(false);
  collect_all();
  EXPECT_TRUE(has_blob("out/ann", "layer x"));
  ASSERT_TRUE(
      database->write([&](db::Transaction& tx) { return registry->unpromote(tx, repo("out/ann"), staged->digest); })
          .ok());
  collect();
  EXPECT_FALSE(has_bytes("layer x"));
}

// Two people push the same blob again and again, name it and delete it, while the collector, without any time of grace,
// takes whatever it may. An acknowledged image must be whole.
TEST_F(Collect, NeverTakesWhatAPushIsAboutToName) {
  options.unreferenced_kept = Duration(-1);
  options.lease = Duration(-1);
  restart();
  std::atomic<bool> is_over = false;
  std::thread collector([&] {
    while (!is_over) {
      collect();
      ManualClock& moving = clock;
      moving.advance(seconds(1));
    }
  });
  auto work = [&](const identity::Principal& who, const std::string& where) {
    const std::string manifest = image_json("{}", {"shared"}).dump();
    int whole = 0;
    for (int i = 0; i < 60; ++i) {
      if (!push(who, where, "shared").ok() || !push(who, where, "{}").ok()) ADD_FAILURE() << "a push failed";
      if (!put(who, where, "t", manifest).ok()) continue;  // told to send again: no lease here
      ++whole;
      auto blob = registry->open_blob(repo(where), digest_of("shared"));
      EXPECT_TRUE(blob.ok() && blob->read_all(10).value_or("") == "shared");
      EXPECT_TRUE(registry->delete_manifest(who, repo(where), oci::Digest::of(as_bytes(manifest))).ok());
    }
    return whole;
  };
  std::thread other([&] { work(bob, "open/b"); });
  work(ann, "open/a");
  other.join();
  is_over = true;
  collector.join();
  clock.advance(seconds(1));
  collect();
  collect();
  EXPECT_FALSE(has_bytes("shared"));
}

TEST(Claims, KeepTheCollectorFromADigestThatAPushIsAt) {
  Claims claims;
  const auto digest = digest_of("x");
  {
    const Claims::Naming pushing(claims, digest);
    EXPECT_FALSE(Claims::Removal(claims, digest).is_granted());
    EXPECT_TRUE(Claims::Removal(claims, digest_of("y")).is_granted());
  }
  EXPECT_TRUE(Claims::Removal(claims, digest).is_granted());
}

TEST(Claims, LetAPushWaitOnlyForTheDigestThatIsBeingUnlinked) {
  Claims claims;
  std::atomic<bool> is_named = false;
  std::optional<Claims::Removal> removing(std::in_place, claims, digest_of("x"));
  std::thread pusher([&] {
    const Claims::Naming naming(claims, digest_of("x"));
    is_named = true;
  });
  const Claims::Naming other(claims, digest_of("y"));
  EXPECT_FALSE(is_named);
  removing.reset();
  pusher.join();
  EXPECT_TRUE(is_named);
}

}  // namespace
}  // namespace pratique::registry
