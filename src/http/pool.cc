#include "http/pool.h"

#include <pthread.h>

#include <system_error>

#include "base/log.h"

namespace pratique::http {

WorkerPool::WorkerPool(std::size_t workers_max, std::size_t queue_max, Work work)
    : workers_max_(workers_max), queue_max_(queue_max), work_(std::move(work)) {}

bool WorkerPool::submit(std::unique_ptr<Connection>& connection) {
  std::lock_guard lock(mutex_);
  if (stopping_ || queue_.size() >= queue_max_) return false;
  if (idle_ <= queue_.size() && threads_.size() < workers_max_) {
    try {
      threads_.emplace_back([this] { run(); });
    } catch (const std::system_error& error) {
      log::warn("worker thread not started", {{"error", error.what()}, {"threads", threads_.size()}});
      if (threads_.empty()) return false;
    }
  }
  queue_.push_back(std::move(connection));
  queued_.store(queue_.size(), std::memory_order_relaxed);
  wake_.notify_one();
  return true;
}

bool WorkerPool::begin_linger() {
  if (queued() > 0) return false;
  if (lingering_.fetch_add(1, std::memory_order_relaxed) < (workers_max_ + 1) / 2) return true;
  end_linger();
  return false;
}

void WorkerPool::stop() {
  std::vector<std::thread> threads;
  std::deque<std::unique_ptr<Connection>> dropped;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
    dropped.swap(queue_);
    queued_.store(0, std::memory_order_relaxed);
  }
  wake_.notify_all();
  for (auto& thread : threads) thread.join();
}

void WorkerPool::run() {
  pthread_setname_np(pthread_self(), "http-worker");
  for (;;) {
    std::unique_ptr<Connection> connection;
    {
      std::unique_lock lock(mutex_);
      ++idle_;
      wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      --idle_;
      if (stopping_) return;
      connection = std::move(queue_.front());
      queue_.pop_front();
      queued_.store(queue_.size(), std::memory_order_relaxed);
    }
    work_(std::move(connection));
  }
}

}  // namespace pratique::http
