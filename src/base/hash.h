// SHA-256, SHA-512 and HMAC-SHA256, incremental, on OpenSSL.
//
// A hasher is a plain value: copying it forks the computation, which is how an upload is hashed while it arrives and
// asked for its digest in between, and save()/restore() let an upload session survive a restart. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "base/result.h"

namespace pratique {

class Sha256 {
 public:
  using Sum = std::array<std::byte, 32>;
  Sha256();
  void update(Bytes bytes);
  Sum sum() const;  // of everything so far; the hasher goes on
  // The internal state as opaque bytes for this machine; Corrupt when `saved` is not one.
  std::string save() const;
  static Result<Sha256> restore(std::string_view saved);

 private:
  alignas(16) std::array<std::byte, 128> state_;
};

class Sha512 {
 public:
  using Sum = std::array<std::byte, 64>;
  Sha512();
  void update(Bytes bytes);
  Sum sum() const;
  std::string save() const;
  static Result<Sha512> restore(std::string_view saved);

 private:
  alignas(16) std::array<std::byte, 256> state_;
};

Sha256::Sum sha256(Bytes bytes);
std::string sha256_hex(std::string_view text);
Sha256::Sum hmac_sha256(Bytes key, Bytes message);

// Compares without leaking where the difference is; for secrets and signatures.
bool equals_in_constant_time(std::string_view a, std::string_view b);

}  // namespace pratique
