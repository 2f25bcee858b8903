// A process that dies between two steps, or in one: the next one finishes the work, once.
#include "gate/test_gate.h"

namespace pratique::gate::testing {
namespace {

class CrashTest : public GateTest {
 protected:
  // What must hold when everything has settled, however often it was begun.
  void expect_done_once(const registry::StagedImage& image) {
    EXPECT_EQ(settled(image).state, State::Approved);
    for (auto event : {"submission-opened", "image-scanned", "image-approved", "image-promoted"})
      EXPECT_EQ(count(event), 1u) << event;
    auto open = database_->read([](db::Transaction& tx) { return open_admissions(tx); });
    EXPECT_EQ(open->size(), 1u);
    EXPECT_TRUE(admit().ok());
  }
};

TEST_F(CrashTest, AfterThePushItIsScannedByTheNext) {
  start(gen3(0));
  auto image = push(kClean);
  stop();
  start();
  expect_done_once(image);
}

TEST_F(CrashTest, AfterTheScanItIsDecidedByTheNext) {
  start(gen3(0));
  auto image = push(kClean);
  ASSERT_TRUE(scan_submission(context(gen3()), 1).ok());
  stop();
  start();
  expect_done_once(image);
}

TEST_F(CrashTest, AfterTheDecisionNothingIsDoneAgain) {
  start(gen3(0));
  auto image = push(kClean);
  ASSERT_TRUE(scan_submission(context(gen3()), 1).ok());
  ASSERT_TRUE(decide_submission(context(gen3()), 1).ok());
  stop();
  for (int i = 0; i < 3; ++i) start();
  expect_done_once(image);
}

TEST_F(CrashTest, AStepThatIsRepeatedIsAConflictAndChangesNothing) {
  start(gen3(0));
  auto image = push(kClean);
  auto here = context(gen3());
  ASSERT_TRUE(scan_submission(here, 1).ok());
  EXPECT_EQ(scan_submission(here, 1).error().kind(), ErrorKind::Conflict);
  ASSERT_TRUE(decide_submission(here, 1).ok());
  EXPECT_EQ(decide_submission(here, 1).error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(scan_submission(here, 1).error().kind(), ErrorKind::Conflict);
  expect_done_once(image);
}

TEST_F(CrashTest, AStateAndItsEntryAreWrittenTogetherOrNotAtAll) {
  start(gen3(0));
  push(kClean);
  auto here = context(gen3());
  auto before = events();
  auto row = *database_->read([](db::Transaction& tx) { return load(tx, 1); });
  auto died = database_->write([&](db::Transaction& tx) -> Status {
    TRY(move(here, tx, row, {.to = State::Scanned, .actor = kSystem, .event = "image-scanned", .details = {}}));
    return unavailable("the disk went away");
  });
  EXPECT_FALSE(died.ok());
  EXPECT_EQ(events(), before);
  EXPECT_EQ(database_->read([](db::Transaction& tx) { return load(tx, 1); })->submission.state, State::Staged);
}

TEST_F(CrashTest, AStaleViewOfARowCannotMoveIt) {
  start(gen3(0));
  push(kClean);
  auto here = context(gen3());
  auto stale = *database_->read([](db::Transaction& tx) { return load(tx, 1); });
  ASSERT_TRUE(scan_submission(here, 1).ok());
  auto moved = database_->write([&](db::Transaction& tx) {
    return move(here, tx, stale,
                {.to = State::Superseded, .actor = kSystem, .event = "image-superseded", .details = {}});
  });
  EXPECT_EQ(moved.error().kind(), ErrorKind::Conflict);
}

TEST_F(CrashTest, AFailedPushOpensNoSubmission) {
  start(gen3(0));
  auto image = build(kClean);
  registry_->on_staged(
      [](db::Transaction&, const registry::StagedImage&) -> Status { return unavailable("disk full"); });
  EXPECT_FALSE(
      registry_->put_manifest(ann(), staging(), *oci::Tag::parse("1.0"), image.manifest, oci::media_type::kOciManifest)
          .ok());
  EXPECT_EQ(gate_->submissions({})->size(), 0u);
  EXPECT_EQ(count("image-staged"), 0u);
}

TEST_F(CrashTest, ManySubmissionsAreEachDoneOnceByManyWorkers) {
  start(gen3(0));
  std::vector<registry::StagedImage> images;
  for (int i = 0; i < 12; ++i) images.push_back(push(kClean, format("v{}", i)));
  start(gen3(4));
  for (const auto& image : images) EXPECT_EQ(settled(image).state, State::Approved);
  EXPECT_EQ(count("image-scanned"), 12u);
  EXPECT_EQ(count("image-approved"), 12u);
}

}  // namespace
}  // namespace pratique::gate::testing
