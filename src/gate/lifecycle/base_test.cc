#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"
#include "gate/test_gate.h"

namespace pratique::gate {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kReference = "gate.example.org/open/base:1";

class BaseTest : public GateTest {
 protected:
  BaseTest() : bases_(*database_, *journal_, clock_) {}
  void begin(std::string_view policy = "extends: gen3\n") {
    Options options{.policy = *policy::Policy::parse(policy, "test.yaml"), .bases = &bases_};
    start(std::move(options));
  }

  static oci::RepositoryName name(std::string_view text) { return *oci::RepositoryName::parse(text); }
  void publish(const std::vector<Packages>& layers) {
    auto built = build_layers(layers, name("open/base"));
    registry_
        ->put_manifest(root(), name("open/base"), *oci::Tag::parse("1"), built.manifest, oci::media_type::kOciManifest)
        .value();
    clock_.advance(hours(1));
  }
  Result<bases::Base> register_it(std::size_t keep = 2) {
    return gate_->register_base(root(), name("open/base"), *oci::Tag::parse("1"), kReference, keep);
  }
  // root submits: the fixture's builder uploads as root.
  Submission submit(const std::vector<Packages>& layers, const std::string& tag = "1.0") {
    auto built = build_layers(layers, name("staging/root"));
    auto put = registry_->put_manifest(root(), name("staging/root"), *oci::Tag::parse(tag), built.manifest,
                                       oci::media_type::kOciManifest);
    return settled(*put->staged);
  }
  static std::string first_reason(const Submission& submission) { return submission.decision->reasons.front().fact; }
  scan::ScanReport report(const Submission& submission) { return gate_->reports(submission.id)->front(); }

  bases::Bases bases_;
};

const Packages kOne = {{"bash", "5.2"}};
const Packages kTwo = {{"bash", "5.2"}, {"zlib", "1.3"}};
const Packages kThree = {{"bash", "5.3"}, {"zlib", "1.4"}};
const Packages kCurl = {{"bash", "5.2"}, {"curl", "7.0"}};
const Packages kCurlAndMore = {{"bash", "5.2"}, {"curl", "7.0"}, {"zlib", "1.3"}};

TEST_F(BaseTest, NothingHasToBeProvenWhileNoBaseIsRegistered) {
  begin();
  auto submission = submit({kOne, kTwo});
  EXPECT_EQ(submission.state, State::Approved);
  EXPECT_FALSE(report(submission).base.has_value());
}
TEST_F(BaseTest, AnImageOnTheCurrentGenerationPasses) {
  begin();
  publish({kOne});
  ASSERT_TRUE(register_it().ok());
  auto submission = submit({kOne, kTwo});
  EXPECT_EQ(submission.state, State::Approved);
  auto base = *report(submission).base;
  EXPECT_EQ(base.standing, "current");
  EXPECT_EQ(base.layers, 1u);
  EXPECT_EQ(base.proof, "chain");
}
TEST_F(BaseTest, AnImageOnNoneIsRefusedWithTheSentenceAResearcherNeeds) {
  begin();
  publish({kOne});
  ASSERT_TRUE(register_it().ok());
  auto submission = submit({kThree, kTwo});
  EXPECT_EQ(submission.state, State::Rejected);
  EXPECT_THAT(first_reason(submission), HasSubstr("not built on an allowed base image"));
  EXPECT_THAT(first_reason(submission), HasSubstr(kReference));
}
TEST_F(BaseTest, AnImageOnAGenerationThatIsNotKeptIsRefusedAndOnAKeptOneNot) {
  begin();
  for (const auto& build : {kOne, kTwo, kThree}) {
    publish({build});
    ASSERT_TRUE(register_it().ok());
  }
  EXPECT_EQ(submit({kTwo, kCritical}, "kept").decision->reasons.front().rule, "severity");
  EXPECT_EQ(submit({kTwo, kOne}, "kept").state, State::Approved);
  auto old = submit({kOne, kTwo}, "old");
  EXPECT_EQ(old.state, State::Rejected);
  EXPECT_THAT(first_reason(old), HasSubstr("2 generations old; the newest 2 are accepted"));
  EXPECT_THAT(first_reason(old), HasSubstr("--pull"));
}
TEST_F(BaseTest, UnderTreABaseOnlyAdvises) {
  begin("extends: tre\n");
  publish({kOne});
  ASSERT_TRUE(register_it().ok());
  auto submission = submit({kThree});
  EXPECT_EQ(submission.state, State::Waiting);
  EXPECT_TRUE(std::ranges::any_of(submission.decision->reasons, [](const auto& reason) {
    return reason.rule == "base-unproven" && reason.verdict == policy::Verdict::Approve;
  }));
}
TEST_F(BaseTest, AWaiverForTheBaseLetsAnImageIn) {
  begin();
  publish({kOne});
  ASSERT_TRUE(register_it().ok());
  auto submission = submit({kThree});
  ASSERT_TRUE(gate_->waive(root(), waiver(days(5), "base")).ok());
  EXPECT_EQ(again(submission).state, State::Approved);
}
TEST_F(BaseTest, ATagThatWasRebuiltIsANewGeneration) {
  begin();
  publish({kOne});
  ASSERT_TRUE(register_it().ok());
  EXPECT_EQ(*gate_->refresh_bases(), 0u);
  publish({kTwo});
  EXPECT_EQ(*gate_->refresh_bases(), 1u);
  EXPECT_EQ(bases_.find(kReference)->generations.size(), 2u);
  EXPECT_EQ(count("base-rebuilt"), 1u);
}
TEST_F(BaseTest, FindingsAreTheBasesOrOnesOwn) {
  begin("extends: gen3\nreject_at: critical\n");
  publish({kCurl});
  ASSERT_TRUE(register_it().ok());
  auto submission = submit({kCurl, {{"bash", "5.2"}, {"curl", "7.0"}, {"mystery", "1.0"}}});
  auto shown = report(submission);
  ASSERT_EQ(shown.findings.size(), 2u);
  for (const auto& finding : shown.findings) EXPECT_EQ(shown.is_of_base(finding), finding.package.name == "curl");
}
TEST_F(BaseTest, SaysWhatARebuildWouldRemove) {
  begin();
  publish({kCurl});
  ASSERT_TRUE(register_it().ok());
  publish({kTwo});
  ASSERT_EQ(*gate_->refresh_bases(), 1u);
  auto shown = report(submit({kCurl, kCurlAndMore}));
  EXPECT_EQ(shown.base->behind, 1u);
  EXPECT_EQ(shown.base->removed_by_rebuild, 1u);
  EXPECT_THAT(scan::render_text(shown, {}, false), HasSubstr("a rebuild on the current base removes 1 of 1"));
}
TEST_F(BaseTest, ACriticalInABaseStarsItAndNamesWhoBuildsOnIt) {
  begin("extends: gen3\non_known_exploited: review\n");
  publish({kLaterCritical});
  ASSERT_TRUE(register_it().ok());
  auto submission = submit({kLaterCritical, {{"openssl", "3.0"}, {"zlib", "1.3"}}});
  ASSERT_EQ(submission.state, State::Approved);
  use_later_advisories();
  ASSERT_TRUE(gate_->judge_again().ok());
  auto base = *bases_.find(kReference);
  EXPECT_FALSE(base.is_available);
  EXPECT_THAT(base.starred_why, HasSubstr("CVE-2026-1004 (critical) in openssl"));
  auto entries = *journal_->read(0, 1000);
  auto starred = std::ranges::find(entries, "base-starred", &journal::Entry::event);
  ASSERT_NE(starred, entries.end());
  EXPECT_EQ(starred->details["submissions"].items().front().text(), submission.id);
  EXPECT_EQ(starred->details["submitters"].items().front().text(), "root");
  EXPECT_EQ(*gate_->base_of(submission.id), kReference);
  publish({kTwo});
  ASSERT_TRUE(gate_->refresh_bases().ok());
  EXPECT_TRUE(bases_.find(kReference)->is_available) << "the rebuild repaired it";
}
TEST_F(BaseTest, AnAdmittedImageIsNotThrownOutBecauseItsBaseWasRebuilt) {
  begin();
  publish({kOne});
  ASSERT_TRUE(register_it(1).ok());
  auto submission = submit({kOne, kTwo});
  ASSERT_EQ(submission.state, State::Approved);
  publish({kThree});
  use_later_advisories();
  EXPECT_EQ(*gate_->judge_again(), 0u);
  EXPECT_EQ(again(submission).state, State::Approved);
  EXPECT_EQ(report(submission).base->standing, "outdated");
}
TEST_F(BaseTest, OnlyAnAdministratorRegistersAndNothingFromStaging) {
  begin();
  publish({kOne});
  auto tag = *oci::Tag::parse("1");
  EXPECT_EQ(gate_->register_base(bea(), name("open/base"), tag, kReference, 2).error().kind(), ErrorKind::Denied);
  EXPECT_EQ(gate_->register_base(root(), name("staging/root"), tag, kReference, 2).error().kind(), ErrorKind::Invalid);
  EXPECT_EQ(gate_->register_base(root(), name("open/none"), tag, kReference, 2).error().kind(), ErrorKind::NotFound);
}

TEST_F(BaseTest, EveryCheckThePolicyKnowsIsOneTheScannerDecides) {
  auto decided = scan::image_check_ids();
  auto known = policy::image_checks();
  EXPECT_THAT(std::vector(known.begin(), known.end()), ::testing::UnorderedElementsAreArray(decided));
}
TEST_F(BaseTest, ACheckBlocksOnlyWhereAPolicySaysSo) {
  begin();
  EXPECT_EQ(submit({kOne}).state, State::Approved);
  begin("extends: gen3\nchecks: {T1: reject}\n");
  auto submission = submit({kTwo}, "2");
  EXPECT_EQ(submission.state, State::Rejected);
  EXPECT_THAT(first_reason(submission), HasSubstr("T1: /safe_data, /safe_outputs, /scratch are missing"));
}
TEST_F(BaseTest, AProjectsOwnPolicyHoldsForItsRepositoriesOnly) {
  begin("extends: gen3\nprojects:\n  staging/root:\n    checks: {T1: reject}\n");
  EXPECT_EQ(submit({kOne}).state, State::Rejected);
  EXPECT_EQ(pushed_and_settled(kClean).state, State::Approved);
}

TEST_F(BaseTest, APolicyIsTriedOnEverythingStoredAndChangesNothing) {
  begin();
  auto fine = submit({kOne}, "fine");
  auto curl = submit({kCurl}, "curl");
  auto trial = gate_->try_policy(*policy::Policy::parse("extends: gen3\nreject_at: high\n", "new.yaml"));
  ASSERT_TRUE(trial.ok());
  EXPECT_EQ(trial->judged, 2u);
  ASSERT_EQ(trial->changes.size(), 1u);
  EXPECT_EQ(trial->changes[0].submission.id, curl.id);
  EXPECT_EQ(trial->changes[0].then.verdict, policy::Verdict::Reject);
  EXPECT_EQ(again(curl).state, State::Approved);
}
TEST_F(BaseTest, ADecisionIsExplainedRuleByRule) {
  begin("extends: gen3\nreject_at: high\n");
  auto explained = *gate_->explain(submit({kCurl}).id);
  auto rule = std::ranges::find(explained, "severity", &policy::Explained::rule);
  ASSERT_NE(rule, explained.end());
  EXPECT_EQ(rule->setting, "reject_at: high, review_at: none");
  EXPECT_EQ(rule->origin, "test.yaml line 2");
  ASSERT_EQ(rule->reasons.size(), 1u);
  EXPECT_THAT(rule->reasons[0].fact, HasSubstr("CVE-2026-1002"));
}

TEST_F(BaseTest, AReviewersConditionsAndEndAreKept) {
  begin("extends: tre\n");
  auto submission = submit({kOne});
  auto approved = gate_->approve(root(), submission.id,
                                 Terms{.note = "fine", .conditions = {"only for the pilot"}, .lifetime = days(3)});
  ASSERT_TRUE(approved.ok()) << approved.error().message();
  EXPECT_THAT(approved->conditions, ElementsAre("only for the pilot"));
  EXPECT_EQ(approved->expires, clock_.now() + days(3));
  auto entries = *journal_->read(0, 1000);
  auto entry = std::ranges::find(entries, "image-approved", &journal::Entry::event);
  EXPECT_EQ(entry->details["conditions"].items().front().text(), "only for the pilot");
}
TEST_F(BaseTest, AReviewerCannotGiveMoreTimeThanThePolicyNorAnEmptyCondition) {
  begin("extends: tre\n");
  auto id = submit({kOne}).id;
  auto kind = [&](Terms terms) { return gate_->approve(root(), id, terms).error().kind(); };
  EXPECT_EQ(kind({.note = "", .conditions = {}, .lifetime = days(31)}), ErrorKind::Invalid);
  EXPECT_EQ(kind({.note = "", .conditions = {}, .lifetime = days(0)}), ErrorKind::Invalid);
  EXPECT_EQ(kind({.note = "", .conditions = {" "}, .lifetime = {}}), ErrorKind::Invalid);
}

}  // namespace
}  // namespace pratique::gate
