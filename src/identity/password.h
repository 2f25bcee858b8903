// Passwords through crypt(3): yescrypt, which costs memory as well as time. Private to `identity`. Thread-safe.
#pragma once

#include <semaphore>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pratique::identity {

// crypt(3) takes C strings of at most 512 bytes; nobody types more than this.
inline constexpr std::size_t kPasswordBytesMin = 8;
inline constexpr std::size_t kPasswordBytesMax = 256;

Status check_password(std::string_view password);

class PasswordHasher {
 public:
  PasswordHasher();
  // The text to store: "$y$…". Unavailable when the system's crypt(3) cannot do yescrypt.
  Result<std::string> hash(std::string_view password);
  // Costs the same for every password and every stored hash. False also for a stored text that is no hash.
  bool matches(std::string_view password, const std::string& stored);
  // Costs what matches() costs; for names that do not exist.
  void spend_the_same(std::string_view password);

 private:
  std::string crypt(std::string_view password, const std::string& setting);

  // One hash takes 16 MB and a core for some 15 ms: a flood of logins waits here instead of taking all of both.
  std::counting_semaphore<> slots_;
  const std::string dummy_setting_;
};

}  // namespace pratique::identity
