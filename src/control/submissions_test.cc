#include "control/test_control.h"

namespace pratique::control::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class SubmissionsTest : public ControlTest {
 protected:
  std::string at(const std::string& id, const std::string& rest = "") { return "/api/v1/submissions/" + id + rest; }
  wire::Submission shown(const std::string& id, const std::string& user = "ann") {
    return *wire::Submission::from_json(get(at(id), user).json);
  }
  std::size_t listed(const std::string& query, const std::string& user) {
    return wire::submissions_from_json(get("/api/v1/submissions" + query, user).json)->size();
  }
};

TEST_F(SubmissionsTest, AreSeenByTheirSubmitterAndReviewersOnly) {
  auto id = push("ann");
  for (const auto* user : {"ann", "bea", "root"}) EXPECT_EQ(get(at(id), user).status, 200) << user;
  for (const auto* user : {"sam", "ron"})
    for (const auto& path : {at(id), at(id, "/report"), "/reports/" + id}) {
      auto answer = get(path, user);
      EXPECT_EQ(answer.status, 404) << user << path;
      EXPECT_EQ(answer.message(), "there is no submission " + id);
    }
  EXPECT_EQ(get(at("ffffffffffff"), "sam").message(), "there is no submission ffffffffffff");
}

TEST_F(SubmissionsTest, AreListedByOwnerForSubmittersAndAllForReviewers) {
  push("ann");
  push("sam");
  EXPECT_EQ(listed("", "ann"), 1u);
  EXPECT_EQ(listed("?submitter=sam", "ann"), 1u);
  EXPECT_EQ(listed("", "bea"), 2u);
  EXPECT_EQ(listed("?submitter=sam", "bea"), 1u);
  EXPECT_EQ(listed("?state=waiting&limit=1", "bea"), 1u);
  EXPECT_EQ(listed("?state=approved", "bea"), 0u);
  EXPECT_EQ(get("/api/v1/submissions?state=fine", "bea").status, 400);
  EXPECT_EQ(get("/api/v1/submissions?limit=many", "bea").status, 400);
}

TEST_F(SubmissionsTest, SayWhereTheyStandAndWhatToDo) {
  auto submission = shown(push());
  EXPECT_EQ(submission.state, "waiting");
  EXPECT_EQ(submission.verdict, "review");
  EXPECT_EQ(submission.policy, "gen3");
  EXPECT_EQ(submission.reasons.at(0).rule, "unjudged");
  EXPECT_EQ(submission.uri, "");
  EXPECT_EQ(submission.report_url, "https://gate.example.org/reports/" + submission.id);
  EXPECT_THAT(submission.next_steps.at(0), HasSubstr("ask bea@example.org and name submission " + submission.id));
}

TEST_F(SubmissionsTest, GiveAnAddressOnceApproved) {
  auto id = push();
  auto answer = send("POST", at(id, "/approve"), "bea", R"({"note":"fine"})");
  EXPECT_EQ(answer.status, 200);
  auto submission = *wire::Submission::from_json(answer.json);
  EXPECT_EQ(submission.state, "approved");
  EXPECT_EQ(submission.reviewer, "bea");
  EXPECT_EQ(submission.note, "fine");
  EXPECT_EQ(submission.uri, "gate.example.org/approved/ann:1.0");
  EXPECT_EQ(submission.expires, clock_.now() + days(30));
  EXPECT_THAT(submission.next_steps.at(0), HasSubstr("Use it as gate.example.org/approved/ann:1.0 until 2026-12-20"));
}

TEST_F(SubmissionsTest, AreRejectedWithANote) {
  auto id = push();
  EXPECT_EQ(send("POST", at(id, "/reject"), "bea").status, 400);
  EXPECT_EQ(send("POST", at(id, "/reject"), "bea", R"({"note":"rebuild it"})").json["state"].text(), "rejected");
  EXPECT_EQ(send("POST", at(id, "/reject"), "bea", R"({"note":"again"})").status, 409);
  EXPECT_THAT(shown(id).next_steps.at(0), HasSubstr("Push the repaired image to gate.example.org/staging/ann:1.0"));
}

TEST_F(SubmissionsTest, CanBeWaitedFor) {
  auto id = push();
  EXPECT_EQ(get(at(id, "?wait=5"), "ann").json["state"].text(), "waiting");
  EXPECT_EQ(get(at(id, "?wait=soon"), "ann").status, 400);
}

TEST_F(SubmissionsTest, TellWhatToDoInEachState) {
  auto first = push("ann", "1.0"), second = push("ann", "2.0");
  push("ann", "1.0");
  EXPECT_THAT(shown(first).next_steps.at(0), HasSubstr("A newer push"));
  send("POST", at(second, "/approve"), "bea");
  clock_.advance(days(31));
  ASSERT_EQ(*gate_->expire_due(), 1u);
  EXPECT_THAT(shown(second).next_steps.at(0), HasSubstr("again to have it judged anew"));
}

TEST_F(SubmissionsTest, HaveAReportInThreeForms) {
  auto id = push();
  auto json = wire::Report::from_json(get(at(id, "/report"), "ann").json);
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(json->submission.id, id);
  ASSERT_EQ(json->reports.size(), 1u);
  EXPECT_TRUE(scan::ScanReport::from_json(json->reports[0]).ok());
  auto text = get(at(id, "/report?format=text"), "ann");
  EXPECT_EQ(text.header("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_THAT(text.body, HasSubstr("ask bea@example.org"));
  EXPECT_THAT(get(at(id, "/report?format=html"), "ann").body, HasSubstr("<html"));
  EXPECT_EQ(get(at(id, "/report?format=pdf"), "ann").status, 400);
}

TEST_F(SubmissionsTest, ChooseTheReportsFormByAccept) {
  auto id = push();
  auto type = [&](const std::string& accept) {
    return ask({.target = at(id, "/report"), .user = "ann", .accept = accept}).header("Content-Type");
  };
  EXPECT_THAT(type("text/html,application/xhtml+xml"), HasSubstr("text/html"));
  EXPECT_THAT(type("text/plain"), HasSubstr("text/plain"));
  EXPECT_THAT(type("application/json"), HasSubstr("application/json"));
  EXPECT_THAT(type(""), HasSubstr("application/json"));
}

TEST_F(SubmissionsTest, HaveAPageThatCanDoNothing) {
  auto id = push();
  auto page = get("/reports/" + id, "ann");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_THAT(page.header("Content-Security-Policy"), AllOf(HasSubstr("default-src 'none'"), Not(HasSubstr("script"))));
  EXPECT_EQ(page.header("X-Frame-Options"), "DENY");
  EXPECT_THAT(page.body, AllOf(HasSubstr("waiting for a reviewer"), Not(HasSubstr("<script"))));
}

TEST_F(SubmissionsTest, AreLetInByAWaiverThatReviewersList) {
  auto body = R"({"finding":"CVE-2026-1","reason":"unreachable","expires":"2026-12-01"})";
  auto answer = send("POST", "/api/v1/waivers", "bea", body);
  EXPECT_EQ(answer.status, 201);
  auto waivers = *wire::waivers_from_json(get("/api/v1/waivers", "bea").json);
  ASSERT_EQ(waivers.size(), 1u);
  EXPECT_EQ(waivers[0].owner, "bea");
  EXPECT_EQ(waivers[0], *wire::Waiver::from_json(answer.json));
  EXPECT_EQ(send("POST", "/api/v1/waivers", "bea", R"({"finding":"*","reason":"r","expires":"2026-12-01"})").status,
            400);
  EXPECT_EQ(send("POST", "/api/v1/waivers", "bea", R"({"finding":"CVE-1","reason":"r","expires":"2020-01-01"})").status,
            400);
}

class OwnAddressTest : public ControlTest {
 protected:
  OwnAddressTest() : ControlTest(Options{}) {}
};

TEST_F(OwnAddressTest, IsTheRequestsWhereNoneIsConfigured) {
  auto id = push();
  auto submission = *wire::Submission::from_json(send("POST", "/api/v1/submissions/" + id + "/approve", "bea").json);
  EXPECT_EQ(submission.uri, "inside:8443/approved/ann:1.0");
  EXPECT_EQ(submission.report_url, "https://inside:8443/reports/" + id);
}

}  // namespace
}  // namespace pratique::control::testing
