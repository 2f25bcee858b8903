#include "wire/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pratique::wire {
namespace {

const Time kTime = *Time::parse("2026-11-20T12:00:00Z");

Submission submission() {
  return {.id = "0123456789ab",
          .state = "approved",
          .submitter = "ann",
          .repository = "nextflow-staging/ann",
          .tag = "1.0",
          .digest = oci::Digest::of(as_bytes("x")),
          .staged = kTime,
          .decided = kTime + seconds(2),
          .verdict = "approve",
          .policy = "gen3",
          .reasons = {{"approve", "clean", "nothing in 93 packages", ""}, {"approve", "waiver", "…", "CVE-1"}},
          .counts = {{"critical", 0}, {"low", 7}},
          .reviewer = "bea",
          .note = "fine",
          .uri = "gate/nextflow-approved/ann:1.0",
          .expires = kTime + days(30),
          .report_url = "http://gate/reports/0123456789ab",
          .next_steps = {"Pull it."}};
}

template <typename T>
void expect_round_trip(const T& value) {
  auto json = parse_json(value.to_json().dump());
  auto again = T::from_json(*json);
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_EQ(*again, value);
}

Json without(const Json& json, std::string_view key) {
  Json result = Json::object();
  for (const auto& [name, value] : json.members())
    if (name != key) result.set(name, value);
  return result;
}

TEST(Wire, EveryShapeSurvivesTheWire) {
  expect_round_trip(submission());
  expect_round_trip(Submission{.id = "a", .state = "staged", .digest = oci::Digest::of({}), .staged = kTime});
  expect_round_trip(Waiver{"W-1", "CVE-1", "xz", "s/ann:1", "bea", "unreachable", kTime});
  expect_round_trip(Waiver{.finding = "CVE-1", .reason = "r", .expires = kTime});
  expect_round_trip(UserInfo{"ann", {"submitter", "runner"}, true, kTime, "ann", {"nextflow-staging/ann"}});
  expect_round_trip(Problem{"refused", "It expired.", "Push it again."});
  expect_round_trip(Version{"pratique", "0.1.0"});
  AccessRequest request{.id = "R-1",
                        .state = "used",
                        .requester = "ann",
                        .repository = "staging/ann",
                        .purpose = "torch",
                        .window = "afternoon",
                        .lifetime_seconds = 900,
                        .is_acknowledged = true,
                        .created = kTime,
                        .decided = kTime,
                        .decided_by = "bea",
                        .note = "ok",
                        .expires = kTime,
                        .collected = kTime,
                        .pushed = kTime,
                        .closed = kTime,
                        .closed_reason = "r",
                        .next_steps = {"x"}};
  expect_round_trip(request);
  expect_round_trip(AccessRequest{.purpose = "p", .window = "afternoon"});
  expect_round_trip(AccessCredentials{
      request, "g/staging/ann", "ASIA", "s", "t", "us-east-1", "https://g", kTime, {{"sh", "export"}, {"cmd", "set"}}});
}

TEST(Wire, ListsSurviveTheWire) {
  EXPECT_EQ(submissions_from_json(to_json(std::vector{submission()}))->at(0), submission());
  EXPECT_EQ(users_from_json(to_json(std::vector{UserInfo{"ann", {"admin"}}}))->at(0).name, "ann");
  EXPECT_EQ(waivers_from_json(to_json(std::vector<Waiver>{}))->size(), 0u);
  EXPECT_FALSE(submissions_from_json(Json::object()).ok());
  EXPECT_FALSE(users_from_json(*parse_json(R"({"users": {}})")).ok());
}

TEST(Wire, ReportCarriesTheSubmissionAndOneReportAPlatform) {
  Report report{submission(),
                {*parse_json(R"({"platform":"linux/amd64"})"), *parse_json(R"({"platform":"linux/arm64"})")}};
  auto again = Report::from_json(*parse_json(report.to_json().dump()));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->submission, report.submission);
  EXPECT_EQ(again->reports, report.reports);
}

TEST(Wire, IgnoresWhatALaterServerAdds) {
  auto json = submission().to_json();
  json.set("colour", "blue");
  EXPECT_TRUE(Submission::from_json(json).ok());
}

TEST(Wire, IsInvalidWithoutWhatEverySubmissionHas) {
  for (auto key : {"id", "state", "submitter", "repository", "tag", "digest", "staged"})
    EXPECT_EQ(Submission::from_json(without(submission().to_json(), key)).error().kind(), ErrorKind::Invalid) << key;
}

TEST(Wire, IsInvalidForWrongTypes) {
  const std::pair<const char*, Json> rows[] = {{"id", 7},
                                               {"digest", "sha256:xyz"},
                                               {"staged", "yesterday"},
                                               {"expires", 7},
                                               {"reasons", "none"},
                                               {"uri", false},
                                               {"next_steps", *parse_json("[1]")},
                                               {"counts", *parse_json(R"({"low":-1})")},
                                               {"reasons", *parse_json("[{}]")}};
  for (const auto& [key, value] : rows) {
    auto json = submission().to_json();
    json.set(key, value);
    EXPECT_EQ(Submission::from_json(json).error().kind(), ErrorKind::Invalid) << key;
  }
  EXPECT_FALSE(UserInfo::from_json(*parse_json(R"({"name":"a","roles":[],"disabled":"no"})")).ok());
  EXPECT_FALSE(Version::from_json(*parse_json(R"({"program":"pratique","version":"1","api":"1"})")).ok());
  EXPECT_FALSE(Waiver::from_json(*parse_json(R"({"finding":"CVE-1","reason":"r","expires":"later"})")).ok());
  EXPECT_FALSE(Problem::from_json(*parse_json(R"({"error":"no"})")).ok());
  EXPECT_FALSE(Report::from_json(*parse_json(R"({"reports":[]})")).ok());
}

TEST(Wire, KnowsWhenASubmissionIsSettled) {
  auto s = submission();
  EXPECT_TRUE(s.is_settled());
  for (auto state : {"staged", "scanned"}) {
    s.state = state;
    EXPECT_FALSE(s.is_settled());
  }
}

}  // namespace
}  // namespace pratique::wire
