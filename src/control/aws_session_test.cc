#include "control/test_aws.h"

namespace pratique::control {

namespace {

using namespace testing;

TEST_F(AwsTest, APasswordBuysTheAccountsOwnKeys) {
  auto answer = ControlTest::send("POST", "/api/v1/aws/keys", "ann", R"({"seconds":900})");
  ASSERT_EQ(answer.status, 201) << answer.body;
  identity::SessionKeys keys{.access_key_id = std::string(answer.json["access_key_id"].text()),
                             .secret = std::string(answer.json["secret_access_key"].text()),
                             .session_token = std::string(answer.json["session_token"].text()),
                             .issued = {},
                             .expires = {}};
  EXPECT_EQ(answer.json["expires"].text(), "2026-11-20T12:15:00Z");
  EXPECT_EQ(element(ask_sts(keys, kWhoAmI), "Arn"), "arn:aws:iam::123456789012:user/ann");
}

TEST_F(AwsTest, ATokenBuysNone) {
  ensure_user("ann");
  auto token = identity_->issue_token(users_.at("ann"))->secret;
  EXPECT_EQ(
      ask({.method = "POST", .target = "/api/v1/aws/keys", .body = "{}", .authorization = "Bearer " + token}).status,
      403);
  EXPECT_EQ(ControlTest::send("POST", "/api/v1/aws/keys", "ann", R"({"seconds":899})").status, 400);
  EXPECT_EQ(ControlTest::send("POST", "/api/v1/aws/keys", "ann", R"({"seconds":"x"})").status, 400);
}

}  // namespace

}  // namespace pratique::control
