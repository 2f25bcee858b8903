// ECR over the real gate: what each kind of caller may do, and what the answers hold.
#include "control/test_aws.h"

namespace pratique::control {

namespace {

using namespace testing;
using ::testing::HasSubstr;

class EcrTest : public AwsTest {
 protected:
  // Pushed by ann, approved by bea: approved/ann:1.0.
  std::string approve() {
    auto id = push("ann");
    ensure_user("bea");
    EXPECT_TRUE(gate_->approve(users_.at("bea"), id, "looked at").ok());
    return gate_->submission(id)->digest.to_string();
  }
};

constexpr std::string_view kStaged = R"({"repositoryName":"staging/ann"})";
constexpr std::string_view kApproved = R"({"repositoryName":"approved/ann"})";
constexpr std::string_view kStagedImage = R"({"repositoryName":"staging/ann","imageId":{"imageTag":"1.0"}})";

TEST_F(EcrTest, ThePasswordHasNoColonAndDiesWithItsKeys) {
  auto keys = push_keys("ann");
  auto answer = ask_ecr(keys, "GetAuthorizationToken");
  ASSERT_EQ(word(answer), "ok") << answer.body;
  const auto& data = answer.json["authorizationData"].items().at(0);
  auto pair = from_base64(data["authorizationToken"].text()).value();
  ASSERT_TRUE(pair.starts_with("AWS:"));
  EXPECT_EQ(pair.substr(4).find(':'), std::string::npos);
  EXPECT_EQ(data["proxyEndpoint"].text(), "https://gate.example.org");
  EXPECT_EQ(data["expiresAt"].as_double(), static_cast<double>(keys.expires.unix_seconds()));
  EXPECT_TRUE(identity_->authenticate_registry_password(pair.substr(4))->principal);
  clock_.advance(seconds(3600));
  EXPECT_FALSE(identity_->authenticate_registry_password(pair.substr(4))->principal);
}

TEST_F(EcrTest, ThePublicServiceAnswersWithOneObject) {
  auto keys = push_keys("ann");
  auto request = make(keys, "{}", "application/x-amz-json-1.1", "SpencerFrontendService.GetAuthorizationToken",
                      {.region = "us-east-1"}, "ecr-public");
  EXPECT_TRUE(send(request, "{}").json["authorizationData"].is_object());
}

TEST_F(EcrTest, PasswordsComeAtTheServicesPace) {
  auto keys = push_keys("ann");
  for (int i = 0; i < 200; ++i) ASSERT_EQ(word(ask_ecr(keys, "GetAuthorizationToken")), "ok");
  auto answer = ask_ecr(keys, "GetAuthorizationToken");
  EXPECT_EQ(word(answer), "ThrottlingException");
  EXPECT_EQ(answer.header("Retry-After"), "1");
  EXPECT_EQ(word(ask_ecr(push_keys("ann"), "GetAuthorizationToken")), "ok");
  clock_.advance(seconds(1));
  EXPECT_EQ(word(ask_ecr(keys, "GetAuthorizationToken")), "ok");
}

// What each operation needs, in one table; every operation of the module is in it.
struct Row {
  std::string operation, body;
  std::string_view push, own, other, reviewer;  // ann's keys for pushing, ann's own, sam's own, bea's own
};
const Row kMatrix[] = {
    {"GetAuthorizationToken", "{}", "ok", "ok", "ok", "ok"},
    {"DescribeRepositories", "{}", "denied", "ok", "ok", "ok"},
    {"DescribeRepositories", R"({"repositoryNames":["staging/ann"]})", "denied", "ok", "denied", "ok"},
    {"DescribeRepositories", R"({"repositoryNames":["approved/ann"]})", "denied", "ok", "ok", "ok"},
    {"DescribeImages", std::string(kStaged), "denied", "ok", "denied", "ok"},
    {"DescribeImages", std::string(kApproved), "denied", "ok", "ok", "ok"},
    {"ListImages", std::string(kStaged), "denied", "ok", "denied", "ok"},
    {"ListImages", std::string(kApproved), "denied", "ok", "ok", "ok"},
    {"BatchGetImage", R"({"repositoryName":"staging/ann","imageIds":[{"imageTag":"1.0"}]})", "denied", "denied",
     "denied", "denied"},
    {"BatchGetImage", R"({"repositoryName":"approved/ann","imageIds":[{"imageTag":"1.0"}]})", "denied", "ok", "ok",
     "ok"},
    {"BatchDeleteImage", R"({"repositoryName":"staging/ann","imageIds":[{"imageTag":"1.0"}]})", "denied", "denied",
     "denied", "denied"},
    {"BatchDeleteImage", R"({"repositoryName":"approved/ann","imageIds":[{"imageTag":"1.0"}]})", "denied", "denied",
     "denied", "denied"},
    {"StartImageScan", std::string(kStagedImage), "denied", "ok", "denied", "ok"},
    {"DescribeImageScanFindings", std::string(kStagedImage), "denied", "ok", "denied", "ok"},
    {"GetLifecyclePolicy", std::string(kApproved), "denied", "ok", "ok", "ok"},
    {"GetRepositoryPolicy", std::string(kApproved), "denied", "RepositoryPolicyNotFoundException",
     "RepositoryPolicyNotFoundException", "RepositoryPolicyNotFoundException"},
    {"ListTagsForResource", R"({"resourceArn":"arn:aws:ecr:eu-west-2:123456789012:repository/approved/ann"})", "denied",
     "ok", "ok", "ok"},
    {"DescribeRegistry", "{}", "denied", "ok", "ok", "ok"},
    {"GetRegistryScanningConfiguration", "{}", "denied", "ok", "ok", "ok"},
    {"CreateRepository", std::string(kStaged), "denied", "denied", "denied", "RepositoryAlreadyExistsException"},
    {"BatchCheckLayerAvailability", R"({"repositoryName":"staging/ann","layerDigests":["x"]})", "ok", "ok", "denied",
     "ok"},
    {"BatchCheckLayerAvailability", R"({"repositoryName":"approved/ann","layerDigests":["x"]})", "denied", "ok", "ok",
     "ok"},
    {"InitiateLayerUpload", std::string(kStaged), "ok", "ok", "denied", "denied"},
    {"InitiateLayerUpload", std::string(kApproved), "denied", "denied", "denied", "denied"},
    {"UploadLayerPart", R"({"repositoryName":"staging/ann","uploadId":"u","partFirstByte":0,"layerPartBlob":"AA=="})",
     "UploadNotFoundException", "UploadNotFoundException", "denied", "denied"},
    {"CompleteLayerUpload", R"({"repositoryName":"staging/ann","uploadId":"u","layerDigests":["sha256:x"]})",
     "InvalidLayerException", "InvalidLayerException", "denied", "denied"},
    {"PutImage", R"({"repositoryName":"staging/ann","imageManifest":"{}"})", "InvalidParameterException",
     "InvalidParameterException", "denied", "denied"},
    {"PutImage", R"({"repositoryName":"approved/ann","imageManifest":"{}"})", "denied", "denied", "denied", "denied"},
    {"DeleteRepository", std::string(kStaged), "denied", "denied", "denied", "denied"},
    {"SetRepositoryPolicy", std::string(kStaged), "denied", "denied", "denied", "denied"},
    {"PutLifecyclePolicy", std::string(kStaged), "denied", "denied", "denied", "denied"},
    {"PutImageTagMutability", std::string(kStaged), "denied", "denied", "denied", "denied"},
    {"GetDownloadUrlForLayer", R"({"repositoryName":"staging/ann","layerDigest":"x"})", "denied", "denied", "denied",
     "denied"}};

TEST_F(EcrTest, EveryOperationIsForWhomTheTableSays) {
  approve();
  push("ann");
  auto word_of = [](const Answer& answer) {
    auto said = word(answer);
    return said == "AccessDeniedException" ? "denied" : said;
  };
  for (const auto& row : kMatrix) {
    auto what = row.operation + " " + row.body;
    EXPECT_EQ(word_of(ask_ecr(push_keys("ann"), row.operation, row.body)), row.push) << "keys for pushing: " << what;
    EXPECT_EQ(word_of(ask_ecr(own_keys("ann"), row.operation, row.body)), row.own) << "own: " << what;
    EXPECT_EQ(word_of(ask_ecr(own_keys("sam"), row.operation, row.body)), row.other) << "another's: " << what;
    EXPECT_EQ(word_of(ask_ecr(own_keys("bea"), row.operation, row.body)), row.reviewer) << "reviewer's: " << what;
  }
}

TEST_F(EcrTest, RefusesInAwssWords) {
  auto answer = ask_ecr(push_keys("ann"), "InitiateLayerUpload", R"({"repositoryName":"staging/sam"})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(words(answer),
            "User: arn:aws:sts::123456789012:assumed-role/ann-ECRUploadRole/ann is not authorized to perform: "
            "ecr:InitiateLayerUpload on resource: arn:aws:ecr:eu-west-2:123456789012:repository/staging/sam because no "
            "identity-based policy allows the ecr:InitiateLayerUpload action");
  answer = ask_ecr(own_keys("ann"), "DescribeImages", R"({"repositoryName":"nowhere/ann"})");
  EXPECT_EQ(word(answer), "RepositoryNotFoundException");
  EXPECT_EQ(words(answer),
            "The repository with name 'nowhere/ann' does not exist in the registry with id '123456789012'");
  EXPECT_EQ(word(ask_ecr(own_keys("ann"), "DescribeImages", R"({"repositoryName":"approved/x"})")),
            "RepositoryNotFoundException");
  EXPECT_EQ(word(ask_ecr(own_keys("ann"), "DescribeImages",
                         R"({"repositoryName":"staging/ann","registryId":"210987654321"})")),
            "RepositoryNotFoundException");
}

TEST_F(EcrTest, DescribesRepositoriesInPages) {
  approve();
  push("sam");
  auto keys = own_keys("bea");
  auto first = ask_ecr(keys, "DescribeRepositories", R"({"maxResults":2})");
  ASSERT_EQ(first.json["repositories"].size(), 2u);
  const auto& repository = first.json["repositories"].items()[0];
  EXPECT_EQ(repository["repositoryUri"].text(), "gate.example.org/approved/ann");
  EXPECT_EQ(repository["repositoryArn"].text(), "arn:aws:ecr:eu-west-2:123456789012:repository/approved/ann");
  auto next = ask_ecr(keys, "DescribeRepositories",
                      format(R"({{"maxResults":2,"nextToken":"{}"}})", first.json["nextToken"].text()));
  ASSERT_EQ(next.json["repositories"].size(), 1u);
  EXPECT_EQ(next.json["repositories"].items()[0]["repositoryName"].text(), "staging/sam");
  EXPECT_FALSE(next.json.has("nextToken"));
  // Names of staging repositories are names of people: others do not see them.
  EXPECT_EQ(ask_ecr(own_keys("ann"), "DescribeRepositories").json["repositories"].size(), 2u);
}

TEST_F(EcrTest, OnesOwnRepositoryIsThereBeforeItsFirstPush) {
  auto answer = ask_ecr(own_keys("ann"), "DescribeRepositories", R"({"repositoryNames":["staging/ann"]})");
  EXPECT_EQ(answer.json["repositories"].items().at(0)["repositoryName"].text(), "staging/ann");
}

TEST_F(EcrTest, DescribesImagesWithWhatTheScanFound) {
  auto digest = approve();
  auto answer = ask_ecr(own_keys("ann"), "DescribeImages", kApproved);
  ASSERT_EQ(answer.json["imageDetails"].size(), 1u) << answer.body;
  const auto& image = answer.json["imageDetails"].items()[0];
  EXPECT_EQ(image["imageDigest"].text(), digest);
  EXPECT_EQ(image["imageTags"].items().at(0).text(), "1.0");
  EXPECT_GT(image["imageSizeInBytes"].as_int().value_or(0), 0);
  EXPECT_EQ(image["imageScanStatus"]["status"].text(), "COMPLETE");
  EXPECT_GT(image["imageScanFindingsSummary"]["findingSeverityCounts"]["UNDEFINED"].as_int().value_or(0), 0);
  // Others see that it is there, and not what was found in it.
  const auto others = ask_ecr(own_keys("sam"), "DescribeImages", kApproved);
  EXPECT_FALSE(others.json["imageDetails"].items().at(0).has("imageScanFindingsSummary"));
}

TEST_F(EcrTest, ListsImagesInPagesAndByStatus) {
  push("ann", "1.0");
  push("ann", "1.1");
  auto keys = own_keys("ann");
  auto first = ask_ecr(keys, "ListImages", R"({"repositoryName":"staging/ann","maxResults":1})");
  EXPECT_EQ(first.json["imageIds"].items().at(0)["imageTag"].text(), "1.0");
  auto next = ask_ecr(
      keys, "ListImages",
      format(R"({{"repositoryName":"staging/ann","maxResults":1,"nextToken":"{}"}})", first.json["nextToken"].text()));
  EXPECT_EQ(next.json["imageIds"].items().at(0)["imageTag"].text(), "1.1");
  EXPECT_EQ(ask_ecr(keys, "ListImages", R"({"repositoryName":"staging/ann","filter":{"tagStatus":"UNTAGGED"}})")
                .json["imageIds"]
                .size(),
            0u);
  EXPECT_EQ(word(ask_ecr(keys, "DescribeImages", R"({"repositoryName":"staging/ann","nextToken":"AAAA"})")),
            "InvalidParameterException");
}

TEST_F(EcrTest, AMissingImageIsNamed) {
  push("ann");
  auto answer =
      ask_ecr(own_keys("ann"), "DescribeImages", R"({"repositoryName":"staging/ann","imageIds":[{"imageTag":"2.0"}]})");
  EXPECT_EQ(word(answer), "ImageNotFoundException");
  EXPECT_THAT(words(answer), HasSubstr("{imageDigest:'null', imageTag:'2.0'}"));
}

TEST_F(EcrTest, GivesManifestsByAdmissionOnly) {
  auto digest = approve();
  auto keys = own_keys("sam");
  auto ask_for = [&](std::string_view ids) {
    return ask_ecr(keys, "BatchGetImage", format(R"({{"repositoryName":"approved/ann","imageIds":[{}]}})", ids));
  };
  auto answer = ask_for(R"({"imageTag":"1.0"},{"imageTag":"2.0"},{},{"imageDigest":"x"})");
  ASSERT_EQ(answer.json["images"].size(), 1u) << answer.body;
  EXPECT_EQ(oci::Digest::of(as_bytes(answer.json["images"].items()[0]["imageManifest"].text())).to_string(), digest);
  const auto& failures = answer.json["failures"].items();
  ASSERT_EQ(failures.size(), 3u);
  EXPECT_EQ(failures[0]["failureCode"].text(), "ImageNotFound");
  EXPECT_EQ(failures[1]["failureCode"].text(), "MissingDigestAndTag");
  EXPECT_EQ(failures[2]["failureCode"].text(), "InvalidImageDigest");
  EXPECT_EQ(journal_->read(0, 1'000)->back().actor, "sam");
  clock_.advance(days(31));
  ASSERT_TRUE(gate_->expire_due().ok());
  keys = own_keys("sam");
  auto late = ask_for(R"({"imageTag":"1.0"})");
  EXPECT_EQ(late.json["images"].size(), 0u) << late.body;
}

TEST_F(EcrTest, WhatNobodyCouldReadIsAFinding) {
  push("ann");
  auto answer = ask_ecr(own_keys("ann"), "DescribeImageScanFindings", kStagedImage);
  EXPECT_EQ(answer.json["imageScanStatus"]["status"].text(), "COMPLETE") << answer.body;
  const auto& findings = answer.json["imageScanFindings"];
  ASSERT_GT(findings["findings"].size(), 0u);
  EXPECT_THAT(std::string(findings["findings"].items()[0]["name"].text()), HasSubstr("NOT-JUDGED-"));
  EXPECT_EQ(findings["findings"].items()[0]["severity"].text(), "UNDEFINED");
  EXPECT_GT(findings["findingSeverityCounts"]["UNDEFINED"].as_int().value_or(0), 0);
}

TEST_F(EcrTest, PagesThroughFindings) {
  push("ann");
  auto keys = own_keys("ann");
  auto whole = ask_ecr(keys, "DescribeImageScanFindings", kStagedImage).json["imageScanFindings"]["findings"].size();
  std::size_t seen = 0;
  std::string token;
  do {
    auto body = format(R"({{"repositoryName":"staging/ann","imageId":{{"imageTag":"1.0"}},"maxResults":1{}}})",
                       token.empty() ? "" : format(R"(,"nextToken":"{}")", token));
    auto answer = ask_ecr(keys, "DescribeImageScanFindings", body);
    ASSERT_EQ(word(answer), "ok") << answer.body;
    seen += answer.json["imageScanFindings"]["findings"].size();
    token = std::string(answer.json["nextToken"].text());
  } while (!token.empty());
  EXPECT_EQ(seen, whole);
}

TEST_F(EcrTest, TheLifecyclePolicyIsTheApprovals) {
  approve();
  auto answer = ask_ecr(own_keys("sam"), "GetLifecyclePolicy", kApproved);
  auto rules = parse_json(answer.json["lifecyclePolicyText"].text()).value();
  EXPECT_EQ(rules["rules"].items().at(0)["selection"]["countNumber"].as_int(), 30);
}

TEST_F(EcrTest, ALayerAndAnImageMayComeAsJson) {
  auto keys = push_keys("ann");
  auto send_blob = [&](std::string_view bytes) {
    auto upload = std::string(ask_ecr(keys, "InitiateLayerUpload", kStaged).json["uploadId"].text());
    auto half = bytes.size() / 2;
    auto part = [&](std::size_t first, std::string_view piece) {
      return ask_ecr(keys, "UploadLayerPart",
                     format(R"({{"repositoryName":"staging/ann","uploadId":"{}","partFirstByte":{},"partLastByte":{},)"
                            R"("layerPartBlob":"{}"}})",
                            upload, first, first + piece.size() - 1, to_base64(as_bytes(piece))));
    };
    EXPECT_EQ(word(part(1, "x")), "InvalidLayerPartException");
    EXPECT_EQ(word(part(0, bytes.substr(0, half))), "ok");
    EXPECT_EQ(part(half, bytes.substr(half)).json["lastByteReceived"].as_int(),
              static_cast<std::int64_t>(bytes.size()) - 1);
    auto done = ask_ecr(keys, "CompleteLayerUpload",
                        format(R"({{"repositoryName":"staging/ann","uploadId":"{}","layerDigests":["{}"]}})", upload,
                               oci::Digest::of(as_bytes(bytes)).to_string()));
    EXPECT_EQ(word(done), "ok") << done.body;
  };
  const std::string layer = "no archive",
                    config = format(
                        R"({{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["{}"]}}}})",
                        oci::Digest::of(as_bytes(layer)).to_string());
  auto descriptor = [](std::string_view type, std::string_view bytes) {
    return format(R"({{"mediaType":"{}","digest":"{}","size":{}}})", type, oci::Digest::of(as_bytes(bytes)).to_string(),
                  bytes.size());
  };
  auto manifest =
      format(R"({{"schemaVersion":2,"mediaType":"{}","config":{},"layers":[{}]}})", oci::media_type::kOciManifest,
             descriptor(oci::media_type::kOciConfig, config), descriptor(oci::media_type::kOciLayer, layer));
  auto put = Json::object({{"repositoryName", "staging/ann"}, {"imageManifest", manifest}, {"imageTag", "json"}});
  EXPECT_EQ(word(ask_ecr(keys, "PutImage", put.dump())), "LayersNotFoundException");
  send_blob(layer);
  send_blob(config);
  auto check = ask_ecr(keys, "BatchCheckLayerAvailability",
                       format(R"({{"repositoryName":"staging/ann","layerDigests":["{}","sha256:{}"]}})",
                              oci::Digest::of(as_bytes(layer)).to_string(), std::string(64, '0')));
  EXPECT_EQ(check.json["layers"].items().at(0)["layerAvailability"].text(), "AVAILABLE");
  EXPECT_EQ(check.json["layers"].items().at(1)["layerAvailability"].text(), "UNAVAILABLE");
  auto done = ask_ecr(keys, "PutImage", put.dump());
  ASSERT_EQ(word(done), "ok") << done.body;
  EXPECT_EQ(gate_->submissions({.submitter = "ann"})->size(), 1u);
}

}  // namespace

}  // namespace pratique::control
