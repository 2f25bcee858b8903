#include "distribution/test_world.h"

namespace pratique::distribution {
namespace {

using Push = World;

TEST_F(Push, AnswersWithLocationAndDigest) {
  const auto answer = push_image("open/a", "1", "x");
  ASSERT_EQ(answer.status, 201) << answer.body;
  const auto digest = sha256_of(image_json(config_json("x")).dump());
  EXPECT_EQ(path_of(answer), manifest("open/a", digest));
  EXPECT_EQ(answer.header("Docker-Content-Digest"), digest);
  EXPECT_TRUE(answer.headers.all("Warning").empty());
}

TEST_F(Push, SetsSeveralTagsAtOnce) {
  ASSERT_EQ(push_blob("open/a", config_json("x")), 201);
  const auto bytes = image_json(config_json("x")).dump();
  std::string query;
  for (int i = 0; i < 12; ++i) query += format("{}tag=t{}", i == 0 ? "?" : "&", i);
  const auto answer = put_manifest("open/a", sha256_of(bytes) + query, bytes);
  ASSERT_EQ(answer.status, 201);
  EXPECT_EQ(answer.headers.all("OCI-Tag").size(), 12U);
  EXPECT_EQ(send("GET", manifest("open/a", "t11")).status, 200);
  EXPECT_EQ(put_manifest("open/a", sha256_of(bytes) + "?tag=no%20tag", bytes).status, 400);
}

TEST_F(Push, RefusesTooManyTags) {
  std::string query = "?tag=t";
  for (int i = 0; i < 100; ++i) query += "&tag=t";
  EXPECT_EQ(put_manifest("open/a", sha256_of("x") + query, "x").status, 413);
}

TEST_F(Push, MayBeSparseWhereTheNamespaceSaysSo) {
  EXPECT_EQ(put_manifest("sparse/a", "1", image_json("never sent").dump()).status, 201);
  EXPECT_EQ(send("GET", manifest("sparse/a", "1")).status, 200);
  EXPECT_EQ(send("GET", blob("sparse/a", "never sent")).status, 404);
  ASSERT_EQ(push_blob("sparse/a", "sent"), 201);
  const std::string honest = image_json("sent").dump();
  EXPECT_EQ(put_manifest("sparse/a", "2", replace_all(honest, "\"size\":4", "\"size\":5")).status, 400);
}

TEST_F(Push, NamesTheBlobsThatAreMissing) {
  const auto answer = put_manifest("open/a", "1", image_json("{}").dump());
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.code(), "MANIFEST_BLOB_UNKNOWN");
  EXPECT_TRUE(contains(answer.message(), sha256_of("{}")));
}

TEST_F(Push, RefusesBadManifests) {
  for (const std::string bytes : {"", "{", R"({"schemaVersion":1,"name":"x","fsLayers":[]})", "{}"}) {
    const auto answer = put_manifest("open/a", "1", bytes);
    EXPECT_EQ(answer.status, 400) << bytes;
    EXPECT_EQ(answer.code(), "MANIFEST_INVALID");
  }
  EXPECT_EQ(put_manifest("open/a", sha256_of("other"), image_json("{}").dump()).status, 400);
  EXPECT_EQ(put_manifest("open/a", "sha256:12", image_json("{}").dump()).status, 400);
}

TEST_F(Push, TakesFourMebibytesAndNotAByteMore) {
  ASSERT_EQ(push_blob("open/a", "{}"), 201);
  auto sized = [](std::size_t bytes) {
    std::string text = image_json("{}").dump();
    return text.insert(1, std::string(bytes - text.size(), ' '));
  };
  EXPECT_EQ(put_manifest("open/a", "1", sized(oci::kManifestBytesMax)).status, 201);
  const auto answer = put_manifest("open/a", "1", sized(oci::kManifestBytesMax + 1));
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.code(), "SIZE_INVALID");
}

TEST_F(Push, ReadsAContentTypeWithParameters) {
  ASSERT_EQ(push_blob("open/a", "{}"), 201);
  const HeaderLines type = {{"Content-Type", std::string(oci::media_type::kOciManifest) + "; charset=utf-8"}};
  EXPECT_EQ(send("PUT", manifest("open/a", "1"), {.body = image_json("{}").dump(), .headers = type}).status, 201);
  EXPECT_EQ(send("GET", manifest("open/a", "1")).header("Content-Type"), oci::media_type::kOciManifest);
}

// -- staging
// -------------------------------------------------------------------------------------------------------------

TEST_F(Push, ToStagingIsAnsweredWithTheVerdict) {
  const auto answer = push_image("in/ann", "1", "x");
  ASSERT_EQ(answer.status, 201) << answer.body;
  const auto warnings = answer.headers.all("Warning");
  ASSERT_GE(warnings.size(), 2U);
  EXPECT_TRUE(warnings[0].starts_with("299 - \"pratique: waiting for a reviewer: ")) << warnings[0];
  EXPECT_TRUE(warnings[1].starts_with("299 - \"pratique: report: http://gate.example/reports/")) << warnings[1];
}

TEST_F(Push, IsAnsweredAtOnceWhenTooManyWaitForVerdicts) {
  distribution.reset();
  gate.reset();
  gate = std::make_unique<gate::Gate>(
      *database, *registry, *store, *journal, cataloguer, *inventories, [this] { return advisories; }, clock,
      gate::Options{.policy = policy(policy::Verdict::Review), .workers = 0});
  distribution =
      std::make_unique<Distribution>(*registry, *store, *identity, *gate,
                                     Options{.verdict_wait = std::chrono::hours(1), .refuse_at_push = {"strict"}});
  is_hurried = true;
  const auto answer = push_image("in/ann", "1", "x");
  EXPECT_EQ(answer.status, 201);
  EXPECT_TRUE(contains(answer.headers.all("Warning").at(0), "the inspection goes on"));
  // Where a rejection fails the push, "not judged yet" must not look like success.
  const auto strict = push_image("strict/ann", "1", "x");
  EXPECT_EQ(strict.status, 429);
  EXPECT_EQ(strict.code(), "TOOMANYREQUESTS");
  EXPECT_EQ(strict.header("Retry-After"), "30");
  EXPECT_TRUE(contains(strict.message(), "http://gate.example/reports/")) << strict.message();
}

TEST_F(Push, ThatWasAnsweredTooEarlyIsJudgedWhenItIsSentAgain) {
  is_hurried = true;
  distribution = std::make_unique<Distribution>(
      *registry, *store, *identity, *gate,
      Options{.verdict_wait = std::chrono::milliseconds(0), .refuse_at_push = {"strict"}});
  push_image("strict/ann", "1", "x");
  distribution =
      std::make_unique<Distribution>(*registry, *store, *identity, *gate, Options{.refuse_at_push = {"strict"}});
  is_hurried = false;
  EXPECT_EQ(push_image("strict/ann", "1", "x").status, 201);
}

TEST_F(Push, OfTheSameImageAfterExpirySubmitsItAgain) {
  push_image("in/ann", "1", "x");
  approve_all();
  clock.advance(days(31));
  ASSERT_TRUE(gate->expire_due().ok());
  renew_tokens();
  EXPECT_EQ(send("HEAD", manifest("in/ann", "1")).status, 404);
  EXPECT_EQ(push_image("in/ann", "1", "x").status, 201);
  approve_all();
  EXPECT_EQ(send("GET", manifest("out/ann", "1")).status, 200);
}

TEST_F(Push, ToStagingCannotBeReadBack) {
  push_image("in/ann", "1", "x");
  const auto digest = sha256_of(image_json(config_json("x")).dump());
  for (const char* who : {"ann", "bob", "run"}) {
    for (const std::string& target :
         {manifest("in/ann", "1"), manifest("in/ann", digest), blob("in/ann", config_json("x")),
          std::string("/v2/in/ann/tags/list"), "/v2/in/ann/referrers/" + digest}) {
      const auto answer = send("GET", target, {.as = who});
      EXPECT_EQ(answer.status, 403) << target;
      EXPECT_EQ(answer.code(), "DENIED");
      EXPECT_TRUE(contains(answer.message(), "cannot be read back")) << answer.message();
    }
  }
  EXPECT_EQ(send("DELETE", manifest("in/ann", "1")).status, 403);
  EXPECT_EQ(send("DELETE", blob("in/ann", config_json("x"))).status, 403);
}

TEST_F(Push, ToStagingIsNoBusinessOfOtherSubmitters) {
  push_image("in/ann", "1", "x");
  const auto absent = send("GET", manifest("out/ann", "2"), {.as = "bob"});
  const auto waiting = send("GET", manifest("out/ann", "1"), {.as = "bob"});
  EXPECT_EQ(waiting.status, absent.status);
  EXPECT_EQ(waiting.code(), absent.code());
  EXPECT_EQ(waiting.message(), "there is no out/ann:1");
  for (const char* who : {"ann", "rev", "run"})
    EXPECT_TRUE(contains(send("GET", manifest("out/ann", "1"), {.as = who}).message(), "waits for a reviewer")) << who;
}

TEST_F(Push, ToStagingIsToldOnlyOfItsOwnBlobs) {
  push_image("in/ann", "1", "x");
  EXPECT_EQ(send("HEAD", blob("in/ann", config_json("x"))).status, 200);
  EXPECT_EQ(send("HEAD", blob("in/ann", config_json("x"))).content_length, config_json("x").size());
  EXPECT_EQ(send("HEAD", blob("in/ann/other", config_json("x"))).status, 200);
  EXPECT_EQ(send("HEAD", blob("in/ann", config_json("x")), {.as = "bob"}).status, 404);
  EXPECT_EQ(send("HEAD", blob("in/bob", config_json("x")), {.as = "bob"}).status, 404);
  for (const char* who : {"ann", "bob", "run"}) {
    EXPECT_EQ(send("HEAD", manifest("in/ann", "1"), {.as = who}).status, 404);
  }
}

// What another tenant pushed and what nobody has: every answer is the same, field by field.
TEST_F(Push, ToStagingTellsNothingOfWhatOthersHold) {
  push_image("in/ann", "1", "x");
  const auto theirs = sha256_of(config_json("x")), nobodys = sha256_of("nobody has this");
  const auto told = [&](const std::string& method, const std::string& target) {
    const auto answer = send(method, target, {.as = "bob"});
    std::string all = format("{} {}", answer.status, answer.body);
    for (const auto& [name, value] : answer.headers.lines()) {
      const bool is_random = name == "Location" || name == "Docker-Upload-UUID";
      all += format("\n{}: {}", name, is_random ? "" : value);
    }
    return all;
  };
  for (const char* repository : {"in/bob", "in/ann", "open/bob"}) {
    const std::string blobs = format("/v2/{}/blobs/", repository);
    EXPECT_EQ(told("HEAD", blobs + theirs), told("HEAD", blobs + nobodys)) << repository;
    EXPECT_EQ(replace_all(told("GET", blobs + theirs), theirs, ""),
              replace_all(told("GET", blobs + nobodys), nobodys, ""));
    for (const char* from : {"", "&from=in%2Fann", "&from=out%2Fann"}) {
      EXPECT_EQ(told("POST", blobs + "uploads/?mount=" + theirs + from),
                told("POST", blobs + "uploads/?mount=" + nobodys + from))
          << repository << from;
    }
  }
}

TEST_F(Push, MayNameABlobThatHeadSaidNeedNotBeSent) {
  push_image("open/a", "1", "x");
  EXPECT_EQ(send("HEAD", blob("in/ann", config_json("x"))).status, 200);
  EXPECT_EQ(put_manifest("in/ann", "1", image_json(config_json("x")).dump()).status, 201);
  EXPECT_EQ(put_manifest("in/bob", "1", image_json(config_json("x")).dump(), "bob").status, 404);
}

TEST_F(Push, ToOthersOrApprovedRepositoriesIsDenied) {
  EXPECT_EQ(put_manifest("in/ann", "1", image_json("{}").dump(), "bob").status, 403);
  EXPECT_EQ(put_manifest("in/run", "1", image_json("{}").dump(), "run").status, 403);
  EXPECT_EQ(put_manifest("in", "1", image_json("{}").dump()).status, 403);
  const auto approved = put_manifest("out/ann", "1", image_json("{}").dump());
  EXPECT_EQ(approved.status, 403);
  EXPECT_TRUE(contains(approved.message(), "filled by approval"));
}

// -- approved
// ------------------------------------------------------------------------------------------------------------

TEST_F(Push, OnceApprovedIsReadByEverybodyUntilItExpires) {
  push_image("in/ann", "1", "x");
  approve_all();
  const auto bytes = image_json(config_json("x")).dump();
  for (const char* who : {"ann", "bob", "run"}) {
    EXPECT_EQ(send("GET", manifest("out/ann", "1"), {.as = who}).body, bytes);
    EXPECT_EQ(send("HEAD", manifest("out/ann", sha256_of(bytes)), {.as = who}).status, 200);
    EXPECT_EQ(send("GET", blob("out/ann", config_json("x")), {.as = who}).body, config_json("x"));
  }
  EXPECT_EQ(send("GET", "/v2/out/ann/tags/list").body, R"({"name":"out/ann","tags":["1"]})");
  clock.advance(days(31));
  renew_tokens();
  for (const std::string& target :
       {manifest("out/ann", "1"), manifest("out/ann", sha256_of(bytes)), blob("out/ann", config_json("x"))}) {
    EXPECT_EQ(send("GET", target, {.as = "run"}).status, 403) << target;
    EXPECT_EQ(send("HEAD", target, {.as = "run"}).status, 403) << target;
  }
  EXPECT_TRUE(contains(send("GET", manifest("out/ann", "1"), {.as = "run"}).message(), "expired"));
}

TEST_F(Push, OfAnIndexIsReadPartByPartOnceApproved) {
  ASSERT_EQ(push_blob("in/ann", config_json("x")), 201);
  const auto child = image_json(config_json("x")).dump();
  ASSERT_EQ(put_manifest("in/ann", sha256_of(child), child).status, 201);
  Json entry = descriptor(oci::media_type::kOciManifest, child);
  entry.set("platform", Json::object({{"os", "linux"}, {"architecture", "amd64"}}));
  const auto index = Json::object({{"schemaVersion", 2}, {"manifests", Json::array({entry})}}).dump();
  const HeaderLines type = {{"Content-Type", std::string(oci::media_type::kOciIndex)}};
  ASSERT_EQ(send("PUT", manifest("in/ann", "all"), {.body = index, .headers = type}).status, 201);
  EXPECT_EQ(send("GET", manifest("out/ann", sha256_of(child))).status, 404);
  approve_all();
  EXPECT_EQ(send("GET", manifest("out/ann", "all"), {.as = "run"}).body, index);
  EXPECT_EQ(send("GET", manifest("out/ann", sha256_of(child)), {.as = "run"}).body, child);
  EXPECT_EQ(send("GET", blob("out/ann", config_json("x")), {.as = "run"}).status, 200);
}

TEST_F(Push, OnceApprovedMayBeMountedFrom) {
  push_image("in/ann", "1", "x");
  approve_all();
  const auto query = "?mount=" + sha256_of(config_json("x")) + "&from=out/ann";
  EXPECT_EQ(send("POST", "/v2/open/b/blobs/uploads/" + query, {.as = "bob"}).status, 201);
}

TEST_F(Push, ApprovedRepositoriesHoldNothingElse) {
  push_image("in/ann", "1", "x");
  approve_all();
  ASSERT_EQ(push_blob("in/ann", "beside"), 201);
  EXPECT_EQ(send("GET", blob("out/ann", "beside")).status, 404);
  EXPECT_EQ(send("GET", manifest("out/ann", "2")).status, 404);
  EXPECT_EQ(send("GET", manifest("out/bob", "1")).status, 404);
}

class Rejecting : public World {
 protected:
  Rejecting() : World(policy::Verdict::Reject) {}
};

TEST_F(Rejecting, WarnsThePusher) {
  const auto answer = push_image("in/ann", "1", "x");
  EXPECT_EQ(answer.status, 201);
  EXPECT_TRUE(answer.headers.all("Warning").at(0).starts_with("299 - \"pratique: rejected: ")) << answer.body;
  EXPECT_EQ(send("GET", manifest("out/ann", "1")).status, 403);
  EXPECT_EQ(send("GET", blob("out/ann", config_json("x"))).status, 404);
}

TEST_F(Rejecting, RefusesThePushWhereThatIsConfigured) {
  const auto answer = push_image("strict/ann", "1", "x");
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.code(), "DENIED");
  EXPECT_TRUE(answer.message().starts_with("rejected by the gate: ")) << answer.message();
  EXPECT_TRUE(contains(answer.message(), "Report: http://gate.example/reports/")) << answer.message();
}

TEST_F(Push, ThatWaitsForAReviewerIsNoFailureAndNobodyMayPull) {
  for (const char* repository : {"in/ann", "strict/ann"}) {
    const auto answer = push_image(repository, "1", "x");
    EXPECT_EQ(answer.status, 201);
    EXPECT_TRUE(contains(answer.headers.all("Warning").at(0), "waiting for a reviewer")) << answer.body;
  }
  EXPECT_EQ(send("GET", manifest("out/ann", "1")).status, 403);
}

}  // namespace
}  // namespace pratique::distribution
