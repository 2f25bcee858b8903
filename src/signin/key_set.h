// The keys of a set as OpenSSL holds them. Private to `signin`.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "signin/signin.h"

namespace pratique::signin {

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

struct PublicKey {
  std::string id;
  std::string algorithm;  // the only one that it verifies: "RS256", "ES256" or "EdDSA"
  std::unique_ptr<EVP_PKEY, FreeKey> key;
};

struct KeySet::Impl {
  std::vector<PublicKey> keys;
  // A token without a key id is taken for the only key there is.
  const PublicKey* find(std::string_view id) const;
};

}  // namespace pratique::signin
