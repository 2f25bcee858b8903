#include "control/test_control.h"

namespace pratique::control::testing {
namespace {

constexpr std::string_view kWish = R"({"purpose":"torch","window":"afternoon","acknowledged":true})";

class RequestsTest : public ControlTest {
 protected:
  std::string ask_for_access(const std::string& user = "ann") {
    auto answer = send("POST", "/api/v1/requests", user, std::string(kWish));
    EXPECT_EQ(answer.status, 201) << answer.body;
    return std::string(answer.json["id"].text());
  }
  Answer act(const std::string& id, const std::string& what, const std::string& user, const std::string& body = "{}") {
    return send("POST", format("/api/v1/requests/{}/{}", id, what), user, body);
  }
  // The path of the one-time link.
  std::string granted(const std::string& id) {
    auto link = std::string(act(id, "grant", "bea").json["link"].text());
    EXPECT_TRUE(link.starts_with("https://gate.example.org/credentials/prl_")) << link;
    return link.substr(std::string_view("https://gate.example.org").size());
  }
  std::string state_of(const std::string& id) {
    return std::string(get("/api/v1/requests/" + id, "bea").json["state"].text());
  }
};

TEST_F(RequestsTest, GoFromAWishToAnImage) {
  auto id = ask_for_access();
  EXPECT_EQ(state_of(id), "requested");
  granted(id);
  auto credentials = act(id, "credentials", "ann");
  ASSERT_EQ(credentials.status, 200) << credentials.body;
  EXPECT_EQ(credentials.json["repository_uri"].text(), "gate.example.org/staging/ann");
  EXPECT_EQ(credentials.json["secret_access_key"].text().size(), 40u);
  EXPECT_TRUE(
      credentials.json["sheets"]["sh"].text().starts_with("ECR Repository URI: gate.example.org/staging/ann\n"));
  push("ann");
  EXPECT_EQ(state_of(id), "used");
}

TEST_F(RequestsTest, CredentialsAreGoneAfterTheyWereShown) {
  auto id = ask_for_access();
  auto link = granted(id);
  EXPECT_EQ(act(id, "credentials", "ann").status, 200);
  EXPECT_EQ(act(id, "credentials", "ann").status, 410);
  EXPECT_EQ(ask({.target = link}).status, 410);
  EXPECT_EQ(ask({.method = "POST", .target = link}).status, 410);
}

TEST_F(RequestsTest, ALinkShowsThemToWhoeverPressesTheButtonOnce) {
  auto id = ask_for_access();
  auto link = granted(id);
  for (int look = 0; look < 2; ++look) {
    auto page = ask({.target = link});
    EXPECT_EQ(page.status, 200);
    EXPECT_THAT(page.body, ::testing::HasSubstr("<form method=\"post\">"));
    EXPECT_THAT(page.body, ::testing::Not(::testing::HasSubstr("AWS_SECRET")));
  }
  auto shown = ask({.method = "POST", .target = link});
  EXPECT_EQ(shown.status, 200);
  for (const char* words :
       {"export AWS_SECRET_ACCESS_KEY=", "$Env:AWS_SECRET_ACCESS_KEY=", "set AWS_SECRET_ACCESS_KEY="})
    EXPECT_THAT(shown.body, ::testing::HasSubstr(words));
  EXPECT_EQ(shown.header("Cache-Control"), "no-store");
  EXPECT_EQ(ask({.method = "POST", .target = link}).status, 410);
  EXPECT_EQ(ask({.target = "/credentials/prl_unknown"}).status, 404);
}

TEST_F(RequestsTest, AreAnsweredByStaffOnly) {
  auto id = ask_for_access();
  for (const char* what : {"grant", "deny", "revoke"})
    EXPECT_EQ(act(id, what, "ann", R"({"note":"x"})").status, 403) << what;
  EXPECT_EQ(act(id, "deny", "bea").status, 400);
  EXPECT_EQ(act(id, "deny", "bea", R"({"note":"no project"})").json["state"].text(), "denied");
}

TEST_F(RequestsTest, AreSeenByTheirRequesterAndStaff) {
  auto id = ask_for_access();
  EXPECT_EQ(get("/api/v1/requests/" + id, "sam").status, 404);
  EXPECT_EQ(get("/api/v1/requests", "sam").json["requests"].size(), 0u);
  EXPECT_EQ(get("/api/v1/requests?requester=ann", "sam").json["requests"].size(), 0u);
  EXPECT_EQ(get("/api/v1/requests", "ann").json["requests"].size(), 1u);
  EXPECT_EQ(get("/api/v1/requests?state=requested", "bea").json["requests"].size(), 1u);
  EXPECT_EQ(get("/api/v1/requests?state=nonsense", "bea").status, 400);
  for (const char* what : {"close", "credentials"}) EXPECT_EQ(act(id, what, "sam").status, 404) << what;
}

TEST_F(RequestsTest, SayWhatIsMissing) {
  auto refuse = [&](const std::string& body) { return send("POST", "/api/v1/requests", "ann", body); };
  EXPECT_EQ(refuse("{}").status, 400);
  EXPECT_EQ(refuse(R"({"purpose":"x","window":"never","acknowledged":true})").status, 400);
  EXPECT_EQ(refuse(R"({"purpose":"x","window":"afternoon"})").status, 400);
  EXPECT_EQ(refuse(R"({"purpose":"x","window":"afternoon","acknowledged":true,"repository":"staging/bob"})").status,
            403);
}

TEST_F(RequestsTest, AreClosedByTheirRequester) {
  auto id = ask_for_access();
  EXPECT_EQ(act(id, "close", "ann").json["state"].text(), "unused");
  EXPECT_EQ(act(id, "close", "ann").status, 409);
}

TEST_F(RequestsTest, CredentialsTakeAPasswordNotAToken) {
  auto id = ask_for_access();
  granted(id);
  auto token = identity_->issue_token(users_.at("ann"))->secret;
  auto answer = ask({.method = "POST",
                     .target = format("/api/v1/requests/{}/credentials", id),
                     .body = "{}",
                     .authorization = "Bearer " + token});
  EXPECT_EQ(answer.status, 403);
}

TEST_F(RequestsTest, TemporaryKeysOpenNoRouteHere) {
  ensure_user("ann");
  auto keys = identity_->issue_session(identity::SessionRequest{.user = "ann", .repository = "staging/ann"}).value();
  auto session = identity_->find_session(keys.access_key_id)->value();
  auto token = identity_->issue_token(*session.principal)->secret;
  auto password = identity_->issue_registry_password(keys.access_key_id, "").value();
  for (const auto& route : {"/api/v1/whoami", "/api/v1/submissions", "/api/v1/requests"}) {
    EXPECT_EQ(ask({.target = route, .authorization = "Bearer " + token}).status, 403) << route;
    auto basic = "Basic " + to_base64(as_bytes("AWS:" + password));
    EXPECT_EQ(ask({.target = route, .authorization = basic}).status, 401) << route;
  }
}

TEST_F(RequestsTest, AnAdministratorChangesTheKeyThatSecretsAreSealedWith) {
  EXPECT_EQ(send("POST", "/api/v1/keys/rotate", "bea").status, 403);
  EXPECT_EQ(send("POST", "/api/v1/keys/rotate", "root").status, 200);
}

}  // namespace
}  // namespace pratique::control::testing
