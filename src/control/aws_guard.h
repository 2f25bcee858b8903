// What is remembered between signed requests, in memory only: failures, the pace of registry passwords, and which
// address used which signature. Private to `control`. Thread-safe.
//
// A right signature always passes, however many wrong ones came before it, from the same address or under the same key:
// a secret of 240 bits is not guessed, so a lock-out would only ever hit its owner. What is limited is how often
// failures get a full answer.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/guarded.h"

namespace pratique::control {

class AwsGuard {
 public:
  // Failures a minute from one address or against one key, before the answer is "Rate exceeded".
  static constexpr int kFailuresMax = 20;
  static constexpr seconds kFailureWindow{60};
  // GetAuthorizationToken, as the service itself limits it: each is a row in the database.
  static constexpr double kTokensPerSecond = 20, kTokenBurst = 200;
  // Long enough for both ends of the clock skew and the longest presigned address.
  static constexpr minutes kReplayWindow{75};

  // Notes a failure. True when this address or key has failed too often lately.
  bool note_failure(std::string_view address, std::string_view access_key_id, Time now);
  // How long to wait before the next registry password; nullopt: take it now.
  std::optional<seconds> take_token(std::string_view access_key_id, Time now);
  // True when that signature was used from another address. Repetitions from the same one are the same request: a
  // signature has no nonce, and two equal commands in one second are equal byte for byte.
  bool is_replay(std::string_view signature, std::string_view address, Time now);

 private:
  struct Failures {
    int count = 0;
    Time since;
  };
  struct Bucket {
    double tokens = kTokenBurst;
    Time filled;
  };
  struct Use {
    std::string address;
    Time when;
  };
  struct State {
    std::map<std::string, Failures, std::less<>> failures;
    std::map<std::string, Bucket, std::less<>> buckets;
    std::map<std::string, Use, std::less<>> uses;
    std::deque<std::pair<Time, std::string>> use_order;
  };
  static bool count_failure(State& state, std::string who, Time now);
  Guarded<State> state_;
};

}  // namespace pratique::control
