// A file descriptor with an owner. Closed when it goes; moved, never copied. Thread-safe as an int is.
#pragma once

#include <utility>

#include "base/encoding.h"
#include "base/result.h"

namespace pratique::os {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset();
  Result<Fd> duplicate() const;  // with close-on-exec

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read_end;
  Fd write_end;
};
Result<Pipe> make_pipe();  // close-on-exec

// Writes all of it, through short writes and EINTR. EPIPE is Unavailable (SIGPIPE must be ignored).
Status write_all(const Fd& fd, Bytes bytes);
// Reads what is there, at most the buffer; 0 at the end.
Result<std::size_t> read_some(const Fd& fd, std::span<std::byte> buffer);
// Reads from `offset` until the buffer is full or the file ends; gives the count.
Result<std::size_t> read_at(const Fd& fd, std::span<std::byte> buffer, std::uint64_t offset);

}  // namespace pratique::os
