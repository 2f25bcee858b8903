#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/format.h"
#include "policy/policy.h"

namespace pratique::policy {
namespace {

using testing::HasSubstr;
using vuln::Severity;

const Time kNow = *Time::parse("2026-11-20T12:00:00Z");

vuln::Finding finding(Severity severity, std::string id = "CVE-2024-3094") {
  vuln::Finding f;
  f.id = std::move(id);
  f.severity = severity;
  f.package.name = f.package.source_name = "xz-utils";
  f.package.version = "5.6.0";
  f.fixed_version = "5.6.1";
  return f;
}
vuln::Finding unfixable(vuln::Finding f) {
  return f.fixed_version.clear(), f;
}
vuln::Finding exploited(vuln::Finding f) {
  return f.is_known_exploited = true, f;
}

Facts facts(std::vector<vuln::Finding> findings = {}) {
  Facts f;
  f.repository = "nextflow-staging/ann";
  f.tag = "1.0";
  f.digest = oci::Digest::of(as_bytes("image"));
  f.findings = std::move(findings);
  f.packages = 93;
  f.stream = "debian:12";
  f.database_newest = kNow - days(1);
  f.now = kNow;
  return f;
}

Policy gen3() {
  return *Policy::profile("gen3");
}
Policy tre() {
  return *Policy::profile("tre");
}

Policy with_waiver(Time expires, std::string package = "", std::string image = "") {
  auto policy = gen3();
  policy.waivers.push_back(
      {"W-1", "CVE-2024-3094", std::move(package), std::move(image), "bea", "not reachable", expires});
  return policy;
}

Reason first(const Decision& decision) {
  return decision.reasons.at(0);
}

TEST(Evaluate, ApprovesACleanImageForThirtyDaysAndSaysWhy) {
  auto decision = evaluate(gen3(), facts());
  EXPECT_EQ(decision.verdict, Verdict::Approve);
  EXPECT_EQ(decision.approval_expires, kNow + days(30));
  EXPECT_EQ(first(decision).rule, "clean");
  EXPECT_THAT(first(decision).fact, HasSubstr("93 packages"));
  EXPECT_THAT(first(decision).fact, HasSubstr("2026-11-19"));
}

TEST(Evaluate, AsksAReviewerForEveryImageUnderTre) {
  auto decision = evaluate(tre(), facts());
  EXPECT_EQ(decision.verdict, Verdict::Review);
  EXPECT_EQ(first(decision).rule, "clean");
  EXPECT_EQ(decision.approval_expires, std::nullopt);
}

TEST(Evaluate, RejectsACriticalFindingWithRuleAndFact) {
  auto decision = evaluate(gen3(), facts({finding(Severity::Low, "CVE-2"), finding(Severity::Critical)}));
  EXPECT_EQ(decision.verdict, Verdict::Reject);
  EXPECT_EQ(first(decision).rule, "severity");
  EXPECT_EQ(first(decision).fact, "CVE-2024-3094 (critical) in xz-utils 5.6.0, fixed in 5.6.1");
  EXPECT_EQ(first(decision).finding, "CVE-2024-3094");
}

TEST(Evaluate, AnswersEachSeverityAsThePolicySays) {
  struct Row {
    Severity severity;
    Verdict gen3, tre;
  };
  const Row rows[] = {
      {Severity::Negligible, Verdict::Approve, Verdict::Review}, {Severity::Low, Verdict::Approve, Verdict::Review},
      {Severity::Medium, Verdict::Approve, Verdict::Review},     {Severity::High, Verdict::Approve, Verdict::Review},
      {Severity::Critical, Verdict::Reject, Verdict::Reject},    {Severity::Unknown, Verdict::Review, Verdict::Review}};
  for (const auto& row : rows) {
    EXPECT_EQ(evaluate(gen3(), facts({finding(row.severity)})).verdict, row.gen3) << to_string(row.severity);
    EXPECT_EQ(evaluate(tre(), facts({finding(row.severity)})).verdict, row.tre) << to_string(row.severity);
  }
}

TEST(Evaluate, SendsAnUnknownSeverityToAReviewerByDefault) {
  EXPECT_EQ(first(evaluate(gen3(), facts({finding(Severity::Unknown)}))).rule, "unknown-severity");
}

TEST(Evaluate, RejectsWhatIsKnownToBeExploitedWhateverItsSeverity) {
  for (auto severity : {Severity::Unknown, Severity::Negligible, Severity::Medium}) {
    auto decision = evaluate(gen3(), facts({exploited(unfixable(finding(severity)))}));
    EXPECT_EQ(decision.verdict, Verdict::Reject);
    EXPECT_EQ(first(decision).rule, "known-exploited");
  }
}

TEST(Evaluate, CountsOnlyWhatCanBeFixedWhereThePolicySaysSo) {
  auto policy = gen3();
  policy.only_fixable = true;
  EXPECT_EQ(evaluate(policy, facts({finding(Severity::Critical)})).verdict, Verdict::Reject);
  auto decision = evaluate(policy, facts({unfixable(finding(Severity::Critical))}));
  EXPECT_EQ(decision.verdict, Verdict::Approve);
  EXPECT_EQ(first(decision).rule, "only-fixable");
  policy.review_at = Severity::High;
  EXPECT_EQ(evaluate(policy, facts({unfixable(finding(Severity::Critical))})).verdict, Verdict::Review);
}

TEST(Evaluate, NeverCallsTheUnjudgedClean) {
  auto gap = facts();
  gap.unjudged.push_back({"layer sha256:ab", "encrypted layer", "encrypted-layer"});
  auto no_packages = facts();
  no_packages.packages = 0;
  auto no_stream = facts();
  no_stream.stream.clear();
  for (const auto& doubtful : {gap, no_packages, no_stream}) {
    EXPECT_EQ(evaluate(gen3(), doubtful).verdict, Verdict::Review);
    EXPECT_EQ(first(evaluate(gen3(), doubtful)).rule, "unjudged");
  }
  EXPECT_EQ(first(evaluate(gen3(), gap)).fact, "layer sha256:ab was not judged: encrypted layer (encrypted-layer)");
}

TEST(Evaluate, RejectsTheUnjudgedWhereThePolicySaysSo) {
  auto policy = gen3();
  policy.on_unjudged = Verdict::Reject;
  auto f = facts();
  f.unjudged.push_back({"layer", "time limit", "limit"});
  EXPECT_EQ(evaluate(policy, f).verdict, Verdict::Reject);
}

TEST(Evaluate, DoesNotLetAPolicyBuiltInCodeCallTheUnknownClean) {
  auto policy = gen3();
  policy.on_unjudged = policy.on_stale_database = Verdict::Approve;
  EXPECT_EQ(evaluate(policy, Facts{}).verdict, Verdict::Review);
}

TEST(Evaluate, AsksAReviewerWhenAdvisoryDataIsStaleMissingOrFromTheFuture) {
  struct Row {
    std::optional<Time> newest;
    Verdict verdict;
  };
  const Row rows[] = {{kNow - days(7), Verdict::Approve},
                      {kNow - days(7) - seconds(1), Verdict::Review},
                      {std::nullopt, Verdict::Review},
                      {kNow + hours(23), Verdict::Approve},
                      {kNow + hours(25), Verdict::Review}};
  for (const auto& row : rows) {
    auto f = facts();
    f.database_newest = row.newest;
    auto decision = evaluate(gen3(), f);
    EXPECT_EQ(decision.verdict, row.verdict);
    EXPECT_EQ(first(decision).rule, row.verdict == Verdict::Approve ? "clean" : "database-age");
  }
}

TEST(Evaluate, StillWantsSomeAdvisoryDataWhenAgeDoesNotMatter) {
  auto policy = gen3();
  policy.database_age_max.reset();
  auto f = facts();
  f.database_newest = kNow - days(900);
  EXPECT_EQ(evaluate(policy, f).verdict, Verdict::Approve);
  f.database_newest.reset();
  EXPECT_EQ(evaluate(policy, f).verdict, Verdict::Review);
}

TEST(Evaluate, HonoursAWaiverAndCutsTheApprovalToIt) {
  auto decision = evaluate(with_waiver(kNow + days(5)), facts({finding(Severity::Critical)}));
  EXPECT_EQ(decision.verdict, Verdict::Approve);
  EXPECT_EQ(decision.approval_expires, kNow + days(5));
  EXPECT_EQ(decision.waived_until, kNow + days(5));
  EXPECT_EQ(first(decision).rule, "waiver");
  EXPECT_THAT(first(decision).fact, HasSubstr("is waived until 2026-11-25 by bea (W-1): not reachable"));
}

TEST(Evaluate, DoesNotStretchAnApprovalToALongWaiver) {
  EXPECT_EQ(evaluate(with_waiver(kNow + days(90)), facts({finding(Severity::Critical)})).approval_expires,
            kNow + days(30));
}

TEST(Evaluate, IgnoresAnExpiredWaiverAndSaysSo) {
  auto decision = evaluate(with_waiver(kNow), facts({finding(Severity::Critical)}));
  EXPECT_EQ(decision.verdict, Verdict::Reject);
  EXPECT_EQ(decision.reasons.back().rule, "waiver");
  EXPECT_EQ(decision.reasons.back().fact, "waiver W-1 for CVE-2024-3094 expired on 2026-11-20 and no longer counts");
}

TEST(Evaluate, MatchesAWaiverByAliasPackageAndImage) {
  auto aliased = finding(Severity::Critical, "GHSA-1");
  aliased.aliases = {"CVE-2024-3094"};
  auto digest = oci::Digest::of(as_bytes("image")).to_string();
  struct Row {
    std::string package, image;
    Verdict verdict;
  };
  const Row rows[] = {{"", "", Verdict::Approve},
                      {"xz-utils", "", Verdict::Approve},
                      {"bash", "", Verdict::Reject},
                      {"", "nextflow-staging/ann", Verdict::Approve},
                      {"", "nextflow-staging/ann:1.0", Verdict::Approve},
                      {"", digest, Verdict::Approve},
                      {"", "nextflow-staging/ann:2.0", Verdict::Reject},
                      {"", "nextflow-staging/an", Verdict::Reject},
                      {"xz-utils", "nextflow-staging/bob", Verdict::Reject}};
  for (const auto& row : rows)
    EXPECT_EQ(evaluate(with_waiver(kNow + days(5), row.package, row.image), facts({aliased})).verdict, row.verdict)
        << row.package << " " << row.image;
}

TEST(Evaluate, WaivesOneFindingAndNotItsNeighbour) {
  auto decision =
      evaluate(with_waiver(kNow + days(5)), facts({finding(Severity::Critical), finding(Severity::Critical, "CVE-9")}));
  EXPECT_EQ(decision.verdict, Verdict::Reject);
  EXPECT_EQ(first(decision).finding, "CVE-9");
}

TEST(Evaluate, KeepsTheWaiversEndForAReviewersApproval) {
  auto policy = with_waiver(kNow + days(5));
  policy.when_clean = Verdict::Review;
  auto decision = evaluate(policy, facts({finding(Severity::Critical)}));
  EXPECT_EQ(decision.verdict, Verdict::Review);
  EXPECT_EQ(decision.waived_until, kNow + days(5));
  EXPECT_EQ(decision.approval_expires, std::nullopt);
}

TEST(Evaluate, PutsDecisiveReasonsFirstAndCountsTheRest) {
  std::vector<vuln::Finding> many;
  for (int i = 0; i < 500; ++i)
    many.push_back(finding(i == 499 ? Severity::Critical : Severity::Unknown, format("CVE-{}", i)));
  auto decision = evaluate(gen3(), facts(many));
  ASSERT_EQ(decision.reasons.size(), kReasonsMax);
  EXPECT_EQ(first(decision).verdict, Verdict::Reject);
  EXPECT_EQ(decision.reasons.back().rule, "more");
  EXPECT_THAT(decision.reasons.back().fact, HasSubstr("301 more reasons"));
}

TEST(Evaluate, MakesHostileNamesHarmless) {
  auto hostile = finding(Severity::Critical);
  hostile.package.name = "x\033[2J\nfoo";
  EXPECT_EQ(first(evaluate(gen3(), facts({hostile}))).fact.find('\033'), std::string::npos);
}

TEST(Decision, SurvivesJson) {
  for (const auto& decision :
       {evaluate(gen3(), facts()), evaluate(with_waiver(kNow + days(5)), facts({finding(Severity::Critical)})),
        evaluate(tre(), facts({finding(Severity::Unknown)}))}) {
    auto text = parse_json(decision.to_json().dump());
    auto again = Decision::from_json(*text);
    ASSERT_TRUE(again.ok()) << again.error().message();
    EXPECT_EQ(*again, decision);
  }
}

TEST(Decision, IsNotReadWithoutVerdictReasonsOrTime) {
  const char* rows[] = {
      "{}",
      R"({"verdict":"maybe"})",
      R"({"verdict":"approve","reasons":[],"decided":"2026-11-20"})",
      R"({"verdict":"approve","reasons":[{"verdict":"approve","rule":"","fact":"x"}],"decided":"2026-11-20"})",
      R"({"verdict":"approve","reasons":[{"verdict":"x","rule":"clean","fact":"x"}],"decided":"2026-11-20"})",
      R"({"verdict":"approve","reasons":[{"verdict":"approve","rule":"clean","fact":"x"}],"decided":"soon"})",
      R"({"verdict":"approve","reasons":[{"verdict":"approve","rule":"clean","fact":"x"}],"decided":"2026-11-20","approval_expires":7})"};
  for (const auto* row : rows) EXPECT_FALSE(Decision::from_json(*parse_json(row)).ok()) << row;
}

// Random policies and images, the same on every run: a failure names its seed.
struct Random {
  std::mt19937 engine;
  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(engine); }
  bool coin() { return below(2) == 1; }
  Severity severity() { return static_cast<Severity>(below(6)); }
  Verdict verdict() { return static_cast<Verdict>(below(3)); }

  vuln::Finding some_finding() {
    auto f = finding(severity(), format("CVE-{}", below(6)));
    if (coin()) f.fixed_version.clear();
    f.is_known_exploited = below(5) == 0;
    f.package.name = coin() ? "bash" : "xz-utils";
    return f;
  }
  Policy some_policy() {
    Policy policy;
    policy.when_clean = verdict();
    policy.reject_at = severity();
    if (coin()) policy.review_at = severity();
    policy.on_unknown_severity = verdict();
    policy.only_fixable = coin();
    policy.on_known_exploited = verdict();
    policy.on_stale_database = verdict();
    policy.on_unjudged = verdict();
    for (int i = below(4); i > 0; --i)
      policy.waivers.push_back({format("W-{}", i), format("CVE-{}", below(6)), coin() ? "bash" : "", "", "o", "r",
                                kNow + days(below(9) - 4)});
    return policy;
  }
  Facts some_facts() {
    auto f = facts();
    for (int i = below(5); i > 0; --i) f.findings.push_back(some_finding());
    if (below(4) == 0) f.unjudged.push_back({"x", "y", "z"});
    if (below(4) == 0) f.database_newest.reset();
    if (below(6) == 0) f.packages = 0;
    return f;
  }
};

TEST(EvaluateProperty, AddingAFindingNeverMakesTheVerdictMilder) {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    Random random{std::mt19937(seed)};
    auto policy = random.some_policy();
    auto fewer = random.some_facts();
    auto more = fewer;
    more.findings.insert(more.findings.begin(), random.some_finding());
    EXPECT_GE(evaluate(policy, more).verdict, evaluate(policy, fewer).verdict) << "seed " << seed;
  }
}

TEST(EvaluateProperty, IsPureAndEveryDecisionHasReasonsThatCarryItsVerdict) {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    Random random{std::mt19937(seed)};
    auto policy = random.some_policy();
    auto f = random.some_facts();
    auto decision = evaluate(policy, f);
    EXPECT_EQ(decision, evaluate(policy, f)) << "seed " << seed;
    ASSERT_FALSE(decision.reasons.empty());
    EXPECT_EQ(first(decision).verdict, decision.verdict) << "seed " << seed;
    for (const auto& reason : decision.reasons) EXPECT_FALSE(reason.rule.empty() || reason.fact.empty());
    std::ranges::reverse(f.findings);
    EXPECT_EQ(evaluate(policy, f).verdict, decision.verdict) << "seed " << seed;
  }
}

}  // namespace
}  // namespace pratique::policy
