// The few file operations that the store needs beyond `os`.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "base/format.h"
#include "os/file.h"
#include "store/impl.h"

namespace pratique::store {

namespace {

// A full disk, a full quota and a file larger than the file system takes are the same to whoever uploads.
Error disk_error(std::string_view doing, int error_number) {
  if (error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG)
    return over_limit(format("{}: the registry's disk is full; nothing that was acknowledged is lost", doing));
  return from_errno(doing, error_number);
}

template <typename Hasher>
Result<oci::Digest> hash_with(const os::Fd& fd, const std::function<bool(std::size_t)>& pace) {
  Hasher hasher;
  std::string piece(kPieceBytes, '\0');
  auto buffer = std::as_writable_bytes(std::span(piece));
  for (std::uint64_t offset = 0;;) {
    std::size_t got = TRY(os::read_at(fd, buffer, offset));
    if (got == 0) return oci::Digest::from(hasher.sum());
    hasher.update(buffer.first(got));
    offset += got;
    if (pace && !pace(got)) return unavailable("the reading was stopped");
  }
}

}  // namespace

Result<oci::Digest> hash_file(const os::Fd& fd, oci::Algorithm algorithm,
                              const std::function<bool(std::size_t)>& pace) {
  switch (algorithm) {
    case oci::Algorithm::Sha256:
      return hash_with<Sha256>(fd, pace);
    case oci::Algorithm::Sha512:
      return hash_with<Sha512>(fd, pace);
  }
  return invalid("unknown digest algorithm");
}

Result<os::Fd> open_for_writing(const std::string& path, int more_flags) {
  int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | more_flags, 0600);
  if (fd < 0) return from_errno("opening " + path, errno);
  return os::Fd(fd);
}

bool lock_file(const os::Fd& fd) {
  return ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0;
}

Status write_at(const os::Fd& fd, Bytes bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    auto wrote = ::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return disk_error("writing a blob", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    offset += static_cast<std::uint64_t>(wrote);
  }
  return {};
}

Status sync_data(const os::Fd& fd) {
  if (::fdatasync(fd.get()) != 0) return disk_error("syncing a blob", errno);
  return {};
}

}  // namespace pratique::store
