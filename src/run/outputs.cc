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

Result<SharedDirectory> open_shared_directory(const std::string& path) {
  SharedDirectory directory;
  directory.fd = os::Fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory.fd.is_open() && errno == ENOTDIR) return invalid(path + " is no directory");
  if (!directory.fd.is_open()) return from_errno("opening " + path, errno);
  struct stat info;
  if (::fstat(directory.fd.get(), &info) != 0) return from_errno("looking at " + path, errno);
  directory.uid = info.st_uid;
  directory.gid = info.st_gid;
  directory.device = info.st_dev;
  directory.inode = info.st_ino;
  std::unique_ptr<char, void (*)(void*)> absolute(::realpath(path.c_str(), nullptr), ::free);
  directory.path = absolute ? absolute.get() : path;
  return directory;
}

Status lend(const SharedDirectory& directory, std::uint32_t uid, std::uint32_t gid) {
  if (::fchownat(directory.fd.get(), "", uid, gid, AT_EMPTY_PATH) != 0) {
    return from_errno("lending " + directory.path, errno);
  }
  return {};
}

Status give_back(const SharedDirectory& directory, std::uint32_t first_host_id) {
  Owner owner{directory.uid, directory.gid, first_host_id};
  int fd = ::openat(directory.fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return from_errno("opening " + directory.path, errno);
  TRY(take_directory(fd, owner, 0).with_context(directory.path));
  return lend(directory, directory.uid, directory.gid);
}

}  // namespace pratique::run
