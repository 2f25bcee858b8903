// What the registry's upkeep asks of the gate. Private to the module.
#pragma once

#include <atomic>
#include <chrono>

#include "gate/lifecycle/lifecycle.h"

namespace pratique::gate {

// Whether anything will ask for a staged image again, or did since `before`. Fails closed: what the gate does not know
// is needed. A rejected image may still be let in by a waiver, an admission that goes on is judged again.
Result<bool> is_needed(db::Transaction& tx, std::int64_t staged, Time before);

// Busy while too many images wait for their verdict. Thread-safe.
class Pressure {
 public:
  Status check(const Context& context);

 private:
  // Asked with every upload; the count is one look into an index, but up to `waiting_max` rows of it.
  std::atomic<std::int64_t> asked_millis_ = -1'000'000;
  std::atomic<bool> is_full_ = false;
};

}  // namespace pratique::gate
