#include "gate/gate.h"

#include "gate/test_gate.h"

namespace pratique::gate::testing {
namespace {

using ::testing::HasSubstr;

TEST_F(GateTest, ApprovesACleanImageWhenThePushEnds) {
  start();
  auto image = push(kClean);
  auto submission = settled(image);
  EXPECT_EQ(submission.state, State::Approved);
  EXPECT_EQ(submission.approved_reference(), "approved/ann:1.0");
  EXPECT_EQ(submission.expires, clock_.now() + days(30));
  EXPECT_EQ(submission.decision->reasons[0].rule, "clean");
  EXPECT_EQ(admit()->digest(), image.digest());
}

TEST_F(GateTest, JournalsEachStepInOrder) {
  start();
  pushed_and_settled(kClean);
  EXPECT_THAT(events(), ::testing::IsSupersetOf({"image-staged", "submission-opened", "image-scanned", "image-approved",
                                                 "image-promoted"}));
  EXPECT_EQ(count("image-approved"), 1u);
}

TEST_F(GateTest, RejectsACriticalFindingAndSaysWhatToDo) {
  start();
  auto submission = pushed_and_settled(kCritical);
  EXPECT_EQ(submission.state, State::Rejected);
  EXPECT_EQ(submission.counts[vuln::Severity::Critical], 1u);
  EXPECT_THAT(refusal(), HasSubstr("refused: approved/ann:1.0 was rejected"));
  EXPECT_THAT(refusal(), HasSubstr("CVE-2026-1001 (critical) in xz-utils 5.6.0, fixed in 5.6.1"));
  EXPECT_THAT(refusal(), HasSubstr("push it to staging/ann:1.0 again"));
}

TEST_F(GateTest, SendsAnUnratedFindingToAReviewer) {
  start();
  auto submission = pushed_and_settled(kUnrated);
  EXPECT_EQ(submission.state, State::Waiting);
  EXPECT_THAT(refusal(), HasSubstr("waits for a reviewer (submission " + submission.id + ")"));
}

TEST_F(GateTest, SendsEveryImageToAReviewerUnderTre) {
  start(tre());
  EXPECT_EQ(pushed_and_settled(kClean).state, State::Waiting);
}

TEST_F(GateTest, KnowsNothingOfNamesNobodySubmitted) {
  start();
  EXPECT_THAT(refusal("9.9"), HasSubstr("not-found: there is no approved/ann:9.9"));
  EXPECT_EQ(admit(oci::Digest::of(as_bytes("x"))).error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(admit_part(oci::Digest::of(as_bytes("x"))).error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(gate_->submission("0123456789ab").error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(gate_->reports("0123456789ab").error().kind(), ErrorKind::NotFound);
}

TEST_F(GateTest, DoesNotAdmitFromAStagingOrOpenRepository) {
  start();
  auto submission = pushed_and_settled(kClean);
  EXPECT_EQ(gate_->admit(staging(), submission.tag).error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(gate_->admit_part(staging(), submission.digest).error().kind(), ErrorKind::NotFound);
}

TEST_F(GateTest, SaysThatAnImageIsStillBeingJudged) {
  start(gen3(0));
  push(kClean);
  EXPECT_THAT(refusal(), HasSubstr("refused: approved/ann:1.0 is still being judged"));
}

TEST_F(GateTest, StopsWaitingForAVerdictThatDoesNotCome) {
  start(gen3(0));
  EXPECT_EQ(gate_->await_verdict(push(kClean), milliseconds(1))->state, State::Staged);
}

TEST_F(GateTest, ListsSubmissionsNewestFirstAndFiltered) {
  start();
  pushed_and_settled(kClean, "1");
  pushed_and_settled(kCritical, "2");
  auto all = *gate_->submissions({});
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].tag.text(), "2");
  EXPECT_EQ(gate_->submissions({.state = State::Rejected})->size(), 1u);
  EXPECT_EQ(gate_->submissions({.submitter = "nobody"})->size(), 0u);
  EXPECT_EQ(gate_->submissions({.repository = all[0].repository.text()})->size(), 2u);
  EXPECT_EQ(gate_->submissions({.repository = "nobody/s"})->size(), 0u);
  EXPECT_EQ(gate_->submissions({.submitter = "ann", .limit = 1})->size(), 1u);
}

TEST_F(GateTest, KeepsTheReport) {
  start();
  auto submission = pushed_and_settled(kCritical);
  auto reports = gate_->reports(submission.id);
  ASSERT_EQ(reports->size(), 1u);
  EXPECT_EQ(reports->at(0).digest, submission.digest);
  EXPECT_EQ(reports->at(0).findings.at(0).id, "CVE-2026-1001");
}

// -- reviewers

TEST_F(GateTest, AReviewerApprovesWhatWaits) {
  start();
  auto waiting = pushed_and_settled(kUnrated);
  clock_.advance(days(2));
  auto approved = gate_->approve(bea(), waiting.id, "looked at it");
  ASSERT_TRUE(approved.ok()) << approved.error().message();
  EXPECT_EQ(approved->state, State::Approved);
  EXPECT_EQ(approved->reviewer, "bea");
  EXPECT_EQ(approved->note, "looked at it");
  EXPECT_EQ(approved->expires, clock_.now() + days(30));
  EXPECT_TRUE(admit().ok());
}

TEST_F(GateTest, AReviewerRejectsWithANoteThatTheSubmitterReads) {
  start();
  auto waiting = pushed_and_settled(kUnrated);
  EXPECT_EQ(gate_->reject(bea(), waiting.id, " ").error().kind(), ErrorKind::Invalid);
  EXPECT_EQ(gate_->reject(bea(), waiting.id, "use mystery 2.0")->state, State::Rejected);
  EXPECT_THAT(refusal(), HasSubstr("use mystery 2.0"));
}

TEST_F(GateTest, OnlyReviewersReview) {
  start();
  auto waiting = pushed_and_settled(kUnrated);
  for (const auto* who : {&ann(), &user("ron", {identity::Role::Runner}), &user("ada", {identity::Role::Admin})}) {
    EXPECT_EQ(gate_->approve(*who, waiting.id, "").error().kind(), ErrorKind::Denied);
    EXPECT_EQ(gate_->reject(*who, waiting.id, "no").error().kind(), ErrorKind::Denied);
    EXPECT_EQ(gate_->waive(*who, waiver()).error().kind(), ErrorKind::Denied);
  }
  EXPECT_EQ(again(waiting).state, State::Waiting);
}

TEST_F(GateTest, NobodyReviewsTheirOwnImage) {
  user("ann", {identity::Role::Submitter, identity::Role::Reviewer});
  start();
  auto waiting = pushed_and_settled(kUnrated);
  EXPECT_THAT(gate_->approve(ann(), waiting.id, "").error().message(), HasSubstr("cannot review it"));
  EXPECT_EQ(gate_->reject(ann(), waiting.id, "no").error().kind(), ErrorKind::Denied);
}

TEST_F(GateTest, AnAdministratorMayReviewTheirOwnImage) {
  user("ann", {identity::Role::Submitter, identity::Role::Reviewer, identity::Role::Admin});
  start();
  EXPECT_EQ(gate_->approve(ann(), pushed_and_settled(kUnrated).id, "")->state, State::Approved);
}

TEST_F(GateTest, OnlyWhatWaitsCanBeReviewed) {
  start();
  auto approved = pushed_and_settled(kClean, "1");
  auto rejected = pushed_and_settled(kCritical, "2");
  for (const auto& settled : {approved, rejected}) {
    EXPECT_EQ(gate_->approve(bea(), settled.id, "").error().kind(), ErrorKind::Conflict);
    EXPECT_EQ(gate_->reject(bea(), settled.id, "no").error().kind(), ErrorKind::Conflict);
    EXPECT_EQ(again(settled).state, settled.state);
  }
  EXPECT_EQ(gate_->approve(bea(), "0123456789ab", "").error().kind(), ErrorKind::NotFound);
}

TEST_F(GateTest, RefusesANoteThatIsNoNote) {
  start();
  auto waiting = pushed_and_settled(kUnrated);
  EXPECT_EQ(gate_->approve(bea(), waiting.id, std::string(5000, 'x')).error().kind(), ErrorKind::Invalid);
  EXPECT_EQ(gate_->reject(bea(), waiting.id, "\xff").error().kind(), ErrorKind::Invalid);
}

// -- waivers

TEST_F(GateTest, AWaiverLetsARejectedImageInUntilItEnds) {
  start();
  auto rejected = pushed_and_settled(kCritical);
  auto id = gate_->waive(bea(), waiver(days(5)));
  ASSERT_TRUE(id.ok()) << id.error().message();
  EXPECT_EQ(id->substr(0, 2), "W-");
  EXPECT_EQ(again(rejected).state, State::Approved);
  EXPECT_EQ(again(rejected).expires, clock_.now() + days(5));
  EXPECT_TRUE(admit().ok());
  clock_.advance(days(5));
  EXPECT_THAT(refusal(), HasSubstr("expired on 2026-11-25"));
}

TEST_F(GateTest, AWaiverUnderTreLeavesTheLastWordToAReviewer) {
  start(tre());
  auto rejected = pushed_and_settled(kCritical);
  EXPECT_EQ(rejected.state, State::Rejected);
  ASSERT_TRUE(gate_->waive(bea(), waiver(days(5))).ok());
  EXPECT_EQ(again(rejected).state, State::Waiting);
  EXPECT_EQ(gate_->approve(bea(), rejected.id, "")->expires, clock_.now() + days(5));
}

TEST_F(GateTest, AReviewerCannotApproveBeyondAnEndedWaiver) {
  start(tre());
  auto rejected = pushed_and_settled(kCritical);
  ASSERT_TRUE(gate_->waive(bea(), waiver(days(5))).ok());
  clock_.advance(days(6));
  EXPECT_EQ(gate_->approve(bea(), rejected.id, "").error().kind(), ErrorKind::Conflict);
}

TEST_F(GateTest, AWaiverForSomethingElseChangesNothing) {
  start();
  auto rejected = pushed_and_settled(kCritical);
  ASSERT_TRUE(gate_->waive(bea(), waiver(days(5), "CVE-2026-1002")).ok());
  auto elsewhere = waiver();
  elsewhere.image = "staging/bob";
  ASSERT_TRUE(gate_->waive(bea(), elsewhere).ok());
  EXPECT_EQ(again(rejected).state, State::Rejected);
  EXPECT_EQ(gate_->waivers()->size(), 2u);
}

TEST_F(GateTest, AWaiverDoesNotCountForItsOwnersImages) {
  user("ann", {identity::Role::Submitter, identity::Role::Reviewer});
  start();
  auto rejected = pushed_and_settled(kCritical);
  ASSERT_TRUE(gate_->waive(ann(), waiver()).ok());
  EXPECT_EQ(again(rejected).state, State::Rejected);
  ASSERT_TRUE(gate_->waive(bea(), waiver()).ok());
  EXPECT_EQ(again(rejected).state, State::Approved);
}

TEST_F(GateTest, AWaiverDoesNotBringBackWhatAPersonRejected) {
  start();
  auto waiting = pushed_and_settled(kUnrated);
  ASSERT_TRUE(gate_->reject(bea(), waiting.id, "no").ok());
  ASSERT_TRUE(gate_->waive(bea(), waiver(days(5), "CVE-2026-1003")).ok());
  EXPECT_EQ(again(waiting).state, State::Rejected);
}

TEST_F(GateTest, AWaiverApprovesWhatOnlyWaitedForIt) {
  start();
  auto waiting = pushed_and_settled(kUnrated);
  ASSERT_TRUE(gate_->waive(bea(), waiver(days(5), "CVE-2026-1003")).ok());
  EXPECT_EQ(again(waiting).state, State::Approved);
}

TEST_F(GateTest, AWaiverCountsForLaterPushes) {
  start();
  ASSERT_TRUE(gate_->waive(bea(), waiver(days(5))).ok());
  EXPECT_EQ(pushed_and_settled(kCritical).state, State::Approved);
  clock_.advance(days(5));
  EXPECT_EQ(pushed_and_settled(kCritical).state, State::Rejected);
}

TEST_F(GateTest, RefusesWaiversThatAreNone) {
  start();
  auto no_reason = waiver();
  no_reason.reason = " ";
  auto long_scope = waiver();
  long_scope.image = std::string(600, 'x');
  for (const auto& bad : {waiver(days(0)), waiver(days(-1)), waiver(days(367)), waiver(days(5), ""),
                          waiver(days(5), "*"), waiver(days(5), std::string(200, 'C')), no_reason, long_scope})
    EXPECT_EQ(gate_->waive(bea(), bad).error().kind(), ErrorKind::Invalid) << bad.finding;
  EXPECT_EQ(gate_->waivers()->size(), 0u);
}

// -- time

TEST_F(GateTest, AdmitsForThirtyDaysToTheSecond) {
  start();
  auto submission = pushed_and_settled(kClean);
  clock_.advance(days(29));
  EXPECT_TRUE(admit().ok());
  clock_.advance(days(1) - seconds(1));
  EXPECT_TRUE(admit().ok());
  clock_.advance(seconds(1));
  EXPECT_EQ(refusal(),
            "refused: approved/ann:1.0 expired on 2026-12-20; approvals last 30 days. Push the image to "
            "staging/ann:1.0 again to have it judged anew.");
  clock_.advance(days(1));
  EXPECT_THAT(refusal(), HasSubstr("expired on 2026-12-20"));
  EXPECT_EQ(admit(submission.digest).error().kind(), ErrorKind::Refused);
}

TEST_F(GateTest, RefusesBlobsOfAnExpiredImageBeforeTheTimerHasRun) {
  start();
  auto image = build(kClean);
  settled(put("1.0", image.manifest, oci::media_type::kOciManifest));
  EXPECT_TRUE(admit_part(image.layer).ok());
  clock_.advance(days(30));
  EXPECT_EQ(admit_part(image.layer).error().kind(), ErrorKind::Refused);
  EXPECT_EQ(admit_part(image.config).error().kind(), ErrorKind::Refused);
  EXPECT_EQ(admit_part(image.digest).error().kind(), ErrorKind::Refused);
}

TEST_F(GateTest, MovesWhatIsOverToExpiredOnce) {
  start();
  auto submission = pushed_and_settled(kClean);
  EXPECT_EQ(*gate_->expire_due(), 0u);
  clock_.advance(days(30));
  EXPECT_EQ(*gate_->expire_due(), 1u);
  EXPECT_EQ(again(submission).state, State::Expired);
  EXPECT_EQ(again(submission).approved_reference(), "");
  EXPECT_EQ(*gate_->expire_due(), 0u);
  EXPECT_EQ(count("image-expired"), 1u);
  EXPECT_EQ(registry_->get_manifest(*oci::RepositoryName::parse("approved/ann"), submission.tag).error().kind(),
            ErrorKind::NotFound);
  EXPECT_THAT(refusal(), HasSubstr("Push the image to staging/ann:1.0 again"));
}

TEST_F(GateTest, JudgesAnExpiredImageAnewWhenItIsPushedAgain) {
  start();
  auto first = pushed_and_settled(kClean);
  clock_.advance(days(31));
  ASSERT_EQ(*gate_->expire_due(), 1u);
  // By then the advisory data of the test is stale, so a reviewer is asked: also an answer, and no admission.
  auto second = pushed_and_settled(kClean);
  EXPECT_NE(second.id, first.id);
  EXPECT_EQ(second.state, State::Waiting);
  EXPECT_EQ(gate_->approve(bea(), second.id, "")->state, State::Approved);
  EXPECT_TRUE(admit().ok());
  EXPECT_EQ(again(first).state, State::Expired);
}

// -- new pushes

TEST_F(GateTest, ANewPushSupersedesWhatIsOpen) {
  start();
  auto waiting = pushed_and_settled(kUnrated);
  auto rejected = pushed_and_settled(kCritical);
  auto other_tag = pushed_and_settled(kUnrated, "2.0");
  auto clean = pushed_and_settled(kClean);
  EXPECT_EQ(again(waiting).state, State::Superseded);
  EXPECT_EQ(again(rejected).state, State::Superseded);
  EXPECT_EQ(again(other_tag).state, State::Waiting);
  EXPECT_EQ(clean.state, State::Approved);
  EXPECT_EQ(gate_->approve(bea(), waiting.id, "").error().kind(), ErrorKind::Conflict);
}

TEST_F(GateTest, ANewPushSupersedesWhatIsNotEvenScanned) {
  start(gen3(0));
  auto first = push(kClean), second = push(kUnrated);
  ASSERT_EQ(gate_->submissions({.state = State::Superseded})->size(), 1u);
  start();
  EXPECT_EQ(settled(first).state, State::Superseded);
  EXPECT_EQ(settled(second).state, State::Waiting);
}

TEST_F(GateTest, ARejectedPushLeavesTheApprovedTagWhereItWas) {
  start();
  auto approved = pushed_and_settled(kClean);
  EXPECT_EQ(pushed_and_settled(kCritical).state, State::Rejected);
  EXPECT_EQ(again(approved).state, State::Approved);
  EXPECT_EQ(admit()->digest(), approved.digest);
}

TEST_F(GateTest, AnApprovedPushMovesTheTagAndTheOldDigestStays) {
  start();
  auto first = pushed_and_settled(kClean);
  auto second = pushed_and_settled({{"bash", "5.3"}});
  EXPECT_EQ(again(first).state, State::Superseded);
  EXPECT_EQ(admit()->digest(), second.digest);
  EXPECT_EQ(admit(first.digest)->digest(), first.digest);
  clock_.advance(days(30));
  EXPECT_EQ(*gate_->expire_due(), 2u);
  EXPECT_EQ(again(first).state, State::Superseded);
  EXPECT_FALSE(admit(first.digest).ok());
}

TEST_F(GateTest, PushingTheSameBytesAgainRenewsThem) {
  start();
  pushed_and_settled(kClean);
  clock_.advance(days(3));
  auto second = pushed_and_settled(kClean);
  EXPECT_EQ(second.state, State::Approved);
  clock_.advance(days(28));
  EXPECT_EQ(*gate_->expire_due(), 1u);
  EXPECT_TRUE(admit().ok()) << refusal();
  EXPECT_TRUE(registry_->get_manifest(*oci::RepositoryName::parse("approved/ann"), second.tag).ok());
}

// -- later decisions

TEST_F(GateTest, RevokesWhatNewAdvisoriesSpeakAgainst) {
  start();
  auto approved = pushed_and_settled(kLaterCritical);
  auto untouched = pushed_and_settled(kClean, "2.0");
  use_later_advisories();
  EXPECT_EQ(*gate_->judge_again(), 1u);
  EXPECT_EQ(again(approved).state, State::Revoked);
  EXPECT_THAT(refusal(), HasSubstr("was revoked on 2026-11-20: CVE-2026-1004 (critical) in openssl 3.0"));
  EXPECT_EQ(admit_part(approved.digest).error().kind(), ErrorKind::Refused);
  EXPECT_EQ(again(untouched).state, State::Approved);
  EXPECT_EQ(*gate_->judge_again(), 0u);
}

TEST_F(GateTest, NamesTheNewFindingAndNotTheOldNoteWhenItRevokes) {
  start(tre());
  auto waiting = pushed_and_settled(kLaterCritical);
  ASSERT_TRUE(gate_->approve(bea(), waiting.id, "looked at it").ok());
  use_later_advisories();
  EXPECT_EQ(*gate_->judge_again(), 1u);
  EXPECT_THAT(refusal(), HasSubstr("CVE-2026-1004"));
}

TEST_F(GateTest, JudgingAgainWithoutNewsLeavesTheJournalAlone) {
  start();
  pushed_and_settled(kClean);
  pushed_and_settled(kUnrated, "2.0");
  auto before = events();
  EXPECT_EQ(*gate_->judge_again(), 0u);
  EXPECT_EQ(events(), before);
}

TEST_F(GateTest, RevokesAnOldDigestThatOnlyPinnedPipelinesUse) {
  start();
  auto old = pushed_and_settled(kLaterCritical);
  pushed_and_settled(kClean);
  use_later_advisories();
  EXPECT_EQ(*gate_->judge_again(), 1u);
  EXPECT_EQ(again(old).state, State::Superseded);
  EXPECT_THAT(admit(old.digest).error().message(), HasSubstr("was revoked"));
  EXPECT_TRUE(admit().ok());
}

TEST_F(GateTest, RevokesEvenWhatTheSubmitterDeletedFromStaging) {
  start();
  auto approved = pushed_and_settled(kLaterCritical);
  ASSERT_TRUE(registry_->delete_manifest(ann(), staging(), approved.digest).ok());
  use_later_advisories();
  EXPECT_EQ(*gate_->judge_again(), 1u);
}

TEST_F(GateTest, StaleAdvisoriesDoNotTakeApprovalsBack) {
  start();
  auto approved = pushed_and_settled(kClean);
  clock_.advance(days(20));
  EXPECT_EQ(*gate_->judge_again(), 0u);
  EXPECT_EQ(again(approved).state, State::Approved);
  EXPECT_EQ(again(approved).decision->verdict, policy::Verdict::Review);
  EXPECT_TRUE(admit().ok());
}

TEST_F(GateTest, JudgesWhatWaitsAgainAndRejectsIt) {
  start(tre());
  auto waiting = pushed_and_settled(kLaterCritical);
  auto still = pushed_and_settled(kClean, "2.0");
  use_later_advisories();
  EXPECT_EQ(*gate_->judge_again(), 0u);
  EXPECT_EQ(again(waiting).state, State::Rejected);
  EXPECT_EQ(again(still).state, State::Waiting);
}

// -- parts

TEST_F(GateTest, AdmitsTheBlobsOfAnAdmittedImageOnly) {
  start();
  auto good = build(kClean), bad = build(kCritical);
  settled(put("1.0", good.manifest, oci::media_type::kOciManifest));
  settled(put("2.0", bad.manifest, oci::media_type::kOciManifest));
  EXPECT_EQ(admit_part(good.layer)->digest(), good.digest);
  EXPECT_TRUE(admit_part(good.config).ok());
  EXPECT_TRUE(admit_part(good.digest).ok());
  for (const auto& shut : {bad.layer, bad.digest}) EXPECT_EQ(admit_part(shut).error().kind(), ErrorKind::NotFound);
}

TEST_F(GateTest, PullsAreJournaled) {
  start();
  pushed_and_settled(kClean);
  auto admitted = admit();
  ASSERT_TRUE(gate_->record_pull(user("ron", {identity::Role::Runner}), *admitted).ok());
  EXPECT_EQ(count("image-pulled"), 1u);
}

TEST_F(GateTest, AnAdmissionCanBeCarriedToAnotherMachineUntilItEnds) {
  start();
  pushed_and_settled(kClean);
  auto admitted = *admit();
  auto json = *parse_json(admission_to_json(admitted).dump());
  auto carried = admission_from_json(json, clock_);
  ASSERT_TRUE(carried.ok());
  EXPECT_EQ(carried->digest(), admitted.digest());
  EXPECT_EQ(carried->expires(), admitted.expires());
  clock_.advance(days(30));
  EXPECT_EQ(admission_from_json(json, clock_).error().kind(), ErrorKind::Denied);
}

TEST(Admission, IsNotReadFromAnythingElse) {
  ManualClock clock{Time()};
  for (auto text :
       {"{}", R"({"repository":"a/b"})", R"({"repository":"a/b","digest":"sha256:1","expires":"2026-01-01"})",
        R"({"repository":"A","digest":"x","expires":"y"})"})
    EXPECT_EQ(admission_from_json(*parse_json(text), clock).error().kind(), ErrorKind::Invalid) << text;
}

}  // namespace
}  // namespace pratique::gate::testing
