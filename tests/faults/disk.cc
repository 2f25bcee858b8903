// Each of two names of a call is defined here, so neither may be turned into the other.
#undef _FILE_OFFSET_BITS

#include "faults/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>

namespace pratique::faults {

namespace {

bool is_armed = false;
Fault armed = Fault::None;
std::size_t at = 0;
std::size_t taken = 0;

enum class Call { Write, TakesSpace, Other };

// What the call at this step has to do: go on, fail with errno, or write only half.
struct Verdict {
  int error = 0;
  bool halve = false;
  bool die_after = false;
};

Verdict meet(Call call) {
  if (!is_armed) return {};
  ++taken;
  const bool is_here = taken == at;
  switch (armed) {
    case Fault::None:
      return {};
    case Fault::ShortWrite:
      return {.halve = is_here && call == Call::Write};
    case Fault::Interrupted:
      return {.error = is_here && call == Call::Write ? EINTR : 0};
    case Fault::Broken:
      return {.error = is_here ? EIO : 0};
    case Fault::Full:
      return {.error = taken >= at && call != Call::Other ? ENOSPC : 0};
    case Fault::DeadBefore:
      if (is_here) ::_exit(kDeadExit);
      return {};
    case Fault::DeadAfter:
      return {.halve = is_here && call == Call::Write, .die_after = is_here};
  }
  return {};
}

// The kernel's answer as the C library gives it.
template <typename... Arguments>
long run(Call call, long number, Arguments... arguments) {
  const Verdict verdict = meet(call);
  if (verdict.error != 0) {
    errno = verdict.error;
    return -1;
  }
  const long outcome = ::syscall(number, arguments...);
  if (verdict.die_after) ::_exit(kDeadExit);
  return outcome;
}

template <typename... Offset>
long write_some(long number, int fd, const void* bytes, std::size_t size, Offset... offset) {
  const Verdict verdict = meet(Call::Write);
  if (verdict.error != 0) {
    errno = verdict.error;
    return -1;
  }
  if (verdict.halve) size = std::max<std::size_t>(size / 2, 1);
  const long outcome = ::syscall(number, fd, bytes, size, offset...);
  if (verdict.die_after) ::_exit(kDeadExit);
  return outcome;
}

int open_some(const char* path, int flags, mode_t mode) {
  if ((flags & O_CREAT) == 0) return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
  return static_cast<int>(run(Call::TakesSpace, SYS_openat, AT_FDCWD, path, flags, mode));
}

}  // namespace

std::string_view to_string(Fault fault) {
  switch (fault) {
    case Fault::None:
      return "none";
    case Fault::ShortWrite:
      return "short write";
    case Fault::Interrupted:
      return "interrupted";
    case Fault::Broken:
      return "broken";
    case Fault::Full:
      return "full";
    case Fault::DeadBefore:
      return "dead before";
    case Fault::DeadAfter:
      return "dead after";
  }
  return "?";
}

void arm(Fault fault, std::size_t step) {
  armed = fault;
  at = step;
  taken = 0;
  is_armed = true;
}

std::size_t disarm() {
  is_armed = false;
  return taken;
}

}  // namespace pratique::faults

// Both names of a call that has a variant for large files: which one a library was linked to is its own business.
extern "C" {

using namespace pratique::faults;

ssize_t write(int fd, const void* bytes, size_t size) {
  return write_some(SYS_write, fd, bytes, size);
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  return write_some(SYS_pwrite64, fd, bytes, size, offset);
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  return write_some(SYS_pwrite64, fd, bytes, size, offset);
}
int fsync(int fd) {
  return static_cast<int>(run(Call::Other, SYS_fsync, fd));
}
int fdatasync(int fd) {
  return static_cast<int>(run(Call::Other, SYS_fdatasync, fd));
}
int ftruncate(int fd, off_t size) noexcept {
  return static_cast<int>(run(Call::TakesSpace, SYS_ftruncate, fd, size));
}
int ftruncate64(int fd, off64_t size) noexcept {
  return static_cast<int>(run(Call::TakesSpace, SYS_ftruncate, fd, size));
}
int mkdir(const char* path, mode_t mode) noexcept {
  return static_cast<int>(run(Call::TakesSpace, SYS_mkdir, path, mode));
}
int rename(const char* from, const char* to) noexcept {
  return static_cast<int>(run(Call::Other, SYS_rename, from, to));
}
int renameat2(int from_fd, const char* from, int to_fd, const char* to, unsigned flags) noexcept {
  return static_cast<int>(run(Call::Other, SYS_renameat2, from_fd, from, to_fd, to, flags));
}
int unlink(const char* path) noexcept {
  return static_cast<int>(run(Call::Other, SYS_unlink, path));
}
int unlinkat(int fd, const char* path, int flags) noexcept {
  return static_cast<int>(run(Call::Other, SYS_unlinkat, fd, path, flags));
}
int rmdir(const char* path) noexcept {
  return static_cast<int>(run(Call::Other, SYS_rmdir, path));
}
int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_some(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_some(path, flags, mode);
}

}  // extern "C"
