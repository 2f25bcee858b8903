// Workers for requests: a bounded queue in arrival order and threads that are made when they are first needed.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "http/connection.h"

namespace pratique::http {

class WorkerPool {
 public:
  using Work = std::function<void(std::unique_ptr<Connection>)>;
  WorkerPool(std::size_t workers_max, std::size_t queue_max, Work work);
  ~WorkerPool() { stop(); }

  // False when the queue is full or the pool stops; the connection then stays with the caller.
  bool submit(std::unique_ptr<Connection>& connection);
  std::size_t queued() const { return queued_.load(std::memory_order_relaxed); }
  // Whether a worker may wait a moment for its connection's next request: half of the workers stay free for others.
  bool begin_linger();
  void end_linger() { lingering_.fetch_sub(1, std::memory_order_relaxed); }
  // Drops what is queued, ends and joins the workers. Idempotent.
  void stop();

 private:
  void run();

  // constant
  const std::size_t workers_max_;
  const std::size_t queue_max_;
  const Work work_;
  // self-synchronised
  std::atomic<std::size_t> queued_ = 0;
  std::atomic<std::size_t> lingering_ = 0;
  // guarded by mutex_
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Connection>> queue_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace pratique::http
