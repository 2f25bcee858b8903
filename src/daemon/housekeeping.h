// The timer: ends approvals whose time is over, and takes up a new advisory database. One thread, stopped by
// destruction.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "daemon/advisories.h"
#include "gate/gate.h"

namespace pratique::daemon {

class Housekeeping {
 public:
  Housekeeping(gate::Gate& gate, Advisories& advisories, seconds interval);
  ~Housekeeping();

  // One round, as the timer does it: for tests.
  static void run_once(gate::Gate& gate, Advisories& advisories);

 private:
  void loop(std::stop_token stop);
  gate::Gate& gate_;
  Advisories& advisories_;
  seconds interval_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace pratique::daemon
