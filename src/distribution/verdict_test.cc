#include "distribution/verdict.h"

#include <gtest/gtest.h>

namespace pratique::distribution {
namespace {

gate::Submission submission(gate::State state, policy::Verdict verdict, int reasons) {
  gate::Submission made{.id = "0123456789ab",
                        .state = state,
                        .submitter = "ann",
                        .repository = *oci::RepositoryName::parse("in/ann"),
                        .tag = *oci::Tag::parse("1"),
                        .digest = oci::Digest::of(as_bytes("x"))};
  policy::Decision decision;
  decision.verdict = verdict;
  for (int i = 1; i <= reasons; ++i) {
    decision.reasons.push_back({.verdict = verdict, .rule = "severity", .fact = "CVE-" + std::to_string(i)});
  }
  made.decision = decision;
  return made;
}

constexpr std::string_view kOrigin = "https://gate.example";

TEST(VerdictLines, TellWhereAnApprovedImageIs) {
  auto approved = submission(gate::State::Approved, policy::Verdict::Approve, 1);
  approved.approved_repository = *oci::RepositoryName::parse("out/ann");
  approved.expires = *Time::parse("2026-12-20");
  const auto lines = verdict_lines(approved, kOrigin);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], "pratique: approved until 2026-12-20: pull it as gate.example/out/ann:1");
  EXPECT_EQ(lines[1], "pratique: report: https://gate.example/reports/0123456789ab");
}

TEST(VerdictLines, TellTheFirstReasonsAndHowManyMore) {
  const auto lines = verdict_lines(submission(gate::State::Rejected, policy::Verdict::Reject, 5), kOrigin);
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[0], "pratique: rejected: CVE-1");
  EXPECT_EQ(lines[3], "pratique: also: CVE-3");
  EXPECT_EQ(lines[4], "pratique: and 2 more reasons in the report");
}

TEST(VerdictLines, SayThatAReviewerIsAsked) {
  const auto lines = verdict_lines(submission(gate::State::Waiting, policy::Verdict::Review, 1), kOrigin);
  EXPECT_EQ(lines[0], "pratique: waiting for a reviewer: CVE-1");
}

TEST(VerdictLines, OfAnUnfinishedInspectionPromiseNothing) {
  auto staged = submission(gate::State::Staged, policy::Verdict::Approve, 0);
  staged.decision.reset();
  EXPECT_EQ(verdict_lines(staged, kOrigin).front(), "pratique: received; the inspection goes on, the report will tell");
}

TEST(RejectionMessage, HoldsReasonsAndTheReport) {
  EXPECT_EQ(rejection_message(submission(gate::State::Rejected, policy::Verdict::Reject, 4), kOrigin),
            "rejected by the gate: CVE-1; CVE-2; CVE-3; and 1 more. Report: https://gate.example/reports/0123456789ab");
}

TEST(WarningValues, AreQuotedPrintableAscii) {
  const auto values = warning_values({"a \"b\" \\ \xc3\xa9\r\nx"});
  ASSERT_EQ(values.size(), 1U);
  EXPECT_EQ(values[0], "299 - \"a \\\"b\\\" \\\\ ????x\"");
}

TEST(WarningValues, StayBelowTheLimitTogether) {
  const auto values = warning_values(std::vector<std::string>(20, std::string(3000, 'x')));
  std::size_t bytes = 0;
  for (const auto& value : values) bytes += value.size();
  EXPECT_GE(values.size(), 4U);
  EXPECT_LE(bytes, kWarningBytesMax);
}

}  // namespace
}  // namespace pratique::distribution
