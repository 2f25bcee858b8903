#include "transport/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "base/format.h"
#include "base/json.h"
#include "base/text.h"
#include "os/file.h"
#include "transport/streams.h"
#include "transport/tar_writer.h"

namespace pratique::transport {

namespace {

constexpr int kDepthMax = 256;                    // a descriptor is open for each level
constexpr std::size_t kEntriesMax = 5'000'000;    // three times the largest research image seen
constexpr std::size_t kXattrBytesMax = 64 << 10;  // the kernel's own limit

struct Found {
  std::string name;  // from the root of the walk
  struct stat info;
};

class Walk {
 public:
  Walk(const os::Fd& out, dev_t device) : tar_(out), device_(device), buffer_(kCopyStep, '\0') {}

  Status run(os::Fd root) {
    TRY(enter(std::move(root), "", 0));
    return tar_.finish();
  }

 private:
  // Sorted by name, so that the same tree gives the same layer.
  Status enter(os::Fd directory, const std::string& prefix, int depth) {
    if (depth > kDepthMax)
      return over_limit(format("directories nested more than {} deep at {}", kDepthMax, printable(prefix)));
    for (const auto& name : TRY(names_in(directory, prefix))) {
      if (++entries_ > kEntriesMax) return over_limit(format("more than {} files", kEntriesMax));
      Found found{prefix + name, {}};
      if (::fstatat(directory.get(), name.c_str(), &found.info, AT_SYMLINK_NOFOLLOW) != 0)
        return problem("looking at", found.name);
      if (found.info.st_dev != device_) continue;
      TRY(visit(directory, name, found, depth));
    }
    return {};
  }

  Result<std::vector<std::string>> names_in(const os::Fd& directory, const std::string& prefix) {
    os::Fd own = TRY(directory.duplicate());
    std::unique_ptr<DIR, int (*)(DIR*)> list(::fdopendir(own.get()), ::closedir);
    if (!list) return problem("listing", prefix);
    own.release();
    std::vector<std::string> names;
    for (errno = 0; dirent* entry = ::readdir(list.get()); errno = 0) {
      std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return problem("listing", prefix);
    std::sort(names.begin(), names.end());
    return names;
  }

  Status visit(const os::Fd& parent, const std::string& name, const Found& found, int depth) {
    TarEntry entry = describe(found);
    switch (found.info.st_mode & S_IFMT) {
      case S_IFDIR:
        return add_directory(parent, name, entry, depth);
      case S_IFREG:
        return add_file(parent, name, entry, found.info);
      case S_IFLNK:
        return add_symlink(parent, name, entry);
      case S_IFCHR:
        return add_device(entry, '3', found.info.st_rdev);
      case S_IFBLK:
        return add_device(entry, '4', found.info.st_rdev);
      case S_IFIFO:
        entry.type = '6';
        return tar_.header(entry);
      default:
        return {};  // a socket has no meaning outside its process
    }
  }

  static TarEntry describe(const Found& found) {
    TarEntry entry;
    entry.name = found.name;
    entry.mode = found.info.st_mode & 07777;
    entry.user = found.info.st_uid;
    entry.group = found.info.st_gid;
    entry.modified = found.info.st_mtime;
    return entry;
  }

  Status add_directory(const os::Fd& parent, const std::string& name, TarEntry& entry, int depth) {
    entry.type = '5';
    TRY(tar_.header(entry));
    os::Fd child(::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!child.is_open()) return problem("opening", entry.name);
    return enter(std::move(child), entry.name + "/", depth + 1);
  }

  Status add_file(const os::Fd& parent, const std::string& name, TarEntry& entry, const struct stat& info) {
    if (info.st_nlink > 1) {
      auto [first, is_new] = linked_.try_emplace(info.st_ino, entry.name);
      if (!is_new) {
        entry.type = '1';
        entry.link = first->second;
        return tar_.header(entry);
      }
    }
    // Not blocking: the file may have become a FIFO since it was looked at.
    os::Fd file(::openat(parent.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.is_open()) return problem("opening", entry.name);
    entry.size = static_cast<std::uint64_t>(info.st_size);
    add_capabilities(file, entry);
    TRY(tar_.header(entry));
    return copy(file, entry);
  }

  // The only attribute that changes what a program may do: file capabilities.
  static void add_capabilities(const os::Fd& file, TarEntry& entry) {
    constexpr const char* kCapability = "security.capability";
    std::string value(kXattrBytesMax, '\0');
    ssize_t got = ::fgetxattr(file.get(), kCapability, value.data(), value.size());
    if (got > 0) entry.records[format("SCHILY.xattr.{}", kCapability)] = value.substr(0, static_cast<std::size_t>(got));
  }

  Status copy(const os::Fd& file, const TarEntry& entry) {
    auto room = std::as_writable_bytes(std::span(buffer_));
    for (std::uint64_t left = entry.size; left > 0;) {
      auto want = static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), left));
      std::size_t got = TRY(os::read_some(file, room.first(want)).with_context("reading " + printable(entry.name)));
      if (got == 0) return unavailable(format("{} shrank while it was read", printable(entry.name)));
      TRY(tar_.content(room.first(got)));
      left -= got;
    }
    return tar_.end_content();
  }

  Status add_symlink(const os::Fd& parent, const std::string& name, TarEntry& entry) {
    std::string target(PATH_MAX, '\0');
    ssize_t got = ::readlinkat(parent.get(), name.c_str(), target.data(), target.size());
    if (got < 0) return problem("reading the link", entry.name);
    entry.type = '2';
    entry.link = target.substr(0, static_cast<std::size_t>(got));
    return tar_.header(entry);
  }

  Status add_device(TarEntry& entry, char type, dev_t device) {
    entry.type = type;
    entry.device_major = major(device);
    entry.device_minor = minor(device);
    return tar_.header(entry);
  }

  static Error problem(std::string_view doing, const std::string& name) {
    int number = errno;
    auto error = from_errno(format("{} {}", doing, name.empty() ? "the directory" : printable(name)), number);
    return number == EACCES || number == EPERM ? denied(error.message()) : error;
  }

  TarWriter tar_;
  dev_t device_;
  std::string buffer_;
  std::size_t entries_ = 0;
  std::map<ino_t, std::string> linked_;
};

class DirectoryBlobs final : public BlobSource {
 public:
  DirectoryBlobs(std::string config, os::Fd layer, oci::Descriptor layer_descriptor)
      : config_(std::move(config)), layer_(std::move(layer)), descriptor_(std::move(layer_descriptor)) {}
  Result<std::unique_ptr<BlobStream>> open(const oci::Descriptor& wanted) const override {
    if (wanted.digest == descriptor_.digest) return file_stream(layer_, 0, descriptor_.size);
    return memory_stream(config_);
  }

 private:
  std::string config_;
  os::Fd layer_;
  oci::Descriptor descriptor_;
};

std::string make_config(const oci::Platform& platform, const oci::Digest& diff_id) {
  Json roots = Json::object(), step = Json::object(), json = Json::object();
  roots.set("type", "layers").set("diff_ids", Json::array({diff_id.to_string()}));
  step.set("created_by", "a directory read by pratique");
  json.set("architecture", platform.architecture).set("os", platform.os).set("config", Json::object());
  json.set("rootfs", std::move(roots)).set("history", Json::array({std::move(step)}));
  return json.dump();
}

}  // namespace

Result<std::unique_ptr<Image>> open_directory(const std::string& path, const oci::Platform& platform) {
  os::Fd root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root.is_open()) return from_errno("opening " + path, errno);
  struct stat info;
  if (::fstat(root.get(), &info) != 0) return from_errno("looking at " + path, errno);
  os::Fd scratch = TRY(scratch_file());
  TRY(Walk(scratch, info.st_dev).run(std::move(root)).with_context("reading " + path));
  auto size = TRY(os::file_size(scratch));
  auto stream = TRY(file_stream(scratch, 0, size));
  auto measured = TRY(measure(*stream));
  oci::Descriptor layer{.media_type = std::string(oci::media_type::kOciLayer), .digest = measured.digest, .size = size};
  std::string bytes = make_config(platform, measured.digest);
  oci::Descriptor config{.media_type = std::string(oci::media_type::kOciConfig),
                         .digest = oci::Digest::of(as_bytes(bytes)),
                         .size = bytes.size()};
  auto document = TRY(synthesise_manifest(config, {layer}));
  return make_image(std::move(document), std::make_unique<DirectoryBlobs>(std::move(bytes), std::move(scratch), layer));
}

}  // namespace pratique::transport
