// What the runner mounts, and where: all of it in a mount namespace of one thread, so that the kernel takes everything
// away when that thread and its children are gone, however they went.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/fd.h"

namespace pratique::run {

// A run of ids: `inside` (on disk) appear as `outside` (on the host).
struct IdMap {
  std::uint32_t inside = 0, outside = 0, count = 0;
};

// A user namespace nobody is in, for its mapping.
Result<os::Fd> make_user_namespace(const IdMap& users, const IdMap& groups);

struct TreeOptions {
  bool read_only = false;
  bool no_execution = false;
};

// A detached copy of the mount at a directory, always nosuid and nodev. Submounts are not part of it.
Result<os::Fd> clone_tree(const os::Fd& directory, const TreeOptions& options);
// Shifts the owners seen through a detached tree. Unavailable where its file system cannot.
Status map_ids(const os::Fd& tree, const os::Fd& user_namespace);
Status attach_tree(const os::Fd& tree, const std::string& at);

// From here on this thread has mounts of its own and an own working directory; the version 2 control group mount is out
// of sight where version 1 is in use (crun refuses the mixture).
Status enter_private_mounts();
Status mount_tmpfs(const std::string& at, std::uint64_t bytes, unsigned mode);
// An ext4 file system in a file that has no name (below `directory`) and is gone with the mount.
struct LoopDisk {
  os::Fd device;
  std::string path;
};
Result<LoopDisk> make_loop_disk(const std::string& directory, std::uint64_t bytes);
Status mount_disk(const LoopDisk& disk, const std::string& at);
// `lower_names` are directories below `lower_directory`, lowest layer first. Limit beyond what overlay stacks.
struct Overlay {
  std::string lower_directory;
  std::vector<std::string> lower_names;
  std::string upper, work;
};
Status mount_overlay(const std::string& at, const Overlay& overlay);

}  // namespace pratique::run
