#include <gtest/gtest.h>

#include "base/format.h"
#include "base/hash.h"
#include "base/text.h"
#include "signin/signin.h"
#include "signin/test_signer.h"

namespace pratique::signin {
namespace {

const Time kNow = *Time::parse("2026-11-20T12:00:00Z");

Json claims() {
  return Json::object({{"iss", "https://id.example.org"},
                       {"sub", "248289761001"},
                       {"aud", "pratique"},
                       {"exp", kNow.unix_seconds() + 300},
                       {"iat", kNow.unix_seconds()},
                       {"nonce", "n-0S6_WzA2Mj"}});
}
Json claims_with(std::string_view name, Json value) {
  Json changed = claims();
  changed.set(name, std::move(value));
  return changed;
}
Json claims_without(std::string_view name) {
  Json kept = Json::object();
  const Json all = claims();
  for (const auto& [key, value] : all.members())
    if (key != name) kept.set(key, value);
  return kept;
}

class VerifyToken : public testing::Test {
 protected:
  static const Signer& rsa() {
    static const Signer made("rsa", "RS256");
    return made;
  }
  static const Signer& ec() {
    static const Signer made("ec", "ES256");
    return made;
  }
  static const Signer& ed() {
    static const Signer made("ed", "EdDSA");
    return made;
  }
  static KeySet keys() {
    Json set = Json::object({{"keys", Json::array({rsa().published(), ec().published(), ed().published()})}});
    return KeySet::parse(set.dump()).value();
  }
  static Result<Json> verify(std::string_view token, Time now = kNow) {
    return verify_token(
        token, keys(),
        {.issuer = "https://id.example.org", .audience = "pratique", .nonce = "n-0S6_WzA2Mj", .now = now});
  }
  static bool takes(const Json& content, Time now = kNow) { return verify(ed().token(content), now).ok(); }
};

TEST_F(VerifyToken, TakesWhatEachKindOfKeySigned) {
  EXPECT_EQ(keys().size(), 3u);
  for (const Signer* signer : {&rsa(), &ec(), &ed()}) {
    auto verified = verify(signer->token(claims()));
    ASSERT_TRUE(verified.ok()) << signer->algorithm << verified.error().message();
    EXPECT_EQ((*verified)["sub"].text(), "248289761001");
  }
}

TEST_F(VerifyToken, RefusesAChangedToken) {
  for (const Signer* signer : {&rsa(), &ec(), &ed()}) {
    std::string token = signer->token(claims());
    auto pieces = split(token, '.');
    std::string forged = format("{}.{}.{}", pieces[0], encoded(claims_with("sub", "admin").dump()), pieces[2]);
    EXPECT_EQ(verify(forged).error().kind(), ErrorKind::Denied);
    EXPECT_FALSE(verify(token.substr(0, token.size() - 4)).ok());
  }
}

TEST_F(VerifyToken, RefusesEveryAlgorithmButTheKeysOwn) {
  for (const char* algorithm : {"none", "None", "HS256", "RS512", "ES256", "PS256", "EdDSA ", ""}) {
    Json header = Json::object({{"alg", algorithm}, {"kid", "rsa"}});
    EXPECT_EQ(verify(rsa().token(claims(), header)).error().kind(), ErrorKind::Denied) << algorithm;
  }
  // The old trick: the public key, which everybody has, as the secret of an HMAC.
  std::string text = encoded(R"({"alg":"HS256","kid":"rsa"})") + "." + encoded(claims().dump());
  std::string public_half = rsa().published().dump();
  auto mac = hmac_sha256(as_bytes(public_half), as_bytes(text));
  EXPECT_EQ(verify(text + "." + to_base64url(mac)).error().kind(), ErrorKind::Denied);
  EXPECT_FALSE(verify(encoded(R"({"alg":"none"})") + "." + encoded(claims().dump()) + ".").ok());
}

TEST_F(VerifyToken, TakesKeysFromTheProviderOnly) {
  Signer stranger("rsa", "RS256");
  EXPECT_EQ(verify(stranger.token(claims())).error().kind(), ErrorKind::Denied);
  Json header = Json::object({{"alg", "RS256"}, {"kid", "new"}});
  EXPECT_EQ(verify(stranger.token(claims(), header)).error().kind(), ErrorKind::NotFound);
  header = Json::object({{"alg", "RS256"}, {"jwk", stranger.published()}, {"jku", "https://evil.example"}});
  EXPECT_FALSE(verify(stranger.token(claims(), header)).ok());
  header = Json::object({{"alg", "EdDSA"}, {"kid", "ed"}, {"crit", Json::array({"exp"})}});
  EXPECT_FALSE(verify(ed().token(claims(), header)).ok());
}

TEST_F(VerifyToken, WantsTheRightIssuerAudienceNonceAndSubject) {
  EXPECT_TRUE(takes(claims()));
  EXPECT_TRUE(takes(claims_with("aud", Json::array({"pratique"}))));
  EXPECT_FALSE(takes(claims_with("iss", "https://id.example.org/")));
  EXPECT_FALSE(takes(claims_with("aud", "other")));
  EXPECT_FALSE(takes(claims_with("aud", Json::array({"pratique", "other"}))));
  EXPECT_TRUE(takes(claims_with("aud", Json::array({"pratique", "other"})).set("azp", "pratique")));
  EXPECT_FALSE(takes(claims_with("nonce", "another")));
  EXPECT_FALSE(takes(claims_with("sub", "")));
  EXPECT_FALSE(takes(claims_with("sub", 7)));
  for (const char* name : {"iss", "sub", "aud", "exp", "nonce"}) EXPECT_FALSE(takes(claims_without(name))) << name;
  EXPECT_TRUE(takes(claims_without("iat")));
}

TEST_F(VerifyToken, MindsTheTimeAndHonestClocks) {
  EXPECT_TRUE(takes(claims(), kNow + seconds(359)));
  EXPECT_FALSE(takes(claims(), kNow + seconds(360)));
  EXPECT_TRUE(takes(claims(), kNow - seconds(60)));
  EXPECT_FALSE(takes(claims(), kNow - seconds(61)));
  EXPECT_FALSE(takes(claims_with("nbf", kNow.unix_seconds() + 61)));
  EXPECT_TRUE(takes(claims_with("exp", static_cast<double>(kNow.unix_seconds()) + 0.5)));
  for (const Json& bad : {Json("1900000000"), Json(-1), Json(1e300), Json(true), Json()})
    EXPECT_FALSE(takes(claims_with("exp", bad))) << bad.dump();
}

TEST_F(VerifyToken, RefusesWhatIsNoToken) {
  std::string good = ed().token(claims());
  for (const auto& bad : {std::string(), std::string("..."), std::string("a.b"), good + ".x", good + "=", " " + good,
                          std::string(20'000, 'a'), std::string("e30.e30.e30"), std::string("W10.W10.W10")})
    EXPECT_FALSE(verify(bad).ok()) << bad.substr(0, 40);
}

TEST(ParseKeySet, LeavesOutWhatItDoesNotVerifyWith) {
  auto size = [](std::string_view keys) { return KeySet::parse(format("{{\"keys\":[{}]}}", keys))->size(); };
  const std::string x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
  EXPECT_EQ(size(format(R"({{"kty":"OKP","crv":"Ed25519","x":"{}"}})", x)), 1u);
  EXPECT_EQ(size(format(R"({{"kty":"OKP","crv":"Ed25519","x":"{}","use":"enc"}})", x)), 0u);
  EXPECT_EQ(size(format(R"({{"kty":"OKP","crv":"Ed25519","x":"{}","alg":"ES256"}})", x)), 0u);
  EXPECT_EQ(size(format(R"({{"kty":"OKP","crv":"X25519","x":"{}"}})", x)), 0u);
  EXPECT_EQ(size(format(R"({{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}})", x, x)), 0u) << "not on the curve";
  EXPECT_EQ(size(R"({"kty":"RSA","n":"AQAB","e":"AQAB"})"), 0u) << "too short";
  EXPECT_EQ(size(R"({"kty":"oct","k":"c2VjcmV0"})"), 0u);
  EXPECT_EQ(size("1,null,[]"), 0u);
}

TEST(ParseKeySet, RefusesWhatIsNone) {
  const std::string key =
      R"({"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
  for (const auto& bad : {std::string(), std::string("{}"), std::string("[]"), std::string(R"({"keys":{}})"),
                          format("{{\"keys\":[{},{}]}}", key, key)})
    EXPECT_FALSE(KeySet::parse(bad).ok()) << bad;
}

}  // namespace
}  // namespace pratique::signin
