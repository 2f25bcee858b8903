// The timer: ends approvals, requests and temporary keys whose time is over and takes up a new advisory database. One
// thread, stopped by destruction. Garbage is upkeep's.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "daemon/advisories.h"
#include "gate/gate.h"
#include "grants/grants.h"

namespace pratique::daemon {

class Housekeeping {
 public:
  Housekeeping(gate::Gate& gate, grants::Grants& grants, identity::Identity& identity, Advisories& advisories,
               seconds interval);
  ~Housekeeping();

 private:
  void loop(std::stop_token stop);
  void run_once();
  gate::Gate& gate_;
  grants::Grants& grants_;
  identity::Identity& identity_;
  Advisories& advisories_;
  seconds interval_;
  // From the start: the database may have been replaced, or the judging cut short, while no server ran.
  bool is_judging_due_ = true;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace pratique::daemon
