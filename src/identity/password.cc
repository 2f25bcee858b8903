#include "identity/password.h"

#include <crypt.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <thread>

#include "base/format.h"
#include "base/hash.h"

namespace pratique::identity {

namespace {

constexpr const char* kYescrypt = "$y$";

struct Free {
  void operator()(char* text) const { std::free(text); }
};

// A fresh salt with the system's default cost; empty where there is no yescrypt.
std::string make_setting() {
  std::unique_ptr<char, Free> setting(::crypt_gensalt_ra(kYescrypt, 0, nullptr, 0));
  return setting ? setting.get() : "";
}

std::ptrdiff_t hashes_at_once() {
  return std::clamp<std::ptrdiff_t>(std::thread::hardware_concurrency(), 1, 4);
}

// crypt(3) would stop at a NUL and refuse more than 512 bytes; both must cost and fail like any wrong password.
bool can_be_hashed(std::string_view password) {
  return password.size() <= kPasswordBytesMax && password.find('\0') == std::string_view::npos;
}

}  // namespace

Status check_password(std::string_view password) {
  if (password.size() < kPasswordBytesMin)
    return invalid(format("a password has at least {} characters", kPasswordBytesMin));
  if (!can_be_hashed(password)) return invalid(format("a password has at most {} bytes and no NUL", kPasswordBytesMax));
  return {};
}

PasswordHasher::PasswordHasher() : slots_(hashes_at_once()), dummy_setting_(make_setting()) {}

Result<std::string> PasswordHasher::hash(std::string_view password) {
  TRY(check_password(password));
  std::string setting = make_setting();
  std::string hashed = crypt(password, setting);
  if (setting.empty() || !hashed.starts_with(kYescrypt)) return unavailable("this system's crypt(3) has no yescrypt");
  return hashed;
}

bool PasswordHasher::matches(std::string_view password, const std::string& stored) {
  if (!can_be_hashed(password) || !stored.starts_with(kYescrypt)) {
    spend_the_same(password);
    return false;
  }
  std::string hashed = crypt(password, stored);
  return hashed.starts_with(kYescrypt) && equals_in_constant_time(hashed, stored);
}

void PasswordHasher::spend_the_same(std::string_view password) {
  (void)crypt(can_be_hashed(password) ? password : std::string_view("too long"), dummy_setting_);
}

std::string PasswordHasher::crypt(std::string_view password, const std::string& setting) {
  auto data = std::make_unique<crypt_data>();  // 32 KiB, zeroed: too much for a small stack
  std::string phrase(password);
  slots_.acquire();
  const char* hashed = ::crypt_rn(phrase.c_str(), setting.c_str(), data.get(), sizeof(crypt_data));
  slots_.release();
  return hashed ? hashed : "";
}

}  // namespace pratique::identity
