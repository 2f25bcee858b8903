#include "transport/byte_queue.h"

#include <algorithm>
#include <cstring>

namespace pratique::transport {

Status ByteQueue::push(Bytes bytes) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return has_left_ || bytes_.size() - used_ < bytes_max_; });
  if (has_left_) return unavailable("the reader of a download has left");
  bytes_.erase(0, used_);
  used_ = 0;
  bytes_ += as_text(bytes);
  changed_.notify_all();
  return {};
}

void ByteQueue::finish(Status outcome) {
  std::lock_guard lock(mutex_);
  outcome_ = std::move(outcome);
  changed_.notify_all();
}

Result<std::size_t> ByteQueue::pull(std::span<std::byte> buffer) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return used_ < bytes_.size() || outcome_; });
  std::size_t count = std::min(buffer.size(), bytes_.size() - used_);
  if (count == 0 && !outcome_->ok()) return outcome_->error();
  std::memcpy(buffer.data(), bytes_.data() + used_, count);
  used_ += count;
  changed_.notify_all();
  return count;
}

void ByteQueue::leave() {
  std::lock_guard lock(mutex_);
  has_left_ = true;
  changed_.notify_all();
}

}  // namespace pratique::transport
