// A second thread for one large upload: it hashes a piece while the first one writes the same piece. Both take about as
// long, so that the stream goes nearly twice as fast on a machine with a core to spare. Private to the module.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "base/hash.h"

namespace pratique::store {

class HashThread {
 public:
  // nullptr where the machine has no thread to give: the caller then does both.
  static std::unique_ptr<HashThread> make();
  ~HashThread();
  // Hashes `bytes` into `hasher` from now on; both stay untouched and valid until wait() has returned.
  void start(Sha256& hasher, Bytes bytes);
  void wait();

 private:
  HashThread() : thread_([this] { run(); }) {}
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  // guarded by mutex_
  Sha256* hasher_ = nullptr;  // set while there is work
  Bytes bytes_;
  bool is_stopping_ = false;
  std::thread thread_;  // last: it begins when all else is there
};

}  // namespace pratique::store
