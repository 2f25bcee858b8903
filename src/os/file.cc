#include "os/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "base/format.h"
#include "base/random.h"

namespace pratique::os {

namespace {

std::string parent_of(const std::string& path) {
  auto parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

// Removes the content of an open directory. Works on descriptors so that a renamed parent cannot redirect it.
Status empty_directory(int fd, dev_t device) {
  Directory directory(::fdopendir(fd), ::closedir);
  if (!directory) {
    ::close(fd);
    return from_errno("listing a directory", errno);
  }
  while (dirent* entry = ::readdir(directory.get())) {
    std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    int here = ::dirfd(directory.get());
    struct stat info;
    if (::fstatat(here, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISDIR(info.st_mode)) {
      if (info.st_dev != device) return conflict(format("{} is a mount point and is left alone", name));
      // A directory without permission bits still has to go; it may be ours (uid 0 needs no bits).
      [[maybe_unused]] int widened = ::fchmodat(here, entry->d_name, 0700, 0);  // the open below reports a failure
      int child = ::openat(here, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (child < 0) return from_errno(format("opening {}", name), errno);
      TRY(empty_directory(child, device));
      if (::unlinkat(here, entry->d_name, AT_REMOVEDIR) != 0) return from_errno(format("removing {}", name), errno);
    } else if (::unlinkat(here, entry->d_name, 0) != 0 && errno != ENOENT) {
      return from_errno(format("removing {}", name), errno);
    }
  }
  return {};
}

}  // namespace

Result<Fd> open_for_reading(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return from_errno("opening " + path, errno);
  return Fd(fd);
}

Result<std::uint64_t> file_size(const Fd& fd) {
  struct stat info;
  if (::fstat(fd.get(), &info) != 0) return from_errno("asking for a file's size", errno);
  return static_cast<std::uint64_t>(info.st_size);
}

Result<std::string> read_to_end(const Fd& fd, std::size_t bytes_max) {
  std::string content;
  constexpr std::size_t kStep = 256 << 10;
  for (;;) {
    std::size_t have = content.size();
    content.resize(have + std::min(kStep, bytes_max + 1 - have));
    std::size_t got = TRY(read_some(fd, std::as_writable_bytes(std::span(content).subspan(have))));
    content.resize(have + got);
    if (got == 0) return content;
    if (content.size() > bytes_max) return over_limit(format("larger than {} bytes", bytes_max));
  }
}

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  Fd fd = TRY(open_for_reading(path));
  return read_to_end(fd, bytes_max).with_context("reading " + path);
}

Status make_directories(const std::string& path) {
  if (path.empty() || exists(path)) return {};
  std::string parent = parent_of(path);
  if (parent != path) TRY(make_directories(parent));
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return from_errno("creating " + path, errno);
  return sync_directory(parent);
}

Status remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return from_errno("removing " + path, errno);
  return {};
}

Status remove_tree(const std::string& path) {
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0) return errno == ENOENT ? Status() : from_errno("looking at " + path, errno);
  if (!S_ISDIR(info.st_mode)) return remove_file(path);
  int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return from_errno("opening " + path, errno);
  TRY(empty_directory(fd, info.st_dev).with_context("removing " + path));
  if (::rmdir(path.c_str()) != 0 && errno != ENOENT) return from_errno("removing " + path, errno);
  return {};
}

Status sync_directory(const std::string& path) {
  Fd fd = TRY(open_for_reading(path));
  if (::fsync(fd.get()) != 0) return from_errno("syncing " + path, errno);
  return {};
}

std::vector<std::string> list_directory(const std::string& path) {
  std::vector<std::string> names;
  std::error_code problem;
  for (std::filesystem::directory_iterator it(path, problem), end; !problem && it != end; it.increment(problem))
    names.push_back(it->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

bool exists(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0;
}

AtomicFile::AtomicFile(Fd fd, std::string temporary, std::string path)
    : fd_(std::move(fd)), temporary_(std::move(temporary)), path_(std::move(path)) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : fd_(std::move(other.fd_)), temporary_(std::exchange(other.temporary_, {})), path_(std::move(other.path_)) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(temporary_, other.temporary_);
  std::swap(path_, other.path_);
  return *this;
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<AtomicFile> AtomicFile::create(const std::string& path, unsigned mode) {
  std::string temporary = format("{}.tmp-{}", path, random_hex(6));
  int fd = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return from_errno("creating " + temporary, errno);
  return AtomicFile(Fd(fd), std::move(temporary), path);
}

Status AtomicFile::write(Bytes bytes) {
  return write_all(fd_, bytes).with_context("writing " + path_);
}

Status AtomicFile::commit() {
  if (::fsync(fd_.get()) != 0) return from_errno("syncing " + path_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return from_errno("renaming to " + path_, errno);
  temporary_.clear();
  return sync_directory(parent_of(path_));
}

Status write_file(const std::string& path, std::string_view content, unsigned mode) {
  AtomicFile file = TRY(AtomicFile::create(path, mode));
  TRY(file.write(as_bytes(content)));
  return file.commit();
}

Result<Dir> Dir::open(const std::string& path) {
  int fd = ::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return from_errno("opening " + path, errno);
  return Dir(Fd(fd));
}

Result<Fd> Dir::open_file(const std::string& relative) const {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;  // a FIFO must not hang us
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  int fd = static_cast<int>(::syscall(SYS_openat2, fd_.get(), relative.c_str(), &how, sizeof how));
  if (fd < 0) return from_errno("opening " + relative, errno);
  Fd opened(fd);
  struct stat info;
  if (::fstat(fd, &info) != 0) return from_errno("looking at " + relative, errno);
  if (!S_ISREG(info.st_mode)) return invalid(relative + " is no regular file");
  return opened;
}

Result<TemporaryDirectory> TemporaryDirectory::create(const std::string& parent) {
  const char* preferred = std::getenv("TMPDIR");
  std::string where = !parent.empty() ? parent : preferred && *preferred ? preferred : "/tmp";
  std::string path = format("{}/pratique-{}", where, random_hex(6));
  if (::mkdir(path.c_str(), 0700) != 0) return from_errno("creating " + path, errno);
  return TemporaryDirectory(std::move(path));
}

TemporaryDirectory::~TemporaryDirectory() {
  // Nothing useful can be done about a failure here; what is left is under the temporary directory.
  if (!path_.empty()) (void)remove_tree(path_).ok();
}

}  // namespace pratique::os
