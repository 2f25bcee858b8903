#include "control/control.h"

#include "control/test_control.h"

namespace pratique::control::testing {
namespace {

using ::testing::HasSubstr;

struct Access {
  std::string method, path;
  // Status for a submitter, a runner and a reviewer; everything else about the request is missing or wrong on purpose,
  // so whoever is let through gets 400 or 404.
  int submitter, runner, reviewer;
};

const Access kAccess[] = {
    {"GET", "/api/v1/whoami", 200, 200, 200},
    {"GET", "/api/v1/submissions", 200, 200, 200},
    {"GET", "/api/v1/submissions/none", 404, 404, 404},
    {"GET", "/api/v1/submissions/none/report", 404, 404, 404},
    {"GET", "/reports/none", 404, 404, 404},
    {"POST", "/api/v1/submissions/none/approve", 403, 403, 404},
    {"POST", "/api/v1/submissions/none/reject", 403, 403, 404},
    {"GET", "/api/v1/waivers", 403, 403, 200},
    {"POST", "/api/v1/waivers", 403, 403, 400},
    {"GET", "/api/v1/users", 403, 403, 403},
    {"POST", "/api/v1/users", 403, 403, 403},
    {"PUT", "/api/v1/users/root/password", 403, 403, 403},
    {"PUT", "/api/v1/users/root/roles", 403, 403, 403},
    {"POST", "/api/v1/users/root/disable", 403, 403, 403},
    {"POST", "/api/v1/users/root/enable", 403, 403, 403},
    {"GET", "/api/v1/journal", 403, 403, 200},
    {"GET", "/api/v1/journal/verify", 403, 403, 200},
    {"GET", "/api/v1/admissions", 400, 400, 400},
    {"POST", "/api/v1/runs", 403, 400, 403},
};

TEST_F(ControlTest, ARunIsJournaledUnderTheNameOfWhoRanIt) {
  auto digest = "sha256:" + std::string(64, 'a');
  EXPECT_EQ(send("POST", "/api/v1/runs", "ron", R"({"id":"1"})").status, 400);
  EXPECT_EQ(send("POST", "/api/v1/runs", "ron", R"({"id":"1","state":"failed","digest":")" + digest + "\"}").status,
            200);
  auto entries = journal_->read(0, 100).value();
  EXPECT_EQ(entries.back().event, "job-ended");
  EXPECT_EQ(entries.back().actor, "ron");
  EXPECT_EQ(entries.back().subject, digest);
}

TEST_F(ControlTest, LetsEachRoleDoWhatIsItsOwn) {
  ensure_user("root");
  for (const auto& row : kAccess) {
    EXPECT_EQ(send(row.method, row.path, "ann").status, row.submitter) << row.method << row.path;
    EXPECT_EQ(send(row.method, row.path, "ron").status, row.runner) << row.method << row.path;
    EXPECT_EQ(send(row.method, row.path, "bea").status, row.reviewer) << row.method << row.path;
  }
}

TEST_F(ControlTest, AsksStrangersToSignInEverywhere) {
  for (const auto& row : kAccess) {
    auto answer = ask({.method = row.method, .target = row.path});
    EXPECT_EQ(answer.status, 401) << row.path;
    EXPECT_EQ(answer.header("WWW-Authenticate"), "Basic realm=\"pratique\", charset=\"UTF-8\"");
    EXPECT_EQ(answer.kind(), "denied");
    EXPECT_THAT(answer.json["error"]["next"].text(), HasSubstr("pratique login"));
  }
}

TEST_F(ControlTest, DoesNotTakeWrongCredentials) {
  ensure_user("ann");
  auto basic = [](std::string_view text) { return "Basic " + to_base64(as_bytes(text)); };
  for (const auto& header : {basic("ann:wrong"), basic("nobody:correct horse"), basic("ann"), std::string("Basic !!"),
                             std::string("Basic"), std::string("Digest x"), std::string("Bearer nonsense")})
    EXPECT_EQ(ask({.target = "/api/v1/whoami", .authorization = header}).status, 401) << header;
}

TEST_F(ControlTest, TakesARegistryToken) {
  ensure_user("ann");
  auto token = identity_->issue_token(users_.at("ann"));
  auto answer = ask({.target = "/api/v1/whoami", .authorization = "bearer " + token->secret});
  EXPECT_EQ(answer.json["name"].text(), "ann");
}

TEST_F(ControlTest, TakesChangesOnlyAsJson) {
  for (const auto& row : kAccess) {
    if (row.method == "GET") continue;
    for (const auto* type : {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""})
      EXPECT_EQ(
          ask({.method = row.method, .target = row.path, .user = "root", .body = "{}", .content_type = type}).status,
          415)
          << row.path << type;
  }
}

TEST_F(ControlTest, RefusesBodiesThatAreNoSmallJsonObject) {
  EXPECT_EQ(send("POST", "/api/v1/waivers", "bea", "nonsense").status, 400);
  EXPECT_EQ(send("POST", "/api/v1/waivers", "bea", "[]").status, 400);
  EXPECT_EQ(send("POST", "/api/v1/waivers", "bea", "").status, 400);
  EXPECT_EQ(send("POST", "/api/v1/waivers", "bea", std::string(70'000, ' ')).status, 413);
}

TEST_F(ControlTest, TellsItsVersionToEverybody) {
  auto version = wire::Version::from_json(ask({.target = "/api/v1/version"}).json);
  ASSERT_TRUE(version.ok());
  EXPECT_EQ(version->program, "pratique");
}

TEST_F(ControlTest, AnswersAreNeverKeptOrGuessedAt) {
  auto answer = get("/api/v1/whoami", "ann");
  EXPECT_EQ(answer.header("Cache-Control"), "no-store");
  EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff");
}

// -- people

TEST_F(ControlTest, TellsPeopleWhoTheyAreAndWhereToPush) {
  auto ann = wire::UserInfo::from_json(get("/api/v1/whoami", "ann").json);
  EXPECT_EQ(ann->roles, std::vector<std::string>{"submitter"});
  EXPECT_EQ(ann->push_to, std::vector<std::string>{"staging/ann"});
  EXPECT_TRUE(wire::UserInfo::from_json(get("/api/v1/whoami", "bea").json)->push_to.empty());
}

TEST_F(ControlTest, AnAdministratorRunsTheUsers) {
  auto added = send("POST", "/api/v1/users", "root", R"({"name":"Zoë","password":"12345678","roles":["submitter"]})");
  EXPECT_EQ(added.status, 201);
  EXPECT_EQ(wire::UserInfo::from_json(added.json)->name, "Zoë");
  EXPECT_EQ(send("PUT", "/api/v1/users/Zoë/roles", "root", R"({"roles":["runner","reviewer"]})").status, 200);
  EXPECT_EQ(send("POST", "/api/v1/users/Zoë/disable", "root").json["disabled"].as_bool(), true);
  EXPECT_EQ(send("POST", "/api/v1/users/Zoë/enable", "root").json["disabled"].as_bool(), false);
  EXPECT_EQ(send("PUT", "/api/v1/users/Zoë/password", "root", R"({"password":"another one"})").status, 200);
  EXPECT_TRUE(identity_->authenticate("Zoë", "another one").ok());
  EXPECT_EQ(wire::users_from_json(get("/api/v1/users", "root").json)->size(), 2u);
}

TEST_F(ControlTest, JournalsEveryChangeOfAUserWithWhoMadeIt) {
  send("POST", "/api/v1/users", "root", R"({"name":"zoe","password":"12345678","roles":["submitter"]})");
  send("PUT", "/api/v1/users/zoe/roles", "root", R"({"roles":["runner"]})");
  send("PUT", "/api/v1/users/zoe/password", "root", R"({"password":"another one"})");
  send("POST", "/api/v1/users/zoe/disable", "root");
  send("POST", "/api/v1/users/zoe/enable", "root");
  send("POST", "/api/v1/users", "root", R"({"name":"zoe","password":"12345678","roles":[]})");  // there is one already
  std::vector<std::string> seen;
  auto entries = journal_->read(0, 100).value();
  for (const auto& entry : entries)
    if (entry.subject == "zoe") seen.push_back(format("{} {} {}", entry.actor, entry.event, entry.details.dump()));
  EXPECT_EQ(seen, (std::vector<std::string>{R"(root user-added {"roles":["submitter"],"disabled":false})",
                                            R"(root user-roles-set {"roles":["runner"],"disabled":false})",
                                            R"(root user-password-set {"roles":["runner"],"disabled":false})",
                                            R"(root user-disabled {"roles":["runner"],"disabled":true})",
                                            R"(root user-enabled {"roles":["runner"],"disabled":false})"}));
}

TEST_F(ControlTest, RefusesUsersThatAreNone) {
  ensure_user("ann");
  const std::pair<const char*, int> rows[] = {{R"({"name":"ann","password":"12345678","roles":[]})", 409},
                                              {R"({"name":"","password":"12345678","roles":[]})", 400},
                                              {R"({"name":"x","password":"short","roles":[]})", 400},
                                              {R"({"name":"x","password":"12345678"})", 400},
                                              {R"({"name":"x","password":"12345678","roles":["king"]})", 400},
                                              {R"({"password":"12345678","roles":[]})", 400},
                                              {R"({"name":7,"password":"12345678","roles":[]})", 400}};
  for (const auto& [body, status] : rows) EXPECT_EQ(send("POST", "/api/v1/users", "root", body).status, status) << body;
  for (auto path : {"disable", "enable"})
    EXPECT_EQ(send("POST", format("/api/v1/users/nobody/{}", path), "root").status, 404);
  EXPECT_EQ(send("PUT", "/api/v1/users/nobody/roles", "root", R"({"roles":[]})").status, 404);
  EXPECT_EQ(send("PUT", "/api/v1/users/nobody/password", "root", R"({"password":"12345678"})").status, 404);
}

TEST_F(ControlTest, EverybodyChangesTheirOwnPassword) {
  EXPECT_EQ(send("PUT", "/api/v1/users/ann/password", "ann", R"({"password":"new and long"})").status, 200);
  EXPECT_TRUE(identity_->authenticate("ann", "new and long").ok());
}

TEST_F(ControlTest, ATokenChangesNoAccount) {
  ensure_user("root");
  auto token = "Bearer " + identity_->issue_token(users_.at("root"))->secret;
  auto with_token = [&](const char* method, const char* target, const char* body) {
    return ask({.method = method, .target = target, .body = body, .authorization = token}).status;
  };
  EXPECT_EQ(with_token("GET", "/api/v1/users", ""), 200);
  EXPECT_EQ(with_token("PUT", "/api/v1/users/root/password", R"({"password":"stolen for ever"})"), 403);
  EXPECT_EQ(with_token("POST", "/api/v1/users", R"({"name":"x","password":"12345678","roles":["admin"]})"), 403);
  EXPECT_TRUE(identity_->authenticate("root", kPassword).ok());
}

TEST_F(ControlTest, AnAdministratorCannotLockTheDoorFromInside) {
  EXPECT_EQ(send("POST", "/api/v1/users/root/disable", "root").status, 409);
  EXPECT_EQ(send("PUT", "/api/v1/users/root/roles", "root", R"({"roles":["submitter"]})").status, 409);
  EXPECT_EQ(send("PUT", "/api/v1/users/root/roles", "root", R"({"roles":["admin"]})").status, 200);
}

// -- records

TEST_F(ControlTest, ShowsTheJournalInPages) {
  push();
  auto first = get("/api/v1/journal?limit=2", "bea").json;
  ASSERT_EQ(first["entries"].size(), 2u);
  EXPECT_EQ(first["cursor"].as_int(), 2);
  auto second = get("/api/v1/journal?cursor=2&limit=1", "bea").json;
  EXPECT_EQ(second["entries"].items().at(0)["sequence"].as_int(), 3);
  EXPECT_EQ(get("/api/v1/journal?cursor=9999", "bea").json["cursor"].as_int(), 9999);
  EXPECT_EQ(get("/api/v1/journal?cursor=-1", "bea").status, 400);
  EXPECT_EQ(get("/api/v1/journal/verify", "bea").json["holds"].as_bool(), true);
}

TEST_F(ControlTest, AnswersWhetherAnImageMayRun) {
  auto id = push();
  EXPECT_EQ(get("/api/v1/admissions?reference=approved/ann:1.0", "ron").status, 403);
  EXPECT_EQ(get("/api/v1/admissions?reference=approved/ann:1.0", "ron").kind(), "refused");
  ASSERT_EQ(send("POST", "/api/v1/submissions/" + id + "/approve", "bea").status, 200);
  auto answer = get("/api/v1/admissions?reference=approved/ann:1.0", "ron");
  EXPECT_EQ(answer.status, 200);
  auto admitted = gate::admission_from_json(answer.json, clock_);
  ASSERT_TRUE(admitted.ok());
  auto by_digest = "/api/v1/admissions?reference=approved/ann@" + admitted->digest().to_string();
  EXPECT_EQ(get(by_digest, "ron").json, answer.json);
  clock_.advance(days(30));
  EXPECT_THAT(get(by_digest, "ron").message(), HasSubstr("expired on 2026-12-20"));
}

TEST_F(ControlTest, WantsAReferenceThatIsOne) {
  for (auto reference : {"approved", "approved/ann@sha256:1", "Approved/ann:1", "approved/ann:", ""})
    EXPECT_EQ(get(format("/api/v1/admissions?reference={}", reference), "ron").status, 400) << reference;
  EXPECT_EQ(get("/api/v1/admissions?reference=approved/nobody:1", "ron").status, 404);
}

}  // namespace
}  // namespace pratique::control::testing
