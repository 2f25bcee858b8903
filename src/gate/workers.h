// The threads that carry submissions from state to state. The queue is the database: a worker asks which submission is
// next, so nothing is lost with the process and nothing in memory can grow. Private to the module. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "gate/lifecycle/lifecycle.h"

namespace pratique::gate {

class Workers {
 public:
  Workers(const Context& context, std::size_t threads);
  ~Workers();  // lets each worker finish the step it is in

  // Something was committed: a new submission, or a changed state. Wakes workers and waiters.
  void notify();
  // As notify(), and forgets earlier failures: what could not be read may be readable now.
  void try_all_again();

  // A counter that rises with each notify(). wait_beyond() returns when it is beyond `seen`, false at the deadline.
  std::uint64_t generation();
  bool wait_beyond(std::uint64_t seen, std::chrono::steady_clock::time_point deadline);

 private:
  void run();
  // Takes the oldest unfinished submission that nobody works on; 0 when there is none.
  std::int64_t claim();
  void release(std::int64_t number, const Status& outcome);

  const Context& context_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::uint64_t generation_ = 0;  // 0: nobody has asked for work yet
  bool is_stopping_ = false;
  std::set<std::int64_t> claimed_;
  std::map<std::int64_t, int> failures_;
  std::vector<std::thread> threads_;
};

}  // namespace pratique::gate
