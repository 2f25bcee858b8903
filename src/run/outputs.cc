#include "run/outputs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "base/format.h"
#include "base/text.h"

namespace pratique::run {

namespace {

constexpr std::uint32_t kHostIds = 65'536;
// Each level costs a descriptor; a deeper tree is left to its owner to look at.
constexpr int kDepthMax = 256;

struct Owner {
  std::uint32_t uid, gid, first_host_id;
  bool is_job(std::uint32_t id) const { return id >= first_host_id && id - first_host_id < kHostIds; }
};

Status take_entry(int parent, const char* name, const struct stat& info, const Owner& owner) {
  if (!owner.is_job(info.st_uid) && !owner.is_job(info.st_gid)) return {};
  auto uid = owner.is_job(info.st_uid) ? owner.uid : info.st_uid;
  auto gid = owner.is_job(info.st_gid) ? owner.gid : info.st_gid;
  // The mode first: for a moment nobody's set-id program is harmless, the caller's is not.
  if (!S_ISLNK(info.st_mode) && (info.st_mode & 06000) != 0 && ::fchmodat(parent, name, info.st_mode & 01777, 0) != 0) {
    return from_errno("clearing set-id bits", errno);
  }
  if (::fchownat(parent, name, uid, gid, AT_SYMLINK_NOFOLLOW) != 0) return from_errno("giving back outputs", errno);
  return {};
}

Status seal_directory(int fd, std::uint32_t owner, int depth);

// Read permission goes to the group, which stays the user's: with another owner it is what is left to read by.
Status seal_entry(int parent, const char* name, const struct stat& info, std::uint32_t owner, int depth) {
  if (S_ISDIR(info.st_mode)) {
    int child = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (child < 0) return from_errno("opening outputs", errno);
    return seal_directory(child, owner, depth + 1);
  }
  if (!S_ISREG(info.st_mode)) return {};
  os::Fd file(::openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.is_open()) return from_errno("opening outputs", errno);
  auto mode = (info.st_mode | (info.st_mode & 0500) >> 3) & 0555;
  if (::fchown(file.get(), owner, info.st_gid) != 0 || ::fchmod(file.get(), mode) != 0) {
    return from_errno("sealing outputs", errno);
  }
  return {};
}

Status seal_directory(int fd, std::uint32_t owner, int depth) {
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd), ::closedir);
  if (!directory) return from_errno("listing outputs", errno);
  if (depth > kDepthMax) return over_limit("the outputs are nested too deeply to be made read-only");
  struct stat self;
  if (::fstat(fd, &self) != 0) return from_errno("looking at outputs", errno);
  // First, so that nothing is added behind us.
  if (::fchown(fd, owner, self.st_gid) != 0 || ::fchmod(fd, 0550) != 0) return from_errno("sealing outputs", errno);
  while (dirent* entry = ::readdir(directory.get())) {
    std::string_view name = entry->d_name;
    struct stat info;
    if (name == "." || name == ".." || ::fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    TRY(seal_entry(fd, entry->d_name, info, owner, depth));
  }
  return {};
}

Status take_directory(int fd, const Owner& owner, int depth) {
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd), ::closedir);
  if (!directory) return from_errno("listing outputs", errno);
  if (depth > kDepthMax) return over_limit("the outputs are nested too deeply to be given back whole");
  int here = ::dirfd(directory.get());
  while (dirent* entry = ::readdir(directory.get())) {
    std::string_view name = entry->d_name;
    struct stat info;
    if (name == "." || name == ".." || ::fstatat(here, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISDIR(info.st_mode)) {
      int child = ::openat(here, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (child < 0) return from_errno("opening outputs", errno);
      TRY(take_directory(child, owner, depth + 1));
    }
    TRY(take_entry(here, entry->d_name, info, owner));
  }
  return {};
}

}  // namespace

Result<SharedDirectory> shared_from(os::Fd fd, const std::string& path) {
  SharedDirectory directory;
  directory.fd = std::move(fd);
  struct stat info;
  if (::fstat(directory.fd.get(), &info) != 0) return from_errno("looking at " + path, errno);
  directory.uid = info.st_uid;
  directory.gid = info.st_gid;
  directory.is_directory = S_ISDIR(info.st_mode);
  directory.device = info.st_dev;
  directory.inode = info.st_ino;
  std::unique_ptr<char, void (*)(void*)> absolute(::realpath(path.c_str(), nullptr), ::free);
  directory.path = absolute ? absolute.get() : path;
  return directory;
}

Result<SharedDirectory> open_shared(const std::string& path) {
  os::Fd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!fd.is_open()) return from_errno("opening " + path, errno);
  return shared_from(std::move(fd), path);
}

Result<SharedDirectory> open_shared_directory(const std::string& path) {
  auto directory = TRY(open_shared(path));
  if (!directory.is_directory) return invalid(path + " is no directory");
  return directory;
}

Status lend(const SharedDirectory& directory, std::uint32_t uid, std::uint32_t gid) {
  if (::fchownat(directory.fd.get(), "", uid, gid, AT_EMPTY_PATH) != 0) {
    return from_errno("lending " + directory.path, errno);
  }
  return {};
}

Status seal_outputs(const std::string& directory, std::uint32_t owner) {
  int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return from_errno("opening " + directory, errno);
  return seal_directory(fd, owner, 0).with_context(directory);
}

Status give_back(const SharedDirectory& directory, std::uint32_t first_host_id) {
  Owner owner{directory.uid, directory.gid, first_host_id};
  int fd = ::openat(directory.fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return from_errno("opening " + directory.path, errno);
  TRY(take_directory(fd, owner, 0).with_context(directory.path));
  return lend(directory, directory.uid, directory.gid);
}

}  // namespace pratique::run
