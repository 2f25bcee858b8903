// What a policy takes over from others, and what holds for a project.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/format.h"
#include "base/hash.h"
#include "policy/policy.h"

namespace pratique::policy {
namespace {

using testing::HasSubstr;

Result<Policy> parse_with(const std::map<std::string, std::string>& files, std::string_view yaml) {
  return Policy::parse(yaml, "lab.yaml", [&](const std::string& name) -> Result<std::string> {
    auto found = files.find(name);
    if (found == files.end()) return not_found(name + " is not there");
    return found->second;
  });
}
std::string problem(std::string_view yaml, const std::map<std::string, std::string>& files = {}) {
  auto policy = parse_with(files, yaml);
  return policy.ok() ? "accepted" : policy.error().message();
}

TEST(PolicyInheritance, AFileBuildsOnAFileWhichBuildsOnAProfile) {
  auto policy =
      parse_with({{"site.yaml", "extends: tre\nreject_at: high\n"}}, "extends: site.yaml\nreview_at: medium\n");
  ASSERT_TRUE(policy.ok()) << policy.error().message();
  EXPECT_EQ(policy->when_clean, Verdict::Review);
  EXPECT_EQ(policy->reject_at, vuln::Severity::High);
  EXPECT_EQ(policy->review_at, vuln::Severity::Medium);
  EXPECT_EQ(policy->origins.find("reject_at")->second, "site.yaml line 2");
  EXPECT_EQ(policy->origins.find("review_at")->second, "lab.yaml line 2");
  EXPECT_EQ(policy->origins.find("when_clean")->second, "tre.yaml line 4");
}
TEST(PolicyInheritance, TheDigestChangesWithWhatTheFileBuildsOn) {
  auto digest = [&](std::string site) {
    return parse_with({{"site.yaml", std::move(site)}}, "extends: site.yaml\n")->digest;
  };
  EXPECT_NE(digest("extends: tre\n"), digest("extends: gen3\n"));
  EXPECT_EQ(Policy::parse("extends: tre\n", "x")->digest, sha256_hex("extends: tre\n"));
}
TEST(PolicyInheritance, IsRefusedInACircleAndWithoutTheFile) {
  EXPECT_THAT(problem("extends: lab.yaml\n", {{"lab.yaml", "extends: lab.yaml\n"}}), HasSubstr("is there a circle?"));
  EXPECT_THAT(problem("extends: site.yaml\n"), HasSubstr("lab.yaml line 1: site.yaml is not there"));
  EXPECT_THAT(problem("extends: site.yaml\n", {{"site.yaml", "when_clean: never\n"}}),
              HasSubstr("site.yaml: line 1: when_clean"));
  EXPECT_THAT(Policy::parse("extends: site.yaml\n", "x").error().message(), HasSubstr("must be one of gen3, tre"));
}

TEST(PolicyProjects, ChangeTheFileForTheirRepositoriesAndThoseBelow) {
  auto policy = Policy::parse(
      "extends: gen3\nprojects:\n  ann:\n    reject_at: high\n  ann/pilot:\n    when_clean: review\n", "lab.yaml");
  ASSERT_TRUE(policy.ok()) << policy.error().message();
  EXPECT_EQ(policy->for_repository("staging/ann").reject_at, vuln::Severity::High);
  EXPECT_EQ(policy->for_repository("staging/ann/x").reject_at, vuln::Severity::High);
  EXPECT_EQ(policy->for_repository("staging/anna").reject_at, vuln::Severity::Critical);
  EXPECT_EQ(policy->for_repository("ann").reject_at, vuln::Severity::High);
  EXPECT_EQ(policy->for_repository("staging/ann/pilot").when_clean, Verdict::Review) << "the longest name wins";
  EXPECT_EQ(policy->for_repository("staging/ann").name, "lab.yaml for ann");
  EXPECT_EQ(policy->for_repository("staging/bob").name, "lab.yaml");
}
TEST(PolicyProjects, OfAFileThatIsBuiltOnSeeWhatTheFileAboveChanges) {
  auto policy = parse_with({{"site.yaml", "extends: gen3\nprojects:\n  ann: {when_clean: review}\n"}},
                           "extends: site.yaml\nreject_at: high\nprojects:\n  ann: {on_unjudged: reject}\n");
  ASSERT_TRUE(policy.ok()) << policy.error().message();
  const auto& ann = policy->for_repository("staging/ann");
  EXPECT_EQ(ann.when_clean, Verdict::Review);
  EXPECT_EQ(ann.reject_at, vuln::Severity::High);
  EXPECT_EQ(ann.on_unjudged, Verdict::Reject);
}
TEST(PolicyProjects, AreRefusedWithTheirLine) {
  EXPECT_THAT(problem("projects: []\n"), HasSubstr("line 1: projects is a list"));
  EXPECT_THAT(problem("projects:\n  ann: 7\n"), HasSubstr("line 2: the project is \"7\""));
  EXPECT_THAT(problem("projects:\n  ann:\n    extends: tre\n"), HasSubstr("line 3: extends stands at the top"));
  EXPECT_THAT(problem("projects:\n  ann:\n    rejct_at: high\n"), HasSubstr("line 3: unknown key"));
  EXPECT_THAT(problem("projects:\n  ann:\n    reject_at: low\n    review_at: high\n"), HasSubstr("review_at is worse"));
}

TEST(PolicyChecks, AreNamedAndAnswered) {
  EXPECT_EQ(Policy::parse("checks: {T1: review, DS-0031: reject}\n", "x")->checks.size(), 2u);
  EXPECT_THAT(problem("checks: {T9: reject}\n"), HasSubstr("\"T9\" is no check of a built image"));
  EXPECT_THAT(problem("checks: {T1: never}\n"), HasSubstr("T1 is \"never\""));
  EXPECT_THAT(problem("checks: [T1]\n"), HasSubstr("checks is a list"));
}

Facts clean() {
  Time now = *Time::parse("2026-11-20T12:00:00Z");
  return {.repository = "staging/ann",
          .tag = "1",
          .digest = {},
          .findings = {},
          .unjudged = {},
          .packages = 3,
          .stream = "debian:12",
          .database_newest = now,
          .now = now,
          .base = {},
          .checks = {}};
}

TEST(PolicyChecks, ThatCouldNotBeDecidedAskAReviewerWhereTheyBlock) {
  auto policy = *Policy::parse("extends: gen3\nchecks: {T5: reject}\n", "x");
  auto facts = clean();
  facts.checks = {{"T5", "not every source was read", false}};
  EXPECT_EQ(evaluate(policy, facts).verdict, Verdict::Review);
  facts.checks = {{"T5", "it fetches", true}};
  EXPECT_EQ(evaluate(policy, facts).verdict, Verdict::Reject);
  EXPECT_EQ(evaluate(*Policy::profile("gen3"), facts).verdict, Verdict::Approve);
}
TEST(PolicyChecks, MayBeWaivedForAnImage) {
  auto policy = *Policy::parse("extends: gen3\nchecks: {T5: reject}\n", "x");
  auto facts = clean();
  facts.checks = {{"T5", "it fetches", true}};
  policy.waivers = {{.id = "W1",
                     .finding = "T5",
                     .image = "staging/ann:1",
                     .owner = "bea",
                     .reason = "agreed",
                     .expires = facts.now + days(2)}};
  auto decision = evaluate(policy, facts);
  EXPECT_EQ(decision.verdict, Verdict::Approve);
  EXPECT_EQ(decision.approval_expires, facts.now + days(2));
  policy.waivers[0].image = "staging/bob";
  EXPECT_EQ(evaluate(policy, facts).verdict, Verdict::Reject);
}

TEST(PolicyBase, StandingDecides) {
  using Standing = BaseFact::Standing;
  auto gen3 = *Policy::profile("gen3"), tre = *Policy::profile("tre");
  auto verdict = [&](const Policy& policy, Standing standing, bool is_admitted = false) {
    auto facts = clean();
    facts.base = BaseFact{.standing = standing, .reference = "gate/base:1", .is_admitted = is_admitted};
    return evaluate(policy, facts).verdict;
  };
  EXPECT_EQ(verdict(gen3, Standing::Current), Verdict::Approve);
  EXPECT_EQ(verdict(gen3, Standing::Kept), Verdict::Approve);
  EXPECT_EQ(verdict(gen3, Standing::Outdated), Verdict::Reject);
  EXPECT_EQ(verdict(gen3, Standing::None), Verdict::Reject);
  EXPECT_EQ(verdict(gen3, Standing::Outdated, true), Verdict::Review) << "what was let in stays";
  EXPECT_EQ(verdict(tre, Standing::None), Verdict::Review) << "as every image under tre";
}
TEST(PolicyExplained, NamesEveryRuleAndWhatItSaw) {
  auto policy = *Policy::parse("extends: gen3\nchecks: {T5: reject}\n", "lab.yaml");
  auto facts = clean();
  facts.checks = {{"T5", "it fetches", true}};
  auto all = explain(policy, evaluate(policy, facts));
  auto check = std::ranges::find(all, "check", &Explained::rule);
  ASSERT_NE(check, all.end());
  EXPECT_EQ(check->setting, "checks: T5: reject");
  EXPECT_EQ(check->origin, "lab.yaml line 2");
  ASSERT_EQ(check->reasons.size(), 1u);
  for (const auto& one : all) EXPECT_TRUE(!one.setting.empty() || one.rule == "base") << one.rule;
}

}  // namespace
}  // namespace pratique::policy
