#include "run/extract.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/format.h"
#include "base/text.h"
#include "os/file.h"

namespace pratique::run {

namespace {

constexpr std::string_view kWhiteoutPrefix = ".wh.";
constexpr std::string_view kOpaqueName = ".wh..wh..opq";
constexpr std::string_view kWhiteoutMetaPrefix = ".wh..wh.";
// Ids inside the container end at 65535; what lies beyond would be an owner nobody inside can be.
constexpr std::uint64_t kIdMax = 65'535;
constexpr std::uint32_t kNobody = 65'534;
// Deeper trees exist only to exhaust whoever walks them.
constexpr std::size_t kDepthMax = 512;
constexpr int kOpenAttemptsMax = 1000;
constexpr std::size_t kCopyBytes = 256 << 10;

struct Place {
  os::Fd parent;
  std::string name;  // one component
};

// Components without "." and empty ones. ".." is refused and not resolved: no honest layer holds it.
Result<std::vector<std::string>> components_of(std::string_view path) {
  std::vector<std::string> components;
  for (auto piece : split(path, '/')) {
    if (piece.empty() || piece == ".") continue;
    if (piece == "..") return invalid(format("the name {} climbs with \"..\"", printable(path)));
    components.emplace_back(piece);
  }
  if (components.size() > kDepthMax) return over_limit(format("the name {} is too deep", printable(path)));
  return components;
}

int open_below(int root, const std::string& path, std::uint64_t flags) {
  struct open_how how = {};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  // EAGAIN: a rename or mount anywhere on the machine made the kernel unsure of a ".."; it asks to be asked again.
  for (int attempt = 0; attempt < kOpenAttemptsMax; ++attempt) {
    auto fd = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
    if (fd >= 0 || errno != EAGAIN) return static_cast<int>(fd);
  }
  return -1;
}

Error no_directory(const std::string& path, int error_number) {
  if (error_number != ENOTDIR && error_number != ELOOP)
    return from_errno("opening a directory of the image", error_number);
  return invalid(format("{} is below something that is no directory", printable(path)));
}

Result<os::Fd> open_or_make(const os::Fd& root, const std::vector<std::string>& components) {
  os::Fd whole(open_below(root.get(), components.empty() ? "." : join(components, "/"), O_PATH | O_DIRECTORY));
  if (whole.is_open()) return whole;
  if (errno != ENOENT) return no_directory(join(components, "/"), errno);
  std::string path;
  os::Fd parent = TRY(root.duplicate());
  for (const auto& component : components) {
    path += (path.empty() ? "" : "/") + component;
    os::Fd next(open_below(root.get(), path, O_PATH | O_DIRECTORY));
    if (!next.is_open() && errno == ENOENT) {
      if (::mkdirat(parent.get(), component.c_str(), 0755) != 0) {
        // EEXIST: a link that points nowhere stands in the way; making its target would be guessing.
        return errno == EEXIST ? invalid(format("{} is below a link to nowhere", printable(path)))
                               : from_errno("making a directory of the layer", errno);
      }
      next = os::Fd(open_below(root.get(), path, O_PATH | O_DIRECTORY));
    }
    if (!next.is_open()) return no_directory(path, errno);
    parent = std::move(next);
  }
  return parent;
}

class Extractor {
 public:
  Extractor(TarReader& tar, const os::Fd& root, const ExtractLimits& limits)
      : tar_(tar), root_(root), limits_(limits), buffer_(kCopyBytes) {}

  Result<Extraction> run() {
    while (auto entry = TRY(tar_.next())) {
      if (++result_.entries > limits_.entries_max) {
        return over_limit(format("the layer has more than {} entries", limits_.entries_max));
      }
      TRY(take(*entry).with_context(format("unpacking {}", printable(entry->name))));
    }
    TRY(set_directory_times());
    return result_;
  }

 private:
  struct DirectoryTime {
    std::string path;
    std::int64_t modified;
  };

  Status take(const TarEntry& entry) {
    auto components = TRY(components_of(entry.name));
    if (components.empty()) return entry.type == TarType::Directory ? set_attributes(root_, entry) : Status();
    Place place;
    place.name = components.back();
    components.pop_back();
    bool is_whiteout = place.name.starts_with(kWhiteoutPrefix);
    if (!is_whiteout && is_device(entry.type)) {
      ++result_.devices_left_out;
      return {};
    }
    place.parent = TRY(parent_of(components));
    if (is_whiteout) return white_out(place);
    switch (entry.type) {
      case TarType::File:
        return make_file(place, entry);
      case TarType::Directory:
        return make_directory(place, entry);
      case TarType::SymbolicLink:
        return make_symbolic_link(place, entry);
      case TarType::HardLink:
        return make_hard_link(place, entry);
      case TarType::Fifo:
        return make_fifo(place, entry);
      case TarType::CharacterDevice:
      case TarType::BlockDevice:
        break;
    }
    return {};
  }

  static bool is_device(TarType type) { return type == TarType::CharacterDevice || type == TarType::BlockDevice; }

  // Archives list a directory's entries together: the last parent is usually the next one, too.
  Result<os::Fd> parent_of(const std::vector<std::string>& components) {
    if (!last_parent_.is_open() || components != last_components_) {
      last_parent_ = TRY(open_or_make(root_, components));
      last_components_ = components;
    }
    return last_parent_.duplicate();
  }

  Status white_out(const Place& place) {
    if (place.name == kOpaqueName) {
      os::Fd directory(::openat(place.parent.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      return make_opaque(directory);
    }
    // Other names of this family are the bookkeeping of a union file system of old.
    if (place.name.starts_with(kWhiteoutMetaPrefix)) return {};
    auto hidden = place.name.substr(kWhiteoutPrefix.size());
    if (hidden.empty() || hidden == "." || hidden == "..") return invalid("a whiteout that names nothing");
    struct stat info;
    if (::fstatat(place.parent.get(), hidden.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
      // The layer holds both: the whiteout is about what lies below, the entry is new.
      if (!S_ISDIR(info.st_mode)) return {};
      os::Fd directory(::openat(place.parent.get(), hidden.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      return make_opaque(directory);
    }
    if (::mknodat(place.parent.get(), hidden.c_str(), S_IFCHR, ::makedev(0, 0)) != 0) {
      return from_errno("making a whiteout", errno);
    }
    return {};
  }

  static Status make_opaque(const os::Fd& directory) {
    if (!directory.is_open()) return from_errno("opening an opaque directory", errno);
    if (::fsetxattr(directory.get(), "trusted.overlay.opaque", "y", 1, 0) != 0) {
      return from_errno("marking a directory opaque", errno);
    }
    return {};
  }

  Status make_file(const Place& place, const TarEntry& entry) {
    TRY(remove_existing(place));
    os::Fd file(
        ::openat(place.parent.get(), place.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.is_open()) return from_errno("creating a file", errno);
    for (const auto& extent : entry.extents) {
      if (extent.offset > 0 && ::lseek(file.get(), static_cast<off_t>(extent.offset), SEEK_SET) < 0) {
        return from_errno("seeking in a sparse file", errno);
      }
      for (std::uint64_t left = extent.size; left > 0;) {
        auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer_.size()));
        auto got = TRY(tar_.read(std::span(buffer_).first(piece)));
        if (got == 0) return corrupt("the archive ends in the middle of a file");
        TRY(os::write_all(file, std::span<const std::byte>(buffer_).first(got)));
        left -= got;
      }
    }
    bool ends_in_hole = entry.size > 0 &&
                        (entry.extents.empty() || entry.extents.back().offset + entry.extents.back().size < entry.size);
    if (ends_in_hole && ::ftruncate(file.get(), static_cast<off_t>(entry.size)) != 0) {
      return from_errno("sizing a sparse file", errno);
    }
    return set_attributes(file, entry);
  }

  Status make_directory(const Place& place, const TarEntry& entry) {
    struct stat info;
    bool exists = ::fstatat(place.parent.get(), place.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
    bool was_whiteout = exists && S_ISCHR(info.st_mode);
    if (exists && !S_ISDIR(info.st_mode)) TRY(remove_existing(place));
    if ((!exists || !S_ISDIR(info.st_mode)) && ::mkdirat(place.parent.get(), place.name.c_str(), 0700) != 0) {
      return from_errno("making a directory", errno);
    }
    os::Fd directory(::openat(place.parent.get(), place.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory.is_open()) return from_errno("opening a directory", errno);
    // The whiteout came first: what the lower layers have under this name stays hidden.
    if (was_whiteout) TRY(make_opaque(directory));
    directory_times_.push_back({entry.name, entry.modified});
    return set_attributes(directory, entry);
  }

  Status make_symbolic_link(const Place& place, const TarEntry& entry) {
    if (entry.link.empty()) return invalid("a symbolic link to nothing");
    TRY(remove_existing(place));
    // The text may say anything: it is only ever resolved inside a root.
    if (::symlinkat(entry.link.c_str(), place.parent.get(), place.name.c_str()) != 0) {
      return from_errno("making a symbolic link", errno);
    }
    return set_attributes_by_name(place, entry);
  }

  Status make_hard_link(const Place& place, const TarEntry& entry) {
    auto target = TRY(components_of(entry.link));
    if (target.empty()) return invalid("a hard link to nothing");
    auto name = target.back();
    target.pop_back();
    os::Fd parent(open_below(root_.get(), target.empty() ? "." : join(target, "/"), O_PATH | O_DIRECTORY));
    struct stat info;
    // Character devices in the tree are our whiteouts; a second name for one would hide another file.
    bool is_there = parent.is_open() && ::fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
                    !S_ISCHR(info.st_mode) && !S_ISDIR(info.st_mode);
    if (!is_there) return invalid(format("a hard link to {}, which the layer does not hold", printable(entry.link)));
    struct stat here;
    bool is_itself = ::fstatat(place.parent.get(), place.name.c_str(), &here, AT_SYMLINK_NOFOLLOW) == 0 &&
                     here.st_ino == info.st_ino && here.st_dev == info.st_dev;
    if (is_itself) return {};
    TRY(remove_existing(place));
    if (::linkat(parent.get(), name.c_str(), place.parent.get(), place.name.c_str(), 0) != 0) {
      return from_errno("making a hard link", errno);
    }
    return {};
  }

  Status make_fifo(const Place& place, const TarEntry& entry) {
    TRY(remove_existing(place));
    if (::mkfifoat(place.parent.get(), place.name.c_str(), 0600) != 0) return from_errno("making a fifo", errno);
    return set_attributes_by_name(place, entry);
  }

  // A later entry of the same name replaces the earlier one. remove_tree never follows a link, and the name is one
  // component below an open directory.
  Status remove_existing(const Place& place) {
    if (::unlinkat(place.parent.get(), place.name.c_str(), 0) == 0 || errno == ENOENT) return {};
    if (errno == EISDIR || errno == EPERM) {
      // The cached parent may be inside what goes.
      last_parent_.reset();
      return os::remove_tree(format("/proc/self/fd/{}/{}", place.parent.get(), place.name));
    }
    return from_errno("replacing an entry", errno);
  }

  static std::uint32_t id_of(std::uint64_t id) { return id > kIdMax ? kNobody : static_cast<std::uint32_t>(id); }

  static Status set_attributes(const os::Fd& fd, const TarEntry& entry) {
    // The owner first: a change of owner clears set-id bits.
    if (::fchown(fd.get(), id_of(entry.uid), id_of(entry.gid)) != 0) return from_errno("setting an owner", errno);
    if (::fchmod(fd.get(), entry.mode) != 0) return from_errno("setting a mode", errno);
    struct timespec times[2] = {{entry.modified, 0}, {entry.modified, 0}};
    if (::futimens(fd.get(), times) != 0) return from_errno("setting a time", errno);
    return {};
  }

  static Status set_attributes_by_name(const Place& place, const TarEntry& entry) {
    int at = place.parent.get();
    const char* name = place.name.c_str();
    if (::fchownat(at, name, id_of(entry.uid), id_of(entry.gid), AT_SYMLINK_NOFOLLOW) != 0) {
      return from_errno("setting an owner", errno);
    }
    if (entry.type == TarType::Fifo && ::fchmodat(at, name, entry.mode, 0) != 0) {
      return from_errno("setting a mode", errno);
    }
    struct timespec times[2] = {{entry.modified, 0}, {entry.modified, 0}};
    if (::utimensat(at, name, times, AT_SYMLINK_NOFOLLOW) != 0) return from_errno("setting a time", errno);
    return {};
  }

  // After everything else: creating an entry changes its directory's time.
  Status set_directory_times() {
    for (const auto& directory : directory_times_) {
      auto components = TRY(components_of(directory.path));
      os::Fd fd(open_below(root_.get(), join(components, "/"), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      if (!fd.is_open()) continue;  // replaced by a later entry
      struct timespec times[2] = {{directory.modified, 0}, {directory.modified, 0}};
      if (::futimens(fd.get(), times) != 0) return from_errno("setting a time", errno);
    }
    return {};
  }

  TarReader& tar_;
  const os::Fd& root_;
  const ExtractLimits limits_;
  std::vector<std::byte> buffer_;
  os::Fd last_parent_;
  std::vector<std::string> last_components_;
  std::vector<DirectoryTime> directory_times_;
  Extraction result_;
};

}  // namespace

Result<Extraction> extract_layer(TarReader& tar, const os::Fd& root, const ExtractLimits& limits) {
  return Extractor(tar, root, limits).run();
}

Result<os::Fd> open_directory_in(const os::Fd& root, const std::string& path) {
  return open_or_make(root, TRY(components_of(path)));
}

Result<std::string> read_file_in(const os::Fd& root, const std::string& path, std::size_t bytes_max) {
  // O_NONBLOCK: a fifo under this name must not hold us.
  os::Fd file(open_below(root.get(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  if (!file.is_open())
    return errno == ENOENT || errno == ENOTDIR ? Result<std::string>(std::string())
                                               : from_errno("opening " + path, errno);
  struct stat info;
  if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return invalid(path + " of the image is no regular file");
  return os::read_to_end(file, bytes_max);
}

}  // namespace pratique::run
