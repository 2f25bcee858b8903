#include <gmock/gmock.h>

#include "aws/aws.h"
#include "base/format.h"

namespace pratique::aws {

namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::variant<StsRequest, Refusal> parse(std::string_view text) {
  auto form = Form::parse(text);
  if (!form.ok()) return Refusal{Reason::Invalid, form.error().message()};
  return parse_sts(*form);
}
std::string code(std::string_view text) {
  auto parsed = parse(text);
  auto* refusal = std::get_if<Refusal>(&parsed);
  return refusal ? fault_of(Service::Sts, *refusal).code : std::string(action_of(std::get<StsRequest>(parsed)));
}
constexpr std::string_view kRole = "&RoleArn=arn:aws:iam::123456789012:role/ann-ECRUploadRole&RoleSessionName=ann";
std::string assume(std::string_view more) {
  return format("Action=AssumeRole&Version=2011-06-15{}", more);
}

TEST(Sts, ReadsTheThreeActions) {
  EXPECT_EQ(code("Action=GetCallerIdentity&Version=2011-06-15"), "GetCallerIdentity");
  EXPECT_EQ(code("Action=GetSessionToken&Version=2011-06-15&DurationSeconds=900"), "GetSessionToken");
  auto parsed = parse(assume(std::string(kRole) + "&DurationSeconds=43200"));
  const auto& role = std::get<AssumeRole>(std::get<StsRequest>(parsed));
  EXPECT_EQ(role.role.role, "ann-ECRUploadRole");
  EXPECT_EQ(role.role.account, "123456789012");
  EXPECT_EQ(role.lifetime, seconds(43'200));
}

TEST(Sts, RefusesTheRest) {
  const std::pair<std::string, std::string_view> rows[] = {
      {"", "InvalidAction"},
      {"Action=&Version=2011-06-15", "InvalidAction"},
      {"Action=GetCallerIdentity", "InvalidAction"},
      {"Action=GetCallerIdentity&Version=2011-06-16", "InvalidAction"},
      {"Action=getcalleridentity&Version=2011-06-15", "InvalidAction"},
      {"Action=AssumeRoleWithSAML&Version=2011-06-15", "AccessDenied"},
      {"Action=GetSessionToken&Version=2011-06-15&DurationSeconds=899", "ValidationError"},
      {"Action=GetSessionToken&Version=2011-06-15&DurationSeconds=129601", "ValidationError"},
      {"Action=GetSessionToken&Version=2011-06-15&DurationSeconds=1e3", "ValidationError"},
      {"Action=GetSessionToken&Version=2011-06-15&TokenCode=123456", "ValidationError"},
      {"Action=GetCallerIdentity&Version=2011-06-15&Action=AssumeRole", "ValidationError"},
      {"Action=GetCallerIdentity&Version=2011-06-15&%41ction=AssumeRole", "ValidationError"},
      {"Action=GetCallerIdentity&=2011", "ValidationError"},
      {"Action=%FF&Version=2011-06-15", "ValidationError"},
      {"Action=%4&Version=2011-06-15", "ValidationError"},
      {assume(""), "ValidationError"},
      {assume("&RoleArn=arn:aws:iam::12345678901:role/x&RoleSessionName=ann"), "ValidationError"},
      {assume("&RoleArn=arn:aws:iam::123456789012:user/x&RoleSessionName=ann"), "ValidationError"},
      {assume("&RoleArn=arn:aws:iam::123456789012:role/&RoleSessionName=ann"), "ValidationError"},
      {assume("&RoleArn=arn:aws:iam::123456789012:role/a/b&RoleSessionName=ann"), "ValidationError"},
      {assume("&RoleArn=arn:aws:iam::123456789012:role/x&RoleSessionName=a"), "ValidationError"},
      {assume("&RoleArn=arn:aws:iam::123456789012:role/x&RoleSessionName=a%0Ab"), "ValidationError"},
      {assume(std::string(kRole) + "&DurationSeconds=43201"), "ValidationError"},
      {assume(std::string(kRole) + "&Policy=%7B%7D"), "ValidationError"},
      {assume(std::string(kRole) + "&PolicyArns.member.1.arn=x"), "ValidationError"}};
  for (const auto& [text, expected] : rows) EXPECT_EQ(code(text), expected) << text;
}

TEST(Sts, TooManyFieldsAreRefused) {
  std::string text = "Action=GetCallerIdentity";
  for (int i = 0; i < 200; ++i) text += format("&f{}=1", i);
  EXPECT_EQ(code(text), "ValidationError");
}

TEST(StsAnswers, AreTheServicesDocuments) {
  EXPECT_EQ(sts_answer(CallerIdentity{"arn:x", "AROA:ann", "123456789012"}, "r-1"),
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>"
            "<Arn>arn:x</Arn><UserId>AROA:ann</UserId><Account>123456789012</Account></GetCallerIdentityResult>"
            "<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>\n");
  Credentials keys{"ASIA1", "secret", "token", *Time::parse("2026-11-20T13:21:09Z")};
  EXPECT_THAT(sts_answer(keys, "r"), HasSubstr("<GetSessionTokenResult><Credentials><AccessKeyId>ASIA1</AccessKeyId>"));
  EXPECT_THAT(sts_answer(keys, "r"), HasSubstr("<Expiration>2026-11-20T13:21:09Z</Expiration>"));
  EXPECT_THAT(sts_answer(keys, "AROA:x", "arn:y", "r"),
              HasSubstr("<AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId><Arn>arn:y</Arn></AssumedRoleUser>"));
}

TEST(StsAnswers, ErrorsSayWhoseTheyAre) {
  EXPECT_THAT(sts_error({"ExpiredToken", "it is over", 403}, "r"),
              HasSubstr("<Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>it is over</Message></Error>"));
  EXPECT_THAT(sts_error({"InternalFailure", "x", 500}, "r"), HasSubstr("<Type>Receiver</Type>"));
}

TEST(StsAnswers, NothingInATextBecomesMarkup) {
  auto text = sts_error({"A", "</Message><Code>\"&'\x01\xFF\r", 400}, "r");
  EXPECT_THAT(text, Not(HasSubstr("</Message><Code>\"")));
  EXPECT_THAT(xml_escape("a<b>&\"\x02"), "a&lt;b&gt;&amp;&quot;\xEF\xBF\xBD");
  EXPECT_THAT(xml_escape("\xEF\xBF\xBE"), "\xEF\xBF\xBD");
  EXPECT_THAT(xml_escape("é\n"), "é\n");
}

}  // namespace

}  // namespace pratique::aws
