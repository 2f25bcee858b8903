#include <gmock/gmock.h>

#include "aws/aws.h"
#include "base/encoding.h"
#include "base/format.h"

namespace pratique::aws {

namespace {

using ::testing::HasSubstr;

std::string target_of(std::string_view target) {
  auto parsed = parse_target(target);
  if (auto* refusal = std::get_if<Refusal>(&parsed)) return fault_of(Service::Ecr, *refusal).code;
  return format("{} {}", signing_name(std::get<EcrCall>(parsed).service), std::get<EcrCall>(parsed).operation);
}

TEST(EcrTarget, NamesAServiceAndAnOperation) {
  EXPECT_EQ(target_of("AmazonEC2ContainerRegistry_V20150921.DescribeImages"), "ecr DescribeImages");
  EXPECT_EQ(target_of("SpencerFrontendService.GetAuthorizationToken"), "ecr-public GetAuthorizationToken");
  for (std::string_view bad : {"", "DescribeImages", "AmazonEC2ContainerRegistry_V20150921.", "X.DescribeImages",
                               "AmazonEC2ContainerRegistry_V20150921.describeimages",
                               "AmazonEC2ContainerRegistry_V20150921.DescribeImages ", "SpencerFrontendService.X"})
    EXPECT_EQ(target_of(bad), "UnknownOperationException") << bad;
}

std::string complaint(std::string_view operation, std::string_view body) {
  auto parsed = parse_input(operation, body);
  auto* refusal = std::get_if<Refusal>(&parsed);
  return refusal ? refusal->message : "";
}
EcrInput input(std::string_view operation, std::string_view body) {
  auto parsed = parse_input(operation, body);
  if (auto* refusal = std::get_if<Refusal>(&parsed)) {
    ADD_FAILURE() << refusal->message;
    return {};
  }
  return std::get<EcrInput>(parsed);
}

TEST(EcrInputs, AreReadMemberByMember) {
  auto read =
      input("DescribeImages",
            R"({"repositoryName":"nextflow-approved/ann","imageIds":[{"imageTag":"1"},{"imageDigest":"sha256:x"}],
                        "filter":{"tagStatus":"TAGGED"},"maxResults":5,"nextToken":"t","unread":[1,{}]})");
  EXPECT_EQ(read.repository_name, "nextflow-approved/ann");
  EXPECT_EQ(read.image_ids, (std::vector<ImageId>{{"", "1"}, {"sha256:x", ""}}));
  EXPECT_EQ(read.tag_status, "TAGGED");
  EXPECT_EQ(read.page_size(), 5u);
  EXPECT_EQ(read.next_token, "t");
  EXPECT_EQ(
      input("DescribeImageScanFindings", R"({"repositoryName":"ab","imageId":{"imageTag":"1"}})").image_ids.size(), 1u);
  EXPECT_EQ(input("GetAuthorizationToken", "").page_size(), kPageDefault);
}

TEST(EcrInputs, LayerPartsAreBytes) {
  auto read =
      input("UploadLayerPart",
            R"({"repositoryName":"ab","uploadId":"u","partFirstByte":0,"partLastByte":2,"layerPartBlob":"AAEC"})");
  EXPECT_EQ(read.layer_part, std::string("\0\1\2", 3));
  EXPECT_EQ(read.part_last, 2u);
}

TEST(EcrInputs, RefuseWhatTheModelRefuses) {
  struct Row {
    std::string_view operation, body, says;
  };
  const Row rows[] = {
      {"DescribeImages", "{}", "'repositoryName' failed to satisfy constraint: 'Member must not be null'"},
      {"DescribeImages", R"({"repositoryName":null})", "must not be null"},
      {"DescribeImages", R"({"repositoryName":"Ann"})", "regular expression"},
      {"DescribeImages", R"({"repositoryName":"a"})", "regular expression"},
      {"DescribeImages", R"({"repositoryName":"a//b"})", "regular expression"},
      {"DescribeImages", R"({"repositoryName":"-ab"})", "regular expression"},
      {"DescribeImages", R"({"repositoryName":"../x"})", "regular expression"},
      {"DescribeImages", R"({"repositoryName":7})", "must have length"},
      {"DescribeImages", R"({"repositoryName":"ab","imageIds":[]})", "list of 1 to 100"},
      {"DescribeImages", R"({"repositoryName":"ab","imageIds":{"imageTag":"1"}})", "list of 1 to 100"},
      {"DescribeImages", R"({"repositoryName":"ab","imageIds":["1"]})", "must be objects"},
      {"DescribeImages", R"({"repositoryName":"ab","imageIds":[{"imageTag":""}]})", "must have length"},
      {"DescribeImages", R"({"repositoryName":"ab","maxResults":0})", "between 1 and 1000"},
      {"DescribeImages", R"({"repositoryName":"ab","maxResults":1001})", "between 1 and 1000"},
      {"DescribeImages", R"({"repositoryName":"ab","maxResults":"5"})", "between 1 and 1000"},
      {"DescribeImages", R"({"repositoryName":"ab","filter":{"tagStatus":"SOME"}})", "one of TAGGED"},
      {"DescribeImages", R"({"repositoryName":"ab","registryId":"12"})", "[0-9]{12}"},
      {"DescribeImages", R"({"repositoryName":"ab","repositoryName":"cd"})", "SerializationException"},
      {"DescribeRepositories", R"({"repositoryNames":["ab","A"]})", "regular expression"},
      {"DescribeRepositories", "[]", "no object"},
      {"DescribeRepositories", "{", "SerializationException"},
      {"PutImage", R"({"repositoryName":"ab"})", "'imageManifest'"},
      {"UploadLayerPart", R"({"repositoryName":"ab","uploadId":"u","partFirstByte":0,"layerPartBlob":"!"})", "base64"},
      {"UploadLayerPart", R"({"repositoryName":"ab","uploadId":"u","partFirstByte":-1,"layerPartBlob":""})",
       "between 0"},
      {"ListTagsForResource", "{}", "'resourceArn'"}};
  for (const auto& row : rows) EXPECT_THAT(complaint(row.operation, row.body), HasSubstr(row.says)) << row.body;
}

TEST(EcrInputs, AHundredImagesAndNoMore) {
  std::string ids = R"({"imageTag":"1"})";
  for (int i = 1; i < 100; ++i) ids += R"(,{"imageTag":"1"})";
  EXPECT_EQ(complaint("BatchGetImage", format(R"({{"repositoryName":"ab","imageIds":[{}]}})", ids)), "");
  ids += R"(,{"imageTag":"1"})";
  EXPECT_THAT(complaint("BatchGetImage", format(R"({{"repositoryName":"ab","imageIds":[{}]}})", ids)),
              HasSubstr("1 to 100"));
}

TEST(EcrInputs, ABodyHasTheSizeItsOperationNeeds) {
  std::string body = R"({"repositoryName":"ab","x":")" + std::string(1 << 20, 'x') + "\"}";
  EXPECT_THAT(complaint("DescribeImages", body), HasSubstr("SerializationException"));
  EXPECT_GT(ecr_body_bytes_max("UploadLayerPart"), kLayerPartBytesMax * 4 / 3);
}

TEST(EcrErrors, AreTypeAndMessage) {
  EXPECT_EQ(ecr_error({"ImageNotFoundException", "no \"x\"", 400}),
            R"({"__type":"ImageNotFoundException","message":"no \"x\""})");
}

TEST(PageTokens, BelongToTheirOperation) {
  auto token = page_token("ListImages", "1.0");
  EXPECT_EQ(parse_page_token("ListImages", token).value(), "1.0");
  EXPECT_FALSE(parse_page_token("DescribeImages", token).ok());
  for (std::string_view bad : {"", "!", "AAAA", "TGlzdA"}) EXPECT_FALSE(parse_page_token("ListImages", bad).ok());
}

TEST(Arns, AreTheServices) {
  EXPECT_EQ(repository_arn("us-east-1", "123456789012", "a/b"), "arn:aws:ecr:us-east-1:123456789012:repository/a/b");
  EXPECT_TRUE(is_account("123456789012"));
  EXPECT_FALSE(is_account("12345678901x"));
}

}  // namespace

}  // namespace pratique::aws
