// JSON web tokens (RFC 7515, 7519), with the precautions of RFC 8725: the algorithm is the key's, never the token's
// wish; nothing in the header points to another key; every claim that is asked for has to be there.
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "base/encoding.h"
#include "base/format.h"
#include "base/text.h"
#include "signin/key_set.h"

namespace pratique::signin {

namespace {

// Providers put groups in; browsers stop at some 8 KiB.
constexpr std::size_t kTokenBytesMax = 16 << 10;
constexpr JsonLimits kLimits{.bytes_max = kTokenBytesMax, .depth_max = 8, .values_max = 2'000};
constexpr std::size_t kEs256Bytes = 64;

struct Parts {
  std::string_view signed_text;  // header and claims as they were signed
  Json header;
  Json claims;
  std::string signature;
};

Result<Json> object_in(std::string_view encoded, std::string_view what) {
  auto text = from_base64url(encoded);
  auto json = text.ok() ? parse_json(*text, kLimits) : Result<Json>(text.error());
  if (!json.ok() || !json->is_object()) return denied(format("the token's {} is not readable", what));
  return json;
}

Result<Parts> take_apart(std::string_view token) {
  if (token.size() > kTokenBytesMax) return denied("the token is too long");
  auto pieces = split(token, '.');
  if (pieces.size() != 3) return denied("this is no signed token");
  auto signature = from_base64url(pieces[2]);
  if (!signature.ok() || signature->empty()) return denied("the token is not signed");
  Parts parts{.signed_text = token.substr(0, token.rfind('.')), .signature = std::move(*signature)};
  parts.header = TRY(object_in(pieces[0], "header"));
  parts.claims = TRY(object_in(pieces[1], "content"));
  return parts;
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// RFC 7518 section 3.4 has r and s side by side, OpenSSL wants them in DER. "" for anything else.
std::string der_of(std::string_view raw) {
  if (raw.size() != kEs256Bytes) return "";
  struct FreeSignature {
    void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
  };
  std::unique_ptr<ECDSA_SIG, FreeSignature> signature(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(bytes_of(raw), kEs256Bytes / 2, nullptr);
  BIGNUM* s = BN_bin2bn(bytes_of(raw.substr(kEs256Bytes / 2)), kEs256Bytes / 2, nullptr);
  if (!signature || ECDSA_SIG_set0(signature.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return "";
  }
  int length = i2d_ECDSA_SIG(signature.get(), nullptr);
  std::string der(static_cast<std::size_t>(std::max(length, 0)), '\0');
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  i2d_ECDSA_SIG(signature.get(), &out);
  return der;
}

bool is_signed_by(const PublicKey& key, const Parts& parts) {
  std::string signature = key.algorithm == "ES256" ? der_of(parts.signature) : parts.signature;
  struct FreeContext {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  const EVP_MD* digest = key.algorithm == "EdDSA" ? nullptr : EVP_sha256();
  return !signature.empty() && context &&
         EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key.key.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(parts.signed_text),
                          parts.signed_text.size()) == 1;
}

Status check_signature(const Parts& parts, const KeySet& keys) {
  // RFC 7515 section 4.1.11: extensions that have to be understood; we understand none.
  if (parts.header.has("crit")) return denied("the token asks for extensions that are not known here");
  if (parts.header.has("kid") && !parts.header["kid"].is_string()) return denied("the token's key id is no text");
  const PublicKey* key = keys.impl().find(parts.header["kid"].text());
  if (!key) return not_found("the token is signed with a key that its provider does not list");
  if (parts.header["alg"].text() != key->algorithm)
    return denied(format("the token says it is signed with \"{}\", its key is for {}",
                         printable(parts.header["alg"].text(), 20), key->algorithm));
  if (!is_signed_by(*key, parts)) return denied("the token's signature is wrong");
  return {};
}

bool names_audience(const Json& claims, const std::string& audience) {
  const Json& named = claims["aud"];
  if (named.is_string()) return named.text() == audience;
  bool is_named = false;
  for (const auto& one : named.items()) is_named = is_named || (one.is_string() && one.text() == audience);
  // OpenID Connect Core section 3.1.3.7: a token for several parties says which of them asked for it.
  return is_named && (named.size() == 1 || claims["azp"].text() == audience);
}

// A NumericDate may have a fraction. nullopt: not there, or no number that is a time.
std::optional<Time> time_claim(const Json& claims, std::string_view name) {
  constexpr double kSecondsMax = 1e11;
  auto value = claims[name].as_double();
  if (!value || !(*value >= 0) || *value > kSecondsMax) return std::nullopt;
  return Time::from_unix_micros(static_cast<std::int64_t>(*value * 1e6));
}

Status check_claims(const Json& claims, const Expected& expected) {
  if (expected.issuer.empty() || claims["iss"].text() != expected.issuer)
    return denied(format("the token is from \"{}\", not from {}", printable(claims["iss"].text()), expected.issuer));
  if (expected.audience.empty() || !names_audience(claims, expected.audience))
    return denied("the token is meant for somebody else");
  auto ends = time_claim(claims, "exp");
  if (!ends || expected.now >= *ends + kClockSkew) return denied("the token has expired");
  for (std::string_view name : {"nbf", "iat"}) {
    if (!claims.has(name)) continue;
    auto begins = time_claim(claims, name);
    if (!begins || expected.now + kClockSkew < *begins) return denied("the token is not valid yet");
  }
  if (expected.nonce && claims["nonce"].text() != *expected.nonce)
    return denied("the token does not answer this sign-in");
  if (claims["sub"].text().empty()) return denied("the token names nobody");
  return {};
}

}  // namespace

Result<Json> verify_token(std::string_view token, const KeySet& keys, const Expected& expected) {
  Parts parts = TRY(take_apart(token));
  TRY(check_signature(parts, keys));
  TRY(check_claims(parts.claims, expected));
  return std::move(parts.claims);
}

}  // namespace pratique::signin
