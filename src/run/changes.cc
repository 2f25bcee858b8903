#include "run/changes.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <functional>
#include <memory>

#include "base/format.h"

namespace pratique::run {

namespace {

constexpr int kDepthMax = 128;  // each level costs a descriptor
constexpr std::uint64_t kEntriesMax = 5'000'000;

// False ends the walk.
using Visit = std::function<bool(const std::string& path, const struct stat& info)>;

// Everything here was named by the job: only descriptors and names, no links followed.
bool walk(int parent, const char* name, const std::string& path, int depth, std::uint64_t& left, const Visit& visit) {
  int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return true;
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd), ::closedir);
  if (!directory || depth > kDepthMax) return true;
  while (dirent* entry = ::readdir(directory.get())) {
    std::string_view text = entry->d_name;
    struct stat info;
    if (text == "." || text == ".." || ::fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (left-- == 0) return false;
    auto below = format("{}/{}", path, text);
    if (!visit(below, info)) return false;
    if (S_ISDIR(info.st_mode) && !walk(fd, entry->d_name, below, depth + 1, left, visit)) return false;
  }
  return true;
}

}  // namespace

std::vector<ChangedFile> list_changes(const std::string& upper) {
  std::vector<ChangedFile> changes;
  auto left = kEntriesMax;
  walk(AT_FDCWD, upper.c_str(), "", 0, left, [&](const std::string& path, const struct stat& info) {
    if (!S_ISDIR(info.st_mode)) changes.push_back({path, static_cast<std::uint64_t>(info.st_size)});
    return changes.size() < kChangedFilesMax;
  });
  return changes;
}

std::uint64_t used_bytes(const std::string& path) {
  struct statvfs info;
  if (::statvfs(path.c_str(), &info) != 0) return 0;
  return std::uint64_t{info.f_blocks - info.f_bfree} * info.f_frsize;
}

std::uint64_t tree_bytes(const std::string& directory) {
  std::uint64_t bytes = 0;
  auto left = kEntriesMax;
  walk(AT_FDCWD, directory.c_str(), "", 0, left, [&](const std::string&, const struct stat& info) {
    bool counts = S_ISREG(info.st_mode) && info.st_nlink == 1;
    if (counts) bytes += static_cast<std::uint64_t>(info.st_size);
    return true;
  });
  return bytes;
}

}  // namespace pratique::run
