// The timer: ends approvals whose time is over, sweeps bytes nobody names, and takes up a new advisory database. One
// thread, stopped by destruction.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "daemon/advisories.h"
#include "gate/gate.h"
#include "registry/registry.h"

namespace pratique::daemon {

class Housekeeping {
 public:
  Housekeeping(gate::Gate& gate, registry::Registry& registry, Advisories& advisories, seconds interval);
  ~Housekeeping();

 private:
  void loop(std::stop_token stop);
  void run_once();
  void sweep_once();
  gate::Gate& gate_;
  registry::Registry& registry_;
  Advisories& advisories_;
  seconds interval_;
  // From the start: the database may have been replaced, or the judging cut short, while no server ran.
  bool is_judging_due_ = true;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace pratique::daemon
