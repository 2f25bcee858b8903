#include "signin/key_set.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "base/encoding.h"
#include "base/format.h"

namespace pratique::signin {

namespace {

// Providers publish a handful; each may carry a certificate chain.
constexpr JsonLimits kLimits{.bytes_max = 256 << 10, .depth_max = 8, .values_max = 10'000};
constexpr std::size_t kKeysMax = 100;
constexpr int kRsaBitsMin = 2048;  // RFC 7518 section 3.3
constexpr int kRsaBitsMax = 8192;  // beyond, a verification takes long enough to be an attack
constexpr std::size_t kCoordinateBytes = 32;

template <auto Free>
struct FreeWith {
  template <typename T>
  void operator()(T* value) const {
    Free(value);
  }
};
using Number = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, FreeWith<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, FreeWith<OSSL_PARAM_free>>;
using Context = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

const unsigned char* bytes_of(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Key build(const char* type, OSSL_PARAM_BLD* builder) {
  Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
  Context context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) <= 0 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) <= 0)
    return nullptr;
  return Key(key);
}

Key rsa_key(const Json& json) {
  auto modulus = from_base64url(json["n"].text()), exponent = from_base64url(json["e"].text());
  if (!modulus.ok() || !exponent.ok() || modulus->size() > kRsaBitsMax / 8 + 1 || exponent->size() > 8) return nullptr;
  Number n(BN_bin2bn(bytes_of(*modulus), static_cast<int>(modulus->size()), nullptr));
  Number e(BN_bin2bn(bytes_of(*exponent), static_cast<int>(exponent->size()), nullptr));
  Builder builder(OSSL_PARAM_BLD_new());
  if (!n || !e || !builder || BN_num_bits(n.get()) < kRsaBitsMin || BN_num_bits(n.get()) > kRsaBitsMax) return nullptr;
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  return build("RSA", builder.get());
}

Key p256_key(const Json& json) {
  auto x = from_base64url(json["x"].text()), y = from_base64url(json["y"].text());
  if (json["crv"].text() != "P-256" || !x.ok() || !y.ok()) return nullptr;
  if (x->size() != kCoordinateBytes || y->size() != kCoordinateBytes) return nullptr;
  std::string point = "\x04" + *x + *y;  // uncompressed; OpenSSL checks that it is on the curve
  Builder builder(OSSL_PARAM_BLD_new());
  if (!builder) return nullptr;
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  return build("EC", builder.get());
}

Key ed25519_key(const Json& json) {
  auto x = from_base64url(json["x"].text());
  if (json["crv"].text() != "Ed25519" || !x.ok() || x->size() != kCoordinateBytes) return nullptr;
  return Key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(*x), x->size()));
}

// nullopt: of a kind, or for a use, that is not ours.
std::optional<PublicKey> key_of(const Json& json) {
  struct Kind {
    std::string_view type;
    std::string_view algorithm;
    Key (*make)(const Json&);
  };
  constexpr Kind kKinds[] = {{"RSA", "RS256", rsa_key}, {"EC", "ES256", p256_key}, {"OKP", "EdDSA", ed25519_key}};
  if (json.has("use") && json["use"].text() != "sig") return std::nullopt;
  for (const Kind& kind : kKinds) {
    if (json["kty"].text() != kind.type) continue;
    // A key that says what it is for verifies nothing else.
    if (json.has("alg") && json["alg"].text() != kind.algorithm) return std::nullopt;
    Key key = kind.make(json);
    if (!key) return std::nullopt;
    return PublicKey{std::string(json["kid"].text()), std::string(kind.algorithm), std::move(key)};
  }
  return std::nullopt;
}

}  // namespace

KeySet::KeySet(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KeySet::~KeySet() = default;
KeySet::KeySet(KeySet&&) noexcept = default;
KeySet& KeySet::operator=(KeySet&&) noexcept = default;

std::size_t KeySet::size() const {
  return impl_->keys.size();
}

Result<KeySet> KeySet::parse(std::string_view text) {
  auto json = TRY(parse_json(text, kLimits).with_context("reading the provider's keys"));
  if (!json["keys"].is_array()) return invalid("the provider's keys are no JSON Web Key Set");
  if (json["keys"].size() > kKeysMax) return over_limit(format("a provider has at most {} keys", kKeysMax));
  auto impl = std::make_unique<Impl>();
  for (const auto& item : json["keys"].items()) {
    auto key = key_of(item);
    if (!key) continue;
    // Two keys of one name: which of them were meant would depend on who reads.
    for (const auto& other : impl->keys)
      if (other.id == key->id) return invalid("two of the provider's keys have one name");
    impl->keys.push_back(std::move(*key));
  }
  return KeySet(std::move(impl));
}

const PublicKey* KeySet::Impl::find(std::string_view id) const {
  if (id.empty()) return keys.size() == 1 ? &keys.front() : nullptr;
  for (const auto& key : keys)
    if (key.id == id) return &key;
  return nullptr;
}

}  // namespace pratique::signin
