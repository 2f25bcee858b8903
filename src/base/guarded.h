// Guarded<T>: a value that can only be touched while its mutex is held.
//
//   Guarded<std::map<Id, Session>> sessions_;
//   auto sessions = sessions_.lock();   // a scoped pointer
//   sessions->erase(id);
#pragma once

#include <mutex>
#include <utility>

namespace pratique {

template <typename T>
class Guarded {
 public:
  Guarded() = default;
  template <typename... Args>
  explicit Guarded(std::in_place_t, Args&&... args) : value_(std::forward<Args>(args)...) {}

  class Locked {
   public:
    T* operator->() { return value_; }
    T& operator*() { return *value_; }
    std::unique_lock<std::mutex>& unique_lock() { return lock_; }  // for condition variables

   private:
    friend class Guarded;
    Locked(std::mutex& mutex, T* value) : lock_(mutex), value_(value) {}
    std::unique_lock<std::mutex> lock_;
    T* value_;
  };

  Locked lock() { return Locked(mutex_, &value_); }

 private:
  std::mutex mutex_;
  T value_;
};

}  // namespace pratique
