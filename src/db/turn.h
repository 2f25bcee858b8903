// A queue in front of one thing: who came first goes first, so that a busy writer cannot starve the others (std::mutex
// promises no order). Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace pratique::db {

class Turn {
 public:
  void take() {
    std::unique_lock lock(mutex_);
    std::uint64_t ticket = next_++;
    changed_.wait(lock, [&] { return serving_ == ticket; });
  }
  void give_back() {
    {
      std::lock_guard lock(mutex_);
      ++serving_;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t next_ = 0;
  std::uint64_t serving_ = 0;
};

}  // namespace pratique::db
