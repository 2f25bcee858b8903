#include "os/fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace pratique::os {

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<Fd> Fd::duplicate() const {
  int copy = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return from_errno("duplicating a file descriptor", errno);
  return Fd(copy);
}

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return from_errno("making a pipe", errno);
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Status write_all(const Fd& fd, Bytes bytes) {
  while (!bytes.empty()) {
    auto wrote = ::write(fd.get(), bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return from_errno("writing", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return {};
}

Result<std::size_t> read_some(const Fd& fd, std::span<std::byte> buffer) {
  for (;;) {
    auto got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return from_errno("reading", errno);
  }
}

Result<std::size_t> read_at(const Fd& fd, std::span<std::byte> buffer, std::uint64_t offset) {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    auto got = ::pread(fd.get(), buffer.data() + filled, buffer.size() - filled, static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return from_errno("reading", errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

}  // namespace pratique::os
