// Bytes from one thread to another with a bound: how a download that is pushed at us becomes a stream that is pulled.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "base/encoding.h"
#include "base/result.h"

namespace pratique::transport {

class ByteQueue {
 public:
  explicit ByteQueue(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  // Waits while the queue is full. Unavailable once the reader has left.
  Status push(Bytes bytes);
  // No more bytes: the reader gets what is queued, then 0 or the error.
  void finish(Status outcome);
  // Waits for bytes, the end or the error.
  Result<std::size_t> pull(std::span<std::byte> buffer);
  // The reader goes: push() fails from now on.
  void leave();

 private:
  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string bytes_;     // guarded by mutex_, as all below
  std::size_t used_ = 0;  // of bytes_, already pulled
  bool has_left_ = false;
  std::optional<Status> outcome_;
};

}  // namespace pratique::transport
