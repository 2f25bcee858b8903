// OpenSSL's SHA256_CTX is used although 3.0 calls it old: it is a plain struct that can be copied and saved, which the
// EVP context is not, and it runs the same SHA-NI code.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <cstring>

namespace pratique {

namespace {

// What save() writes: a mark with a version, then the struct. A different OpenSSL layout would change its size.
template <typename Context>
std::string save_context(const std::byte* state, std::string_view mark) {
  return std::string(mark) + std::string(reinterpret_cast<const char*>(state), sizeof(Context));
}

template <typename Context>
Status restore_context(std::byte* state, std::string_view saved, std::string_view mark, unsigned block_bytes) {
  if (saved.size() != mark.size() + sizeof(Context) || !saved.starts_with(mark))
    return corrupt("saved hash state has the wrong shape");
  std::memcpy(state, saved.data() + mark.size(), sizeof(Context));
  // `num` indexes a buffer inside the struct: a bad value would write out of bounds.
  if (reinterpret_cast<Context*>(state)->num >= block_bytes) return corrupt("saved hash state is damaged");
  return {};
}

}  // namespace

static_assert(sizeof(SHA256_CTX) <= 128 && sizeof(SHA512_CTX) <= 256);

Sha256::Sha256() {
  state_.fill(std::byte{0});
  SHA256_Init(reinterpret_cast<SHA256_CTX*>(state_.data()));
}
void Sha256::update(Bytes bytes) {
  SHA256_Update(reinterpret_cast<SHA256_CTX*>(state_.data()), bytes.data(), bytes.size());
}
Sha256::Sum Sha256::sum() const {
  auto copy = state_;
  Sum out;
  SHA256_Final(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<SHA256_CTX*>(copy.data()));
  return out;
}
std::string Sha256::save() const {
  return save_context<SHA256_CTX>(state_.data(), "sha256/1:");
}
Result<Sha256> Sha256::restore(std::string_view saved) {
  Sha256 hasher;
  TRY(restore_context<SHA256_CTX>(hasher.state_.data(), saved, "sha256/1:", SHA256_CBLOCK));
  if (reinterpret_cast<SHA256_CTX*>(hasher.state_.data())->md_len != SHA256_DIGEST_LENGTH)
    return corrupt("saved hash state is damaged");
  return hasher;
}

Sha512::Sha512() {
  state_.fill(std::byte{0});
  SHA512_Init(reinterpret_cast<SHA512_CTX*>(state_.data()));
}
void Sha512::update(Bytes bytes) {
  SHA512_Update(reinterpret_cast<SHA512_CTX*>(state_.data()), bytes.data(), bytes.size());
}
Sha512::Sum Sha512::sum() const {
  auto copy = state_;
  Sum out;
  SHA512_Final(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<SHA512_CTX*>(copy.data()));
  return out;
}
std::string Sha512::save() const {
  return save_context<SHA512_CTX>(state_.data(), "sha512/1:");
}
Result<Sha512> Sha512::restore(std::string_view saved) {
  Sha512 hasher;
  TRY(restore_context<SHA512_CTX>(hasher.state_.data(), saved, "sha512/1:", SHA512_CBLOCK));
  if (reinterpret_cast<SHA512_CTX*>(hasher.state_.data())->md_len != SHA512_DIGEST_LENGTH)
    return corrupt("saved hash state is damaged");
  return hasher;
}

Sha256::Sum sha256(Bytes bytes) {
  Sha256 hasher;
  hasher.update(bytes);
  return hasher.sum();
}

std::string sha256_hex(std::string_view text) {
  auto sum = sha256(as_bytes(text));
  return to_hex(sum);
}

Sha256::Sum hmac_sha256(Bytes key, Bytes message) {
  Sha256::Sum out;
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(message.data()),
       message.size(), reinterpret_cast<unsigned char*>(out.data()), &length);
  CHECK(length == out.size());
  return out;
}

bool equals_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace pratique
