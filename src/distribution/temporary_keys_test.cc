// What somebody may do who signed in with temporary keys.
#include "distribution/auth.h"
#include "distribution/test_world.h"

namespace pratique::distribution {
namespace {

class TemporaryKeys : public World {
 protected:
  TemporaryKeys() {
    keys = identity->issue_session(identity::SessionRequest{.user = "ann", .repository = "in/ann"}).value();
    password = identity->issue_registry_password(keys.access_key_id, "192.0.2.1").value();
  }
  With basic(std::string body = "", HeaderLines headers = {}) const {
    headers.emplace_back("Authorization", "Basic " + to_base64(as_bytes("AWS:" + password)));
    return {.body = std::move(body), .headers = std::move(headers), .as = ""};
  }
  Answer ask(std::string method, std::string target, std::string body = "") {
    return send(std::move(method), std::move(target), basic(std::move(body)));
  }
  Answer blob_in_one(std::string_view repository, std::string_view bytes) {
    return ask("POST", format("/v2/{}/blobs/uploads/?digest={}", repository, sha256_of(bytes)), std::string(bytes));
  }
  Answer manifest_to(std::string_view reference, std::string_view salt) {
    return send(
        "PUT", manifest("in/ann", reference),
        basic(image_json(config_json(salt)).dump(), {{"Content-Type", std::string(oci::media_type::kOciManifest)}}));
  }
  identity::SessionKeys keys;
  std::string password;
};

TEST_F(TemporaryKeys, PushIntoTheirRepository) {
  EXPECT_EQ(ask("GET", "/v2/").status, 200);
  EXPECT_EQ(blob_in_one("in/ann", config_json("x")).status, 201);
  EXPECT_EQ(ask("HEAD", blob("in/ann", config_json("x"))).status, 200);
  EXPECT_EQ(manifest_to("1.0", "x").status, 201);
}

TEST_F(TemporaryKeys, FailAtOnceElsewhereAndSayWhatToCheck) {
  for (const char* repository :
       {"in/ann/sub", "in/bob", "in/annex", "strict/ann", "open/a", "out/ann", "nowhere/ann"}) {
    const auto answer = blob_in_one(repository, "x");
    EXPECT_EQ(answer.status, 403) << repository;
    EXPECT_EQ(answer.code(), "DENIED") << repository;
    EXPECT_TRUE(contains(answer.message(), "check the repository URI and that the exports were run in this terminal"));
  }
}

TEST_F(TemporaryKeys, ReadNothing) {
  blob_in_one("in/ann", config_json("x"));
  manifest_to("1.0", "x");
  push_image("open/a", "1", "y");
  for (const std::string& path :
       {std::string("/v2/_catalog"), std::string("/v2/in/ann/tags/list"), manifest("in/ann", "1.0"),
        blob("in/ann", config_json("x")), manifest("open/a", "1"), blob("open/a", config_json("y")),
        std::string("/v2/open/a/tags/list"), format("/v2/in/ann/referrers/{}", sha256_of("x"))}) {
    EXPECT_EQ(ask("GET", path).status, 403) << path;
    EXPECT_EQ(ask("DELETE", path).status, 403) << path;
  }
  EXPECT_EQ(ask("HEAD", blob("open/a", config_json("y"))).status, 403);
}

TEST_F(TemporaryKeys, SearchNothing) {
  http::Request request{.id = "0", .method = "GET", .target = "/v1/search?q=a", .path = "/v1/search"};
  request.headers.set("Authorization", "Basic " + to_base64(as_bytes("AWS:" + password)));
  TextBody body("", false, false);
  request.body = &body;
  EXPECT_EQ(distribution->handle_v1(request).status, 403);
}

TEST_F(TemporaryKeys, MountNothingThatTheirUserDidNotSend) {
  push_blob("open/a", "bytes of bob", "bob");
  const auto mount = format("/v2/in/ann/blobs/uploads/?mount={}&from=open/a", sha256_of("bytes of bob"));
  EXPECT_EQ(ask("POST", mount).status, 202);
  EXPECT_EQ(send("POST", mount).status, 201);
}

TEST_F(TemporaryKeys, WorkTheLastSecondAndNotTheNext) {
  clock.advance(seconds(3599));
  EXPECT_EQ(blob_in_one("in/ann", "x").status, 201);
  EXPECT_EQ(ask("GET", "/v2/").status, 200);
}

TEST_F(TemporaryKeys, AreRefusedInTheWordsThatClientsOfAwsKnow) {
  clock.advance(seconds(3601));
  for (const char* path : {"/v2/", "/v2/in/ann/blobs/uploads/"}) {
    const auto answer = ask("POST", path);
    EXPECT_EQ(answer.status, 403);
    EXPECT_EQ(answer.code(), "DENIED");
    EXPECT_EQ(answer.message(), "Your authorization token has expired. Reauthenticate and try again.");
  }
  // At the token's door with 401: podman and skopeo show its words, and of a 403 there nothing.
  const auto refusal = ask("GET", "/v2/token");
  EXPECT_EQ(refusal.status, 401);
  EXPECT_EQ(refusal.code(), "DENIED");
  EXPECT_EQ(refusal.message(), "Your authorization token has expired. Reauthenticate and try again.");
}

TEST_F(TemporaryKeys, LetAPushFinishThatStartedInTimeButNoNewOneStart) {
  clock.advance(seconds(3595));
  const auto started = ask("POST", "/v2/in/ann/blobs/uploads/");
  ASSERT_EQ(started.status, 202);
  clock.advance(seconds(300));
  EXPECT_EQ(ask("PATCH", path_of(started), config_json("x")).status, 202);
  clock.advance(seconds(300));
  EXPECT_EQ(ask("PUT", path_of(started) + "?digest=" + sha256_of(config_json("x"))).status, 201);
  EXPECT_EQ(blob_in_one("in/ann", "a layer of the same push").status, 201);
  EXPECT_EQ(manifest_to("1.0", "x").status, 201);
  EXPECT_EQ(ask("POST", "/v2/in/ann/blobs/uploads/").status, 403);
  EXPECT_EQ(manifest_to("1.1", "x").status, 403);
}

TEST_F(TemporaryKeys, EndAPushThatGoesOnWhenTheyAreRevoked) {
  const auto started = ask("POST", "/v2/in/ann/blobs/uploads/");
  ASSERT_TRUE(identity->revoke_session(keys.access_key_id, "rev", "lost laptop").ok());
  EXPECT_EQ(ask("PATCH", path_of(started), "x").status, 403);
}

TEST_F(TemporaryKeys, BuyBearerTokensThatMayDoNoMore) {
  const auto answer = ask("GET", "/v2/token?scope=repository:in/ann:push,pull&scope=repository:open/a:pull,push");
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json()["scope"].text(), "repository:in/ann:push");
  tokens["keys"] = answer.json()["token"].text();
  EXPECT_EQ(send("POST", "/v2/in/ann/blobs/uploads/", {.as = "keys"}).status, 202);
  EXPECT_EQ(send("GET", "/v2/open/a/tags/list", {.as = "keys"}).status, 403);
  ASSERT_TRUE(identity->revoke_session(keys.access_key_id, "rev", "").ok());
  EXPECT_EQ(send("POST", "/v2/in/ann/blobs/uploads/", {.as = "keys"}).status, 401);
}

TEST_F(TemporaryKeys, AreNoPasswordOfAnybodyElse) {
  const auto header = "Basic " + to_base64(as_bytes("ann:" + password));
  EXPECT_EQ(send("GET", "/v2/", {.headers = {{"Authorization", header}}, .as = ""}).status, 401);
  const auto as_aws = "Basic " + to_base64(as_bytes("AWS:password-of-ann"));
  EXPECT_EQ(send("GET", "/v2/", {.headers = {{"Authorization", as_aws}}, .as = ""}).status, 401);
}

TEST_F(TemporaryKeys, AreAskedForAsAwsRegistryAsks) {
  const std::string basic_challenge = "Basic realm=\"http://gate.example/\",service=\"ecr.amazonaws.com\"";
  for (const char* path : {"/v2/in/ann/blobs/uploads/", "/v2/out/ann/manifests/1"})
    EXPECT_EQ(send("GET", path, {.as = ""}).header("WWW-Authenticate"), basic_challenge) << path;
  EXPECT_TRUE(send("GET", "/v2/open/a/tags/list", {.as = ""}).header("WWW-Authenticate").starts_with("Bearer "));
}

TEST(IsEcrHost, KnowsTheNamesOfAwsRegistries) {
  EXPECT_TRUE(is_ecr_host("123456789012.dkr.ecr.us-east-1.amazonaws.com"));
  EXPECT_TRUE(is_ecr_host("123456789012.dkr.ecr.us-east-1.amazonaws.com:5000"));
  EXPECT_FALSE(is_ecr_host("gate.example.org"));
  EXPECT_FALSE(is_ecr_host(""));
}

}  // namespace
}  // namespace pratique::distribution
