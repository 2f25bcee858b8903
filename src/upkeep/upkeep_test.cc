#include "upkeep/upkeep.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "os/file.h"

namespace pratique::upkeep {
namespace {

constexpr milliseconds kPatience{20'000};  // for a machine that is busy with something else

class UpkeepTest : public testing::Test {
 protected:
  UpkeepTest() {
    std::vector<db::Migration> all;
    for (const auto& one : journal::Journal::migrations()) all.push_back(one);
    for (const auto& one : registry::Registry::migrations()) all.push_back(one);
    database = std::move(db::Database::open({.path = directory.path() + "/state.db"}, all)).value();
    store = std::move(store::Store::open({.directory = directory.path() + "/store"})).value();
    journal = std::make_unique<journal::Journal>(*database, clock);
    registry =
        std::make_unique<registry::Registry>(*database, *store, *journal, clock, std::vector<registry::Namespace>{});
  }
  void start(Options options) { upkeep = std::make_unique<Upkeep>(*registry, clock, options); }

  os::TemporaryDirectory directory = std::move(os::TemporaryDirectory::create()).value();
  ManualClock clock{*Time::parse("2026-11-20T12:00:00Z")};
  std::unique_ptr<db::Database> database;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<journal::Journal> journal;
  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<Upkeep> upkeep;
};

constexpr Options kOnlyWhenAsked{.collect_every = seconds(0), .scrub_every = seconds(0)};

TEST_F(UpkeepTest, CollectsWhenAskedAndSaysWhatItTook) {
  start(kOnlyWhenAsked);
  ASSERT_TRUE(store->put(as_bytes("crumbs"), "").ok());
  ASSERT_TRUE(upkeep->start_collection(true).ok());
  EXPECT_EQ(upkeep->collection(kPatience).run.bytes, 6U);
  ASSERT_TRUE(upkeep->start_collection(false).ok());
  const auto job = upkeep->collection(kPatience);
  EXPECT_FALSE(job.is_running);
  EXPECT_EQ(job.run.blobs, 1U);
  EXPECT_EQ(job.problem, "");
  EXPECT_FALSE(store->has(oci::Digest::of(as_bytes("crumbs"))));
}

TEST_F(UpkeepTest, DoesNothingByItselfWhereThatIsSwitchedOff) {
  start(kOnlyWhenAsked);
  EXPECT_FALSE(upkeep->collection().started);
  EXPECT_FALSE(upkeep->scrub().started);
}

TEST_F(UpkeepTest, CollectsAtTheStart) {
  ASSERT_TRUE(store->put(as_bytes("crumbs"), "").ok());
  start({});
  while (!upkeep->collection(kPatience).ended) std::this_thread::yield();
  EXPECT_FALSE(store->has(oci::Digest::of(as_bytes("crumbs"))));
}

TEST_F(UpkeepTest, TellsWhyARunStopped) {
  start(kOnlyWhenAsked);
  ASSERT_TRUE(os::remove_tree(directory.path() + "/store/blobs/sha512").ok());
  ASSERT_TRUE(upkeep->start_collection(false).ok());
  EXPECT_NE(upkeep->collection(kPatience).problem, "");
}

TEST_F(UpkeepTest, ScrubsNoFasterThanItMayAndStopsAtOnce) {
  auto blob = store->put(as_bytes(std::string(4 << 20, 'x')), "").value();
  ASSERT_TRUE(database
                  ->write([&](db::Transaction& tx) {
                    auto insert = tx.prepare("INSERT INTO blobs (digest, size) VALUES (?, ?)");
                    return insert.bind(blob.digest.to_string()).bind(blob.size).run();
                  })
                  .ok());
  start({.collect_every = seconds(0), .scrub_every = seconds(0), .scrub_bytes_per_second = 1});
  ASSERT_TRUE(upkeep->start_scrub().ok());
  EXPECT_TRUE(upkeep->scrub(milliseconds(50)).is_running);
  EXPECT_EQ(upkeep->start_scrub().error().kind(), ErrorKind::Conflict);
  upkeep.reset();  // would last 48 days
  start(kOnlyWhenAsked);
  ASSERT_TRUE(upkeep->start_scrub().ok());
  EXPECT_EQ(upkeep->scrub(kPatience).run.blobs, 1U);
}

}  // namespace
}  // namespace pratique::upkeep
