#include "base/random.h"

#include <sys/random.h>

#include <cerrno>
#include <string_view>

#include "base/check.h"
#include "base/encoding.h"

namespace pratique {

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  for (std::size_t filled = 0; filled < count;) {
    auto got = getrandom(bytes.data() + filled, count - filled, 0);
    if (got < 0 && errno == EINTR) continue;
    CHECK(got > 0, "the kernel gives no randomness");
    filled += static_cast<std::size_t>(got);
  }
  return bytes;
}

std::string random_hex(std::size_t bytes) {
  return to_hex(as_bytes(random_bytes(bytes)));
}

std::string random_password(std::size_t length) {
  constexpr std::string_view kAlphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  // Rejection keeps every character equally likely.
  constexpr unsigned kFair = 256 / kAlphabet.size() * kAlphabet.size();
  std::string password;
  while (password.size() < length) {
    for (char c : random_bytes(length)) {
      auto byte = static_cast<unsigned char>(c);
      if (byte < kFair && password.size() < length) password += kAlphabet[byte % kAlphabet.size()];
    }
  }
  return password;
}

std::string random_uuid() {
  std::string bytes = random_bytes(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3F) | 0x80);
  std::string hex = to_hex(as_bytes(bytes));
  return hex.substr(0, 8) + '-' + hex.substr(8, 4) + '-' + hex.substr(12, 4) + '-' + hex.substr(16, 4) + '-' +
         hex.substr(20);
}

}  // namespace pratique
