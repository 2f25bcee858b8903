// Who is let in by a signature, and what STS tells them.
#include "control/aws_guard.h"
#include "control/test_aws.h"

namespace pratique::control {

namespace {

using namespace testing;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(AwsTest, TellsTemporaryKeysWhoTheyAre) {
  auto answer = ask_sts(push_keys("ann"), kWhoAmI);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Content-Type"), "text/xml");
  EXPECT_EQ(element(answer, "Arn"), "arn:aws:sts::123456789012:assumed-role/ann-ECRUploadRole/ann");
  EXPECT_THAT(element(answer, "UserId"), ::testing::MatchesRegex("AROA[A-Z2-7]{17}:ann"));
  EXPECT_EQ(element(answer, "Account"), "123456789012");
  EXPECT_EQ(element(ask_sts(own_keys("ann"), kWhoAmI), "Arn"), "arn:aws:iam::123456789012:user/ann");
}

TEST_F(AwsTest, TheGlobalRegionIsGoodForStsAlone) {
  auto keys = push_keys("ann");
  EXPECT_EQ(word(ask_sts(keys, kWhoAmI, {.region = "us-east-1"})), "ok");
  EXPECT_EQ(word(ask_ecr(keys, "GetAuthorizationToken", "{}", {.region = "us-east-1"})), "InvalidSignatureException");
  EXPECT_EQ(word(ask_sts(keys, kWhoAmI, {.region = "us-west-1"})), "SignatureDoesNotMatch");
}

TEST_F(AwsTest, TheHostIsTheOneThatWasReceived) {
  auto keys = push_keys("ann");
  EXPECT_EQ(word(ask_sts(keys, kWhoAmI, {.host = "sts.amazonaws.com"})), "ok");
  auto request = sts(keys, kWhoAmI);
  request.headers.set("Host", "other.example.org");
  request.host = "other.example.org";
  EXPECT_EQ(word(send(request, kWhoAmI)), "SignatureDoesNotMatch");
}

TEST_F(AwsTest, ASignatureForOneServiceIsNoneForAnother) {
  auto keys = push_keys("ann");
  EXPECT_EQ(word(ask_sts(keys, kWhoAmI, {.service = "ecr"})), "SignatureDoesNotMatch");
  EXPECT_EQ(word(ask_ecr(keys, "GetAuthorizationToken", "{}", {.service = "sts"})), "InvalidSignatureException");
}

TEST_F(AwsTest, RefusesStrangersInTheirProtocolsWords) {
  auto unknown = push_keys("ann");
  unknown.access_key_id = "ASIAAAAAAAAAAAAAAAAA";
  EXPECT_EQ(word(ask_sts(unknown, kWhoAmI)), "InvalidClientTokenId");
  EXPECT_EQ(word(ask_ecr(unknown, "GetAuthorizationToken")), "UnrecognizedClientException");
  auto other_token = push_keys("ann");
  other_token.session_token = push_keys("sam").session_token;
  EXPECT_EQ(word(ask_sts(other_token, kWhoAmI)), "InvalidClientTokenId");
  auto no_token = push_keys("ann");
  no_token.session_token = "";
  EXPECT_EQ(word(ask_sts(no_token, kWhoAmI)), "InvalidClientTokenId");
  auto guess = push_keys("ann");
  guess.secret[0] = guess.secret[0] == 'A' ? 'B' : 'A';
  EXPECT_EQ(word(ask_sts(guess, kWhoAmI)), "SignatureDoesNotMatch");
  EXPECT_EQ(word(ask_ecr(guess, "GetAuthorizationToken")), "InvalidSignatureException");
}

TEST_F(AwsTest, NothingSignedIsAMissingToken) {
  auto request = sts(push_keys("ann"), kWhoAmI);
  http::Headers bare;
  bare.add("Host", "gate.example.org");
  bare.add("Content-Type", "application/x-www-form-urlencoded");
  request.headers = bare;
  EXPECT_EQ(word(send(request, kWhoAmI)), "MissingAuthenticationToken");
  request.headers.set("Authorization", "Basic " + to_base64(as_bytes(format("ann:{}", kPassword))));
  EXPECT_EQ(word(send(request, kWhoAmI)), "MissingAuthenticationToken");
}

TEST_F(AwsTest, ABodyThatWasNotSignedIsRefused) {
  auto keys = push_keys("ann");
  EXPECT_EQ(word(send(sts(keys, kWhoAmI), "Action=GetSessionToken&Version=2011-06-15")), "SignatureDoesNotMatch");
  EXPECT_EQ(word(send(ecr(keys, "PutImage", "{}"), R"({"repositoryName":"staging/ann"})")),
            "InvalidSignatureException");
}

TEST_F(AwsTest, TheLastSecondIsGoodAndTheNextIsNot) {
  auto keys = push_keys("ann");
  clock_.advance(seconds(3599));
  EXPECT_EQ(word(ask_sts(keys, kWhoAmI)), "ok");
  EXPECT_EQ(word(ask_ecr(keys, "GetAuthorizationToken")), "ok");
  clock_.advance(seconds(2));
  auto answer = ask_sts(keys, kWhoAmI);
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(word(answer), "ExpiredToken");
  EXPECT_EQ(words(answer), "The security token included in the request is expired");
  EXPECT_EQ(word(ask_ecr(keys, "GetAuthorizationToken")), "ExpiredTokenException");
}

TEST_F(AwsTest, EndedKeysEndEveryOperation) {
  auto expired = push_keys("ann", seconds(900)), revoked = push_keys("ann");
  clock_.advance(seconds(901));
  ASSERT_TRUE(identity_->revoke_session(revoked.access_key_id, "bea", "lost").ok());
  for (auto operation : {"GetAuthorizationToken", "DescribeRepositories", "DescribeImages", "ListImages",
                         "BatchGetImage", "BatchDeleteImage", "StartImageScan", "DescribeImageScanFindings",
                         "BatchCheckLayerAvailability", "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload",
                         "PutImage", "CreateRepository", "SetRepositoryPolicy"}) {
    EXPECT_EQ(word(ask_ecr(expired, operation)), "ExpiredTokenException") << operation;
    auto answer = ask_ecr(revoked, operation);
    EXPECT_TRUE(word(answer) == "UnrecognizedClientException" || word(answer) == "ThrottlingException") << operation;
    clock_.advance(minutes(2));
  }
  for (std::string action : {"GetCallerIdentity", "GetSessionToken", "AssumeRole"})
    EXPECT_EQ(word(ask_sts(expired, format("Action={}&Version=2011-06-15", action))), "ExpiredToken");
}

TEST_F(AwsTest, ARequestThatWasOverheardIsWorthNothingElsewhere) {
  auto request = sts(push_keys("ann"), kWhoAmI);
  EXPECT_EQ(word(send(request, kWhoAmI)), "ok");
  EXPECT_EQ(word(send(request, kWhoAmI)), "ok");  // the same command twice within a second
  request.peer = "198.51.100.9";
  auto answer = send(request, kWhoAmI);
  EXPECT_EQ(word(answer), "SignatureDoesNotMatch");
  EXPECT_THAT(words(answer), HasSubstr("from another address"));
}

TEST_F(AwsTest, AReplayAfterTheWindowIsRefused) {
  auto request = sts(push_keys("ann"), kWhoAmI);
  clock_.advance(seconds(301));
  auto answer = send(request, kWhoAmI);
  EXPECT_EQ(word(answer), "SignatureDoesNotMatch");
  EXPECT_THAT(words(answer), StartsWith("Signature expired: 20261120T120000Z is now earlier than"));
}

TEST_F(AwsTest, WhoeverFailsOftenIsToldToWaitAndNobodyElseIs) {
  auto good = push_keys("ann"), bad = good;
  bad.secret = std::string(40, 'x');
  std::string last;
  for (int i = 0; i <= AwsGuard::kFailuresMax; ++i) last = word(ask_sts(bad, kWhoAmI));
  EXPECT_EQ(last, "Throttling");
  EXPECT_EQ(ask_sts(bad, kWhoAmI).header("Retry-After"), "60");
  // The owner of that key is not locked out: not from elsewhere, and not behind the same address.
  EXPECT_EQ(word(ask_sts(good, kWhoAmI, {.peer = "198.51.100.9"})), "ok");
  clock_.advance(seconds(1));
  EXPECT_EQ(word(ask_sts(good, kWhoAmI)), "ok");
  clock_.advance(seconds(61));
  EXPECT_EQ(word(ask_sts(bad, kWhoAmI)), "SignatureDoesNotMatch");
}

TEST_F(AwsTest, ParametersInTwoPlacesOrTwiceAreRefused) {
  auto keys = push_keys("ann");
  EXPECT_EQ(word(ask_sts(keys, std::string(kWhoAmI) + "&Action=AssumeRole")), "ValidationError");
  auto request = sts(keys, kWhoAmI);
  request.target = "/?Action=AssumeRole";
  EXPECT_EQ(word(send(request, kWhoAmI)), "ValidationError");
  auto twice = ecr(keys, "GetAuthorizationToken", "{}");
  twice.headers.add("X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921.PutImage");
  EXPECT_EQ(word(send(twice, "{}")), "InvalidParameterException");
}

TEST_F(AwsTest, OversizedBodiesAreRefusedBeforeTheyAreHashed) {
  auto keys = push_keys("ann");
  EXPECT_EQ(word(ask_sts(keys, std::string(65 << 10, 'a'))), "ValidationError");
  EXPECT_EQ(word(ask_ecr(keys, "DescribeImages", std::string((1 << 20) + 1, ' '))), "InvalidParameterException");
}

TEST_F(AwsTest, UnknownOperationsAreSaidToBe) {
  auto keys = push_keys("ann");
  EXPECT_EQ(word(ask_ecr(keys, "MakeTea")), "UnknownOperationException");
  EXPECT_EQ(word(ask_sts(keys, "Action=MakeTea&Version=2011-06-15")), "InvalidAction");
  auto request = ecr(keys, "GetAuthorizationToken", "{}");
  request.headers.set("Content-Type", "text/plain");
  EXPECT_EQ(word(send(request, "{}")), "UnknownOperationException");
}

TEST_F(AwsTest, NothingOfARequestBecomesMarkupInTheAnswer) {
  auto answer = ask_sts(push_keys("ann"), "Action=%3C%2FMessage%3E%3CCode%3EX&Version=%0d%0aSet-Cookie:x");
  EXPECT_EQ(word(answer), "InvalidAction");
  EXPECT_THAT(answer.body, Not(HasSubstr("</Message><Code>X")));
}

TEST_F(AwsTest, OtherPagesAreNotHere) {
  EXPECT_EQ(ask({.target = "/"}).status, 404);
  EXPECT_EQ(ask({.method = "POST", .target = "/", .body = "{}"}).status, 404);
}

constexpr std::string_view kAssumeAnn =
    "Action=AssumeRole&Version=2011-06-15&RoleSessionName=ann&DurationSeconds=3600&RoleArn=arn:aws:iam::123456789012:"
    "role/ann-ECRUploadRole";

identity::SessionKeys keys_in(const Answer& answer, const std::function<std::string(const Answer&, std::string)>& of) {
  return {.access_key_id = of(answer, "AccessKeyId"),
          .secret = of(answer, "SecretAccessKey"),
          .session_token = of(answer, "SessionToken"),
          .issued = {},
          .expires = {}};
}

TEST_F(AwsTest, StaffAssumeAUsersUploadRole) {
  ensure_user("ann");
  auto answer = ask_sts(own_keys("bea"), kAssumeAnn);
  ASSERT_EQ(word(answer), "ok") << answer.body;
  EXPECT_EQ(element(answer, "Arn"), "arn:aws:sts::123456789012:assumed-role/ann-ECRUploadRole/ann");
  EXPECT_EQ(element(answer, "Expiration"), "2026-11-20T13:00:00Z");
  auto keys = keys_in(answer, [](const Answer& a, const std::string& name) { return element(a, name); });
  EXPECT_EQ(keys.access_key_id.size(), 20u);
  EXPECT_EQ(keys.secret.size(), 40u);
  EXPECT_EQ(identity_->find_session(keys.access_key_id)->value().repository, "staging/ann");
  EXPECT_EQ(word(ask_ecr(keys, "GetAuthorizationToken")), "ok");
}

TEST_F(AwsTest, NobodyElseAssumesARole) {
  ensure_user("ann");
  EXPECT_EQ(word(ask_sts(own_keys("sam"), kAssumeAnn)), "AccessDenied");
  EXPECT_EQ(word(ask_sts(own_keys("ann"), kAssumeAnn)), "AccessDenied");
  EXPECT_EQ(word(ask_sts(push_keys("bea"), kAssumeAnn)), "AccessDenied");
  EXPECT_EQ(word(ask_sts(own_keys("bea"), replace_all(kAssumeAnn, "ann-ECR", "bea-ECR"))), "AccessDenied");
  EXPECT_EQ(word(ask_sts(own_keys("bea"), replace_all(kAssumeAnn, "ann-ECR", "nobody-ECR"))), "AccessDenied");
  EXPECT_EQ(word(ask_sts(own_keys("bea"), replace_all(kAssumeAnn, "ECRUpload", "Admin"))), "AccessDenied");
  EXPECT_EQ(word(ask_sts(own_keys("bea"), replace_all(kAssumeAnn, "123456789012", "123456789013"))), "AccessDenied");
}

constexpr std::string_view kToken = "Action=GetSessionToken&Version=2011-06-15";

TEST_F(AwsTest, ASessionBuysNoneThatOutlivesIt) {
  auto keys = own_keys("ann");
  auto answer = ask_sts(keys, kToken);
  ASSERT_EQ(word(answer), "ok") << answer.body;
  EXPECT_EQ(element(answer, "Expiration"), "2026-11-20T13:00:00Z");
  clock_.advance(seconds(3600 - 899));
  EXPECT_EQ(word(ask_sts(keys, kToken)), "AccessDenied");
  EXPECT_EQ(word(ask_sts(push_keys("ann"), kToken)), "AccessDenied");
}

TEST_F(AwsTest, UsesAndRefusalsOfKnownKeysAreInTheJournal) {
  auto keys = push_keys("ann");
  identity_->on_session([this](db::Transaction& tx, const identity::SessionChange& change) {
    return journal_->append(tx, change.actor.empty() ? "?" : change.actor, change.event, change.access_key_id,
                            Json::object({{"address", change.address}, {"reason", change.reason}}));
  });
  ask_sts(keys, kWhoAmI);
  auto bad = keys;
  bad.secret = std::string(40, 'x');
  ask_sts(bad, kWhoAmI);
  auto entries = journal_->read(0, 1'000).value();
  auto& used = entries.at(entries.size() - 2);
  EXPECT_EQ(used.event, "session-used");
  EXPECT_EQ(used.details["reason"].text(), "sts:GetCallerIdentity");
  EXPECT_EQ(used.details["address"].text(), "192.0.2.1");
  EXPECT_EQ(entries.back().event, "session-refused");
  EXPECT_EQ(entries.back().details["reason"].text(), "SignatureDoesNotMatch");
}

}  // namespace

}  // namespace pratique::control
