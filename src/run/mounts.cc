#include "run/mounts.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/format.h"
#include "base/text.h"
#include "os/file.h"
#include "os/process.h"
#include "run/cgroup.h"
#include "run/helper_process.h"

// From sys/mount.h, which cannot be included beside linux/mount.h in the C library of Debian 12.
extern "C" int mount(const char*, const char*, const char*, unsigned long, const void*) noexcept;
extern "C" int umount2(const char*, int) noexcept;

namespace pratique::run {

namespace {

// OVL_MAX_STACK of the kernel.
constexpr std::size_t kLowersMax = 500;
// mount(2) copies one page of options.
constexpr std::size_t kMountDataMax = 4095;
constexpr int kDetach = 2;  // MNT_DETACH
// Another program may take the free loop device between the question and the answer.
constexpr int kLoopAttempts = 16;
constexpr std::chrono::seconds kMakeFileSystemMax{60};

// Holds a user namespace until we have it open.
__attribute__((no_sanitize("address", "undefined"))) int sleep_until_killed(void*) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (;;) ::syscall(SYS_pause);
}

Status write_map(const std::string& path, const IdMap& map) {
  os::Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.is_open()) return from_errno("opening " + path, errno);
  return os::write_all(file, as_bytes(format("{} {} {}", map.inside, map.outside, map.count)));
}

Result<os::Fd> nameless_file(const std::string& directory, std::uint64_t bytes) {
  os::Fd file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file.is_open()) return from_errno("making a nameless file in " + directory, errno);
  if (::ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) return from_errno("sizing the scratch file", errno);
  return file;
}

// No journal and no initialised tables: nothing on it is to survive, so nothing needs to be consistent after a crash.
Status make_file_system(const os::Fd& file) {
  os::Command command{
      .program = "mkfs.ext4",
      .args = {"-q", "-F", "-m", "0", "-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard", "/dev/fd/3"},
      .fd_map = {{file.get(), 3}},
      .in_calling_thread = true};
  auto output = TRY(os::run(command, {}, kMakeFileSystemMax));
  if (!output.exit.ok()) return unavailable("mkfs.ext4: " + printable(trim(output.err)));
  return {};
}

// The device frees itself when the mount is gone.
Result<LoopDisk> attach_loop(const os::Fd& file) {
  os::Fd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!control.is_open()) return from_errno("opening /dev/loop-control", errno);
  for (int attempt = 0; attempt < kLoopAttempts; ++attempt) {
    int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return from_errno("finding a free loop device", errno);
    auto path = format("/dev/loop{}", number);
    os::Fd device(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!device.is_open()) return from_errno("opening " + path, errno);
    struct loop_config config = {};
    config.fd = static_cast<std::uint32_t>(file.get());
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) return LoopDisk{std::move(device), path};
    if (errno != EBUSY) return from_errno("attaching " + path, errno);
  }
  return unavailable("every free loop device was taken by somebody else");
}

}  // namespace

Result<os::Fd> make_user_namespace(const IdMap& users, const IdMap& groups) {
  auto sleeper = TRY(HelperProcess::start(sleep_until_killed, nullptr, CLONE_NEWUSER));
  auto process = format("/proc/{}", sleeper.pid());
  TRY(write_map(process + "/uid_map", users));
  TRY(write_map(process + "/gid_map", groups));
  os::Fd result(::open((process + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC));
  if (!result.is_open()) return from_errno("opening a user namespace", errno);
  return result;
}

Result<os::Fd> clone_tree(const os::Fd& directory, const TreeOptions& options) {
  os::Fd tree(static_cast<int>(
      ::syscall(SYS_open_tree, directory.get(), "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  if (!tree.is_open()) return from_errno("copying a mount", errno);
  struct mount_attr attributes = {};
  attributes.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  if (options.read_only) attributes.attr_set |= MOUNT_ATTR_RDONLY;
  if (options.no_execution) attributes.attr_set |= MOUNT_ATTR_NOEXEC;
  if (::syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
    return from_errno("restricting a mount", errno);
  }
  return tree;
}

Status map_ids(const os::Fd& tree, const os::Fd& user_namespace) {
  struct mount_attr attributes = {};
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<std::uint64_t>(user_namespace.get());
  if (::syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
    return from_errno("mapping the owners of a mount", errno);
  }
  return {};
}

Status attach_tree(const os::Fd& tree, const std::string& at) {
  if (::syscall(SYS_move_mount, tree.get(), "", AT_FDCWD, at.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    return from_errno("mounting at " + at, errno);
  }
  return {};
}

Status enter_private_mounts() {
  if (::unshare(CLONE_NEWNS) != 0) return from_errno("making a mount namespace", errno);
  // Slave, not private: what the host unmounts goes here, too, and ours never reaches the host.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return from_errno("separating mounts", errno);
  auto mounts = parse_cgroup_mounts(TRY(os::read_file("/proc/thread-self/mountinfo", 16 << 20)));
  bool has_v1 = std::ranges::any_of(mounts, [](const CgroupMount& mount) { return !mount.is_v2; });
  for (const auto& mount : mounts) {
    if (!has_v1 || !mount.is_v2) continue;
    if (::umount2(mount.directory.c_str(), kDetach) != 0) return from_errno("hiding " + mount.directory, errno);
  }
  return {};
}

Status mount_tmpfs(const std::string& at, std::uint64_t bytes, unsigned mode) {
  auto data = format("mode={:o},size={}", mode, bytes);
  if (::mount("tmpfs", at.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, data.c_str()) != 0) {
    return from_errno("mounting a tmpfs at " + at, errno);
  }
  return {};
}

Result<LoopDisk> make_loop_disk(const std::string& directory, std::uint64_t bytes) {
  auto file = TRY(nameless_file(directory, bytes));
  TRY(make_file_system(file));
  return attach_loop(file);
}

Status mount_disk(const LoopDisk& disk, const std::string& at) {
  if (::mount(disk.path.c_str(), at.c_str(), "ext4", MS_NOSUID | MS_NODEV | MS_NOATIME, "nobarrier") != 0) {
    return from_errno("mounting " + disk.path, errno);
  }
  return {};
}

Status mount_overlay(const std::string& at, const Overlay& overlay) {
  if (overlay.lower_names.size() > kLowersMax) {
    return over_limit(format("the image has more than {} layers, which the kernel cannot stack", kLowersMax));
  }
  // The uppermost comes first. Names are relative, because one page has to hold all of them.
  std::vector<std::string> lowers(overlay.lower_names.rbegin(), overlay.lower_names.rend());
  auto data = format("lowerdir={},upperdir={},workdir={},volatile", join(lowers, ":"), overlay.upper, overlay.work);
  if (data.size() > kMountDataMax) return over_limit("the image has too many layers to mount");
  if (::chdir(overlay.lower_directory.c_str()) != 0) return from_errno("entering the layers", errno);
  if (::mount("overlay", at.c_str(), "overlay", MS_NOSUID | MS_NODEV, data.c_str()) != 0) {
    return from_errno("stacking the layers", errno);
  }
  return {};
}

}  // namespace pratique::run
