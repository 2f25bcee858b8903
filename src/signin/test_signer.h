// An identity provider's key, for tests: signs tokens and publishes its public half.
#pragma once

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include <string>

#include "base/encoding.h"
#include "base/json.h"

namespace pratique::signin {

inline std::string encoded(std::string_view text) {
  return to_base64url(as_bytes(text));
}

inline std::string number_of(EVP_PKEY* key, const char* name, int bytes = 0) {
  BIGNUM* number = nullptr;
  EXPECT_EQ(EVP_PKEY_get_bn_param(key, name, &number), 1);
  std::string text(static_cast<std::size_t>(bytes ? bytes : BN_num_bytes(number)), '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(text.data()), static_cast<int>(text.size()));
  BN_free(number);
  return encoded(text);
}

// Somebody who signs: a key and its public half as a provider publishes it.
struct Signer {
  Signer(std::string name, std::string_view kind) : id(std::move(name)), algorithm(kind) {
    if (algorithm == "RS256") key = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048});
    if (algorithm == "ES256") key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
    if (algorithm == "EdDSA") key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  }
  ~Signer() { EVP_PKEY_free(key); }
  Signer(const Signer&) = delete;

  Json published() const {
    Json json = Json::object({{"kid", id}, {"use", "sig"}});
    if (algorithm == "RS256") return json.set("kty", "RSA").set("n", number_of(key, "n")).set("e", number_of(key, "e"));
    if (algorithm == "ES256")
      return json.set("kty", "EC")
          .set("crv", "P-256")
          .set("x", number_of(key, OSSL_PKEY_PARAM_EC_PUB_X, 32))
          .set("y", number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, 32));
    std::string raw(32, '\0');
    std::size_t length = raw.size();
    EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(raw.data()), &length);
    return json.set("kty", "OKP").set("crv", "Ed25519").set("x", encoded(raw));
  }
  std::string signature(std::string_view text) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, nullptr, algorithm == "EdDSA" ? nullptr : EVP_sha256(), nullptr, key);
    std::string made(512, '\0');
    std::size_t length = made.size();
    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(made.data()), &length,
                   reinterpret_cast<const unsigned char*>(text.data()), text.size());
    EVP_MD_CTX_free(context);
    made.resize(length);
    return algorithm == "ES256" ? raw_of(made) : made;
  }
  static std::string raw_of(const std::string& der) {
    const auto* in = reinterpret_cast<const unsigned char*>(der.data());
    ECDSA_SIG* parsed = d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size()));
    std::string raw(64, '\0');
    auto* out = reinterpret_cast<unsigned char*>(raw.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(parsed), out, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(parsed), out + 32, 32);
    ECDSA_SIG_free(parsed);
    return raw;
  }
  std::string token(const Json& claims, Json header = Json()) const {
    if (header.is_null()) header = Json::object({{"alg", algorithm}, {"kid", id}, {"typ", "JWT"}});
    std::string text = encoded(header.dump()) + "." + encoded(claims.dump());
    return text + "." + encoded(signature(text));
  }

  std::string id;
  std::string algorithm;
  EVP_PKEY* key = nullptr;
};

}  // namespace pratique::signin
