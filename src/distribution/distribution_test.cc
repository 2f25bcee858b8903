#include "distribution/distribution.h"

#include "distribution/test_world.h"

namespace pratique::distribution {
namespace {

using Front = World;

TEST_F(Front, SaysItsVersionOnEveryAnswer) {
  EXPECT_EQ(send("GET", "/v2/").header("Docker-Distribution-Api-Version"), "registry/2.0");
  EXPECT_EQ(send("GET", "/v2/", {.as = ""}).header("Docker-Distribution-Api-Version"), "registry/2.0");
}

TEST_F(Front, AnswersTheProbe) {
  EXPECT_EQ(send("GET", "/v2/").status, 200);
  EXPECT_EQ(send("GET", "/v2").status, 200);
  EXPECT_EQ(send("POST", "/v2/").status, 405);
}

TEST_F(Front, ChallengesStrangersWithABearerRealm) {
  const auto probe = send("GET", "/v2/", {.as = ""});
  EXPECT_EQ(probe.status, 401);
  EXPECT_EQ(probe.code(), "UNAUTHORIZED");
  EXPECT_EQ(probe.header("WWW-Authenticate"), "Bearer realm=\"http://gate.example/v2/token\",service=\"pratique\"");
  EXPECT_TRUE(send("PUT", "/v2/open/a/manifests/1", {.as = ""})
                  .header("WWW-Authenticate")
                  .ends_with(",scope=\"repository:open/a:pull,push\""));
  EXPECT_TRUE(send("GET", "/v2/open/a/tags/list", {.as = ""})
                  .header("WWW-Authenticate")
                  .ends_with(",scope=\"repository:open/a:pull\""));
}

TEST_F(Front, TellsStrangersNothingAboutPathsOrNames) {
  for (const char* path : {"/v2/open/a/manifests/1", "/v2/nowhere/a/manifests/1", "/v2/x", "/v2/UPPER/tags/list"}) {
    EXPECT_EQ(send("GET", path, {.as = ""}).status, 401) << path;
    EXPECT_EQ(send("HEAD", path, {.as = ""}).status, 401) << path;
  }
}

TEST_F(Front, RefusesWrongCredentials) {
  for (const std::string& header : {std::string("Bearer wrong"), "Basic " + to_base64(as_bytes("ann:wrong")),
                                    std::string("Digest x"), std::string("Basic %%%"), std::string("")}) {
    const auto answer = send("GET", "/v2/", {.headers = {{"Authorization", header}}, .as = ""});
    EXPECT_EQ(answer.status, 401) << header;
  }
}

TEST_F(Front, TakesBasicUnasked) {
  const auto header = "Basic " + to_base64(as_bytes("ann:password-of-ann"));
  EXPECT_EQ(send("GET", "/v2/", {.headers = {{"Authorization", header}}, .as = ""}).status, 200);
}

TEST_F(Front, RefusesExpiredTokens) {
  clock.advance(hours(1));
  EXPECT_EQ(send("GET", "/v2/").status, 401);
}

TEST_F(Front, NamesWhatIsWrongWithAName) {
  EXPECT_EQ(send("GET", "/v2/UPPER/a/tags/list").code(), "NAME_INVALID");
  const auto unknown = send("GET", "/v2/nowhere/a/tags/list");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.code(), "NAME_UNKNOWN");
  EXPECT_EQ(send("GET", "/v2/open/a/tags/list").status, 404);
}

TEST_F(Front, KnowsNoOtherPathOrMethod) {
  EXPECT_EQ(send("GET", "/v2/open/a/what").status, 404);
  const auto answer = send("PATCH", "/v2/open/a/manifests/1");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.header("Allow"), "GET, HEAD, PUT, DELETE");
}

// -- tokens
// --------------------------------------------------------------------------------------------------------------

std::string basic(std::string_view text) {
  return "Basic " + to_base64(as_bytes(text));
}

TEST_F(Front, IssuesATokenForAPassword) {
  const auto answer = send("GET", "/v2/token?account=ann&service=pratique&scope=repository:open/a:pull,push",
                           {.headers = {{"Authorization", basic("ann:password-of-ann")}}, .as = ""});
  ASSERT_EQ(answer.status, 200);
  const auto json = answer.json();
  EXPECT_EQ(json["token"], json["access_token"]);
  EXPECT_GE(json["expires_in"].as_int().value(), 60);
  EXPECT_TRUE(Time::parse(json["issued_at"].text()).ok());
  EXPECT_EQ(json["scope"].text(), "repository:open/a:pull,push");
  EXPECT_FALSE(json.has("refresh_token"));
  const std::string bearer = "Bearer " + std::string(json["token"].text());
  EXPECT_EQ(send("GET", "/v2/", {.headers = {{"Authorization", bearer}}, .as = ""}).status, 200);
}

TEST_F(Front, IssuesATokenForAForm) {
  const auto answer = send("POST", "/v2/token",
                           {.body = "grant_type=password&service=pratique&username=ann&password=password-of-ann&"
                                    "scope=repository%3Aout%2Fann%3Apull%2Cpush+repository%3Ain%2Fann%3Apull%2Cpush",
                            .as = ""});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.json()["scope"].text(), "repository:out/ann:pull repository:in/ann:push");
}

TEST_F(Front, RefusesTokensToStrangers) {
  const auto answer = send("GET", "/v2/token?service=pratique", {.as = ""});
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.header("WWW-Authenticate"), "Basic realm=\"pratique\"");
  const auto form = "grant_type=password&username=ann&password=wrong";
  EXPECT_EQ(send("POST", "/v2/token", {.body = form, .as = ""}).status, 401);
}

TEST_F(Front, DoesNotProlongATokenByItself) {
  EXPECT_EQ(send("GET", "/v2/").status, 200);
  const auto answer = send("GET", "/v2/token?service=pratique");
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.body.find("prt_"), std::string::npos);
}

TEST_F(Front, KnowsNoOtherGrant) {
  const auto form = "grant_type=refresh_token&refresh_token=x";
  const auto answer = send("POST", "/v2/token", {.body = form, .as = ""});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.json()["error"].text(), "unsupported_grant_type");
  EXPECT_EQ(send("POST", "/v2/token", {.body = "%", .as = ""}).status, 400);
  EXPECT_EQ(send("POST", "/v2/token", {.body = std::string(100'000, 'a'), .as = ""}).status, 400);
  EXPECT_EQ(send("PUT", "/v2/token", {.as = ""}).status, 405);
}

}  // namespace
}  // namespace pratique::distribution
