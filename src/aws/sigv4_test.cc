#include <gmock/gmock.h>

#include "aws/test_request.h"
#include "base/format.h"
#include "base/text.h"

namespace pratique::aws {

namespace {

using namespace testing;
using ::testing::EndsWith;
using ::testing::HasSubstr;

Signature read(const http::Request& request) {
  auto parsed = read_signature(request);
  if (auto* refusal = std::get_if<Refusal>(&parsed)) {
    ADD_FAILURE() << refusal->message;
    return {};
  }
  return std::get<Signature>(parsed);
}

// Recomputed elsewhere and equal to what the real command line sent.
TEST(SigV4Vectors, SignsGetCallerIdentityAsTheCommandLineDoes) {
  auto request = signed_identity();
  auto signature = read(request);
  EXPECT_EQ(sha256_hex(canonical_request(signature, request, kHost, kIdentityBody)),
            "3dccbe0381b8d8bda30135bde48f002ca2710fb05e62c2757eae3db7d9acadca");
  EXPECT_EQ(signature.signature, "7437d9da2ee6daeb26f4801db1df897a8abe347b0b825298602b24554660778a");
  EXPECT_EQ(verdict(judge(request)), "ok");
}

TEST(SigV4Vectors, SignsGetAuthorizationTokenAsTheCommandLineDoes) {
  auto request = post(kJsonType);
  request.headers.add("X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken");
  sign(request, "{}", kEcrCredentials, kNow);
  auto signature = read(request);
  EXPECT_EQ(sha256_hex(canonical_request(signature, request, kHost, "{}")),
            "59641f8651ac89a0bbdafb6ea7a09098386d52d2c6416cf8264e4cba8f7ac991");
  EXPECT_EQ(signature.signature, "94fc7459b8dea7dafb63ad7cdc4e74719c9915955b59cc9e9852f9ab6d882a9d");
  EXPECT_EQ(verdict(judge(request, "{}")), "ok");
}

// Captured from aws-cli 2.9.19 with long-lived keys.
struct Capture {
  std::string_view content_type, target, date, service, headers, signature, body;
};
constexpr Capture kCaptures[] = {{kFormType, "", "20261120T134049Z", "sts", "content-type;host;x-amz-date",
                                  "39548ac7d72729ae9b98cb25d748807af1e0ee452ca3f3ad7dfaf27248f449d0", kIdentityBody},
                                 {kJsonType, "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
                                  "20261120T134051Z", "ecr", "content-type;host;x-amz-date;x-amz-target",
                                  "3faecce028e27fac2d6a72657e4ef6bb5404d778eb10e1b3d6539b7ecbaf7e01", "{}"}};

http::Request replayed(const Capture& capture) {
  http::Request request;
  request.method = "POST";
  request.target = request.path = "/";
  request.headers.add("Host", "127.0.0.1:4566");
  request.headers.add("Content-Type", std::string(capture.content_type));
  if (!capture.target.empty()) request.headers.add("X-Amz-Target", std::string(capture.target));
  request.headers.add("X-Amz-Date", std::string(capture.date));
  request.headers.add("Authorization",
                      format("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE00000000/20261120/us-east-1/{}/aws4_request, "
                             "SignedHeaders={}, Signature={}",
                             capture.service, capture.headers, capture.signature));
  return request;
}

TEST(SigV4Vectors, VerifiesWhatTheCommandLineSent) {
  for (const auto& capture : kCaptures)
    EXPECT_EQ(verdict(judge(replayed(capture), capture.body, *Time::parse("2026-11-20T13:41:00Z"),
                            "secretkeysecretkeysecretkeysecretkeysecr", "127.0.0.1:4566")),
              "ok");
}

TEST(SigV4, RefusesAnotherSecretHostOrBody) {
  EXPECT_EQ(verdict(judge(signed_identity(), kIdentityBody, kNow, "sl")), "SignatureDoesNotMatch");
  EXPECT_EQ(verdict(judge(signed_identity(), kIdentityBody, kNow, "sk", "127.0.0.1")), "SignatureDoesNotMatch");
  EXPECT_EQ(verdict(judge(signed_identity(), "Action=AssumeRole")), "SignatureDoesNotMatch");
  EXPECT_EQ(verdict(judge(signed_identity(), "")), "SignatureDoesNotMatch");
}

TEST(SigV4, RefusesAnyChangeOfWhatIsSigned) {
  const std::pair<std::string_view, std::string_view> changes[] = {
      {"Content-Type", "application/json"}, {"X-Amz-Security-Token", "tak"}, {"X-Amz-Date", "20261120T132110Z"}};
  for (auto [name, value] : changes) {
    auto request = signed_identity();
    request.headers.set(std::string(name), std::string(value));
    EXPECT_EQ(verdict(judge(request)), "SignatureDoesNotMatch") << name;
  }
  auto request = signed_identity();
  request.method = "GET";
  EXPECT_EQ(verdict(judge(request)), "SignatureDoesNotMatch");
  request = signed_identity();
  request.target = "/?Action=AssumeRole";
  EXPECT_EQ(verdict(judge(request)), "SignatureDoesNotMatch");
}

TEST(SigV4, HeaderNamesIgnoreCaseAndValuesIgnoreSpacing) {
  auto request = signed_identity();
  http::Headers respelt;
  for (const auto& [name, value] : request.headers.lines())
    respelt.add(to_lower(name), name == "Content-Type" ? "  " + replace_all(value, " ", "   ") + " " : value);
  request.headers = respelt;
  EXPECT_EQ(verdict(judge(request)), "ok");
}

TEST(SigV4, AnUnsignedHeaderThatIsNotAmazonsIsIgnored) {
  auto request = signed_identity();
  request.headers.add("amz-sdk-invocation-id", "1");
  EXPECT_EQ(verdict(judge(request)), "ok");
}

TEST(SigV4, AWindowOfFiveMinutesEitherWay) {
  EXPECT_EQ(verdict(judge(signed_identity(), kIdentityBody, kNow + seconds(300))), "ok");
  EXPECT_EQ(verdict(judge(signed_identity(), kIdentityBody, kNow - seconds(300))), "ok");
  auto late = judge(signed_identity(), kIdentityBody, kNow + seconds(301));
  EXPECT_EQ(verdict(late), "SignatureDoesNotMatch");
  EXPECT_EQ(late->message,
            "Signature expired: 20261120T132109Z is now earlier than 20261120T132110Z (20261120T132610Z - 5 min.)");
  auto early = judge(signed_identity(), kIdentityBody, kNow - seconds(301));
  EXPECT_THAT(early->message, HasSubstr("not yet current"));
}

TEST(SigV4, TheClockIsToldOnlyToWhoeverCanSign) {
  auto stranger = judge(signed_identity(), kIdentityBody, kNow + hours(1), "guess");
  EXPECT_THAT(stranger->message, Not(HasSubstr("expired")));
}

TEST(SigV4, APayloadClaimMustBeTrueAndIsNeverUnsigned) {
  for (std::string claim : {"UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "00"}) {
    auto request = post(kFormType);
    request.headers.add("X-Amz-Content-Sha256", claim);
    sign(request, kIdentityBody, kStsCredentials, kNow);
    EXPECT_EQ(verdict(judge(request)), "SignatureDoesNotMatch") << claim;
  }
  auto request = post(kFormType);
  request.headers.add("X-Amz-Content-Sha256", sha256_hex(kIdentityBody));
  sign(request, kIdentityBody, kStsCredentials, kNow);
  EXPECT_EQ(verdict(judge(request)), "ok");
}

TEST(SigV4, PathAndQueryAreEncodedAndSorted) {
  auto request = signed_identity();
  request.target = "/a%20b/c?b=2&a=1&b=%201&c";
  auto text = canonical_request(read(request), request, kHost, "");
  EXPECT_THAT(text, HasSubstr("POST\n/a%2520b/c\na=1&b=%201&b=2&c=\n"));
}

TEST(SigV4, ChecksRegionAndService) {
  auto signature = read(signed_identity());
  EXPECT_EQ(verdict(check_scope(signature, {"us-east-1"}, "sts")), "ok");
  EXPECT_EQ(verdict(check_scope(signature, {"eu-west-2", "us-east-1"}, "sts")), "ok");
  EXPECT_THAT(check_scope(signature, {"eu-west-2"}, "sts")->message, HasSubstr("use --region eu-west-2"));
  EXPECT_THAT(check_scope(signature, {"us-east-1"}, "ecr")->message, EndsWith("correct service: 'ecr'."));
}

struct Header {
  std::string_view what, value, code;
};
constexpr std::string_view kSum = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

TEST(ReadSignature, RefusesMalformedHeaders) {
  const std::string good = "Credential=A/20261120/us-east-1/sts/aws4_request";
  const std::string list = "SignedHeaders=host;x-amz-date", sum = format("Signature={}", kSum);
  const std::pair<std::string, std::string_view> rows[] = {
      {"Basic YTpi", "MissingAuthenticationToken"},
      {"AWS4-HMAC-SHA1 " + good, "MissingAuthenticationToken"},
      {"AWS4-HMAC-SHA256", "MissingAuthenticationToken"},
      {format("AWS4-HMAC-SHA256 {}, {}", good, list), "IncompleteSignature"},
      {format("AWS4-HMAC-SHA256 {}, {}, {}, {}", good, list, sum, good), "IncompleteSignature"},
      {format("AWS4-HMAC-SHA256 {}, {}, {}, Other=1", good, list, sum), "IncompleteSignature"},
      {format("AWS4-HMAC-SHA256 {}, {}, {}", good, list, sum.substr(0, 70)), "IncompleteSignature"},
      {format("AWS4-HMAC-SHA256 {}, {}, Signature={}", good, list, std::string(64, 'F')), "IncompleteSignature"},
      {format("AWS4-HMAC-SHA256 Credential=A/20261120/us-east-1/sts, {}, {}", list, sum), "IncompleteSignature"},
      {format("AWS4-HMAC-SHA256 {}, SignedHeaders=x-amz-date;host, {}", good, sum), "IncompleteSignature"},
      {format("AWS4-HMAC-SHA256 {}, SignedHeaders=host;host, {}", good, sum), "IncompleteSignature"},
      {format("AWS4-HMAC-SHA256 {}, SignedHeaders=Host;x-amz-date, {}", good, sum), "IncompleteSignature"},
      {format("AWS4-HMAC-SHA256 {}, SignedHeaders=x-amz-date, {}", good, sum), "IncompleteSignature"},
      {format("AWS4-HMAC-SHA256 {}, SignedHeaders=host, {}", good, sum), "IncompleteSignature"},
      {format("AWS4-HMAC-SHA256 Credential=A/20261119/us-east-1/sts/aws4_request, {}, {}", list, sum),
       "SignatureDoesNotMatch"},
      {format("AWS4-HMAC-SHA256 {},{},{}", good, list, sum), "SignatureDoesNotMatch"},
      {format("AWS4-HMAC-SHA256 {}, {}, {}", sum, list, good), "SignatureDoesNotMatch"},
      {std::string(5'000, 'a'), "IncompleteSignature"}};
  for (const auto& [header, code] : rows) {
    auto request = post(kFormType);
    request.headers.add("X-Amz-Date", "20261120T132109Z");
    request.headers.add("Authorization", header);
    EXPECT_EQ(verdict(judge(request)), code) << header;
  }
}

TEST(ReadSignature, RefusesWhatIsSentTwice) {
  for (std::string name : {"Authorization", "X-Amz-Date", "X-Amz-Security-Token"}) {
    auto request = signed_identity();
    request.headers.add(name, *request.headers.find(name));
    EXPECT_EQ(verdict(judge(request)), "IncompleteSignature") << name;
  }
}

TEST(ReadSignature, RefusesBadDates) {
  for (std::string date : {"", "20261120", "2026-11-20T13:21:09Z", "20261320T132109Z", "20261120T1321O9Z",
                           "20261120T132109z", "20261120T132109+"}) {
    auto request = signed_identity();
    request.headers.set("X-Amz-Date", date);
    EXPECT_EQ(verdict(judge(request)), "IncompleteSignature") << date;
  }
}

TEST(ReadSignature, RefusesAmazonsHeadersThatAreNotSigned) {
  auto request = signed_identity();
  request.headers.add("X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921.PutImage");
  auto refusal = judge(request);
  EXPECT_EQ(verdict(refusal), "IncompleteSignature");
  EXPECT_THAT(refusal->message, EndsWith("not signed: x-amz-target"));
}

TEST(ReadSignature, NothingSignedIsAMissingToken) {
  EXPECT_EQ(verdict(judge(post(kFormType))), "MissingAuthenticationToken");
}

// As `aws eks get-token` makes it: signed over host, with the rest in the query.
http::Request presigned(std::string_view more = "", std::string_view expires = "60") {
  http::Request request;
  request.method = "GET";
  request.path = "/";
  request.headers.add("Host", std::string(kHost));
  request.target = format(
      "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256"
      "&X-Amz-Credential=ASIAEXAMPLE%2F20261120%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20261120T132109Z"
      "&X-Amz-Expires={}&X-Amz-SignedHeaders=host&X-Amz-Security-Token=tok{}",
      expires, more);
  Signature signature = read([&] {
    auto unsigned_one = request;
    unsigned_one.target += format("&X-Amz-Signature={}", kSum);
    return unsigned_one;
  }());
  auto text = string_to_sign(signature, canonical_request(signature, request, kHost, ""));
  auto key = derive_key("sk", "20261120", "us-east-1", "sts");
  request.target += "&X-Amz-Signature=" + to_hex(hmac_sha256(key, as_bytes(text)));
  return request;
}

TEST(Presigned, IsVerifiedAndEnds) {
  auto signature = read(presigned());
  EXPECT_EQ(signature.session_token, "tok");
  EXPECT_EQ(signature.presigned, seconds(60));
  EXPECT_EQ(verdict(judge(presigned(), "")), "ok");
  EXPECT_EQ(verdict(judge(presigned(), "", kNow + seconds(60))), "ok");
  EXPECT_EQ(verdict(judge(presigned(), "", kNow + seconds(61))), "SignatureDoesNotMatch");
}

TEST(Presigned, RefusesChangesRepetitionsAndTwoKinds) {
  auto changed = presigned();
  changed.target = replace_all(changed.target, "GetCallerIdentity", "GetSessionToken");
  EXPECT_EQ(verdict(judge(changed, "")), "SignatureDoesNotMatch");
  auto twice = presigned();
  twice.target += "&X-Amz-Date=20261120T132109Z";
  EXPECT_EQ(verdict(judge(twice, "")), "IncompleteSignature");
  auto respelt = presigned();
  respelt.target += "&x-amz-security-token=other";
  EXPECT_EQ(verdict(judge(respelt, "")), "IncompleteSignature");
  auto both = presigned();
  both.headers.add("Authorization", "AWS4-HMAC-SHA256 x");
  EXPECT_EQ(verdict(judge(both, "")), "IncompleteSignature");
}

TEST(Presigned, LivesAnHourAtMost) {
  for (std::string_view expires : {"0", "3601", "-1", "x", ""}) {
    auto request = presigned();
    request.target = replace_all(request.target, "Expires=60", format("Expires={}", expires));
    EXPECT_EQ(verdict(judge(request, "")), "IncompleteSignature") << expires;
  }
}

TEST(Refusals, EveryReasonHasWordsInBothProtocols) {
  for (int i = 0; i <= static_cast<int>(Reason::Internal); ++i) {
    Refusal refusal{static_cast<Reason>(i), ""};
    EXPECT_FALSE(fault_of(Service::Sts, refusal).code.empty());
    EXPECT_THAT(fault_of(Service::Ecr, refusal).code, EndsWith("Exception"));
    EXPECT_FALSE(fault_of(Service::Ecr, refusal).message.empty());
  }
}

}  // namespace

}  // namespace pratique::aws
