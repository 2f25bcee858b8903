// What is remembered between logins, in memory only: wrong tries by name, and passwords that were right a moment ago.
// Private to `identity`. Thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/guarded.h"
#include "identity/identity.h"

namespace pratique::identity {

// "192.0.2.7" as it is; of an IPv6 address its /64, which is what one customer of a network gets.
std::string address_key(std::string_view address);

// Slows guessing without letting a stranger lock somebody out. Whether a name exists makes no difference.
//
//   one address at one name    failures_max wrong tries in a row lock that pair
//   one address at any names   address_failures_max within the window lock that address
//   many addresses at a name   name_addresses_max within the window lock it for addresses that it never signed in from
//
// An empty name counts for its address alone.
class Lockout {
 public:
  explicit Lockout(const Options& options) : options_(options) {}
  // How long this stays locked; nullopt: it is not.
  std::optional<Duration> locked_for(std::string_view name, std::string_view address, Time now);
  void note_failure(std::string_view name, std::string_view address, Time now);
  void note_success(std::string_view name, std::string_view address, Time now);
  // Somebody who may do so wants this name in again, from everywhere.
  void forget(std::string_view name);

 private:
  struct Failures {
    int count = 0;
    Time first;
    Time last;
  };
  using Pair = std::pair<std::string, std::string>;  // name, address
  struct State {
    std::map<Pair, Failures> by_pair;
    std::map<std::string, Failures, std::less<>> by_address;
    std::map<std::string, Failures, std::less<>> by_name;
    std::map<Pair, Time> known;  // where a name has signed in from, and when last
  };
  std::optional<Duration> left(const Failures* failures, int max, Time now) const;

  const Options options_;
  Guarded<State> state_;
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
