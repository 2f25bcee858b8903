#include "store/hash_thread.h"

#include <pthread.h>

#include <system_error>

namespace pratique::store {

std::unique_ptr<HashThread> HashThread::make() {
  try {
    return std::unique_ptr<HashThread>(new HashThread());
  } catch (const std::system_error&) {
    return nullptr;
  }
}

HashThread::~HashThread() {
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void HashThread::start(Sha256& hasher, Bytes bytes) {
  {
    std::lock_guard lock(mutex_);
    hasher_ = &hasher;
    bytes_ = bytes;
  }
  changed_.notify_all();
}

void HashThread::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return hasher_ == nullptr; });
}

void HashThread::run() {
  pthread_setname_np(pthread_self(), "upload-hash");
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return hasher_ != nullptr || is_stopping_; });
    if (hasher_ == nullptr) return;
    auto* hasher = hasher_;
    const Bytes bytes = bytes_;
    lock.unlock();
    hasher->update(bytes);
    lock.lock();
    hasher_ = nullptr;
    changed_.notify_all();
  }
}

}  // namespace pratique::store
