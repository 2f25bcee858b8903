// What is remembered between logins, in memory only: wrong tries by name, and passwords that were right a moment ago.
// Private to `identity`. Thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/guarded.h"
#include "identity/identity.h"

namespace pratique::identity {

// Locks a name for a while after too many wrong passwords in a row, whether or not the name exists.
class Lockout {
 public:
  explicit Lockout(const Options& options) : failures_max_(options.failures_max), lockout_(options.lockout) {}
  // How long the name stays locked; nullopt: it is not.
  std::optional<Duration> locked_for(std::string_view name, Time now);
  void note_failure(std::string_view name, Time now);
  void note_success(std::string_view name);

 private:
  struct Failures {
    int count = 0;
    Time last;
  };
  using ByName = std::map<std::string, Failures, std::less<>>;
  bool is_locked(const Failures& failures, Time now) const;

  const int failures_max_;
  const seconds lockout_;
  Guarded<ByName> by_name_;
};

// Remembers that a password matched a stored hash. It cannot outlive a change of password: the stored hash is part of
// the memory and is compared with the database's present one, whoever changed that.
class VerifiedPasswords {
 public:
  VerifiedPasswords();
  bool remembers(std::string_view name, std::string_view password, std::string_view stored_hash, Time now);
  void remember(std::string_view name, std::string_view password, std::string_view stored_hash, Time now);
  void forget(std::string_view name);

 private:
  struct Memory {
    std::string mark;  // HMAC over name, password and stored hash, with a key that never leaves this process
    Time until;
  };
  std::string mark_of(std::string_view name, std::string_view password, std::string_view stored_hash) const;

  const std::string key_;
  Guarded<std::map<std::string, Memory, std::less<>>> by_name_;
};

}  // namespace pratique::identity
