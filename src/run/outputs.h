// The directories of the caller that a job sees, and who owns what is written there.
//
// Inside, the directory's owner appears as the job's user: the job can read what the owner can, and what it writes is
// the owner's from the first byte. Where a file system cannot map ids, the job's own host id owns the outputs until
// give_back().
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "os/fd.h"

namespace pratique::run {

struct SharedDirectory {
  std::string path;  // absolute
  os::Fd fd;         // O_PATH
  std::uint32_t uid = 0, gid = 0;
  bool is_directory = true;
  std::uint64_t device = 0, inode = 0;  // which directory it is, whatever its path names later
};

// NotFound when there is none, Invalid when it is no directory.
Result<SharedDirectory> open_shared_directory(const std::string& path);
// The same for files, too.
Result<SharedDirectory> open_shared(const std::string& path);
// For what somebody else opened.
Result<SharedDirectory> shared_from(os::Fd fd, const std::string& path);
// Lends it to a host id.
Status lend(const SharedDirectory& directory, std::uint32_t uid, std::uint32_t gid);
// Everything below that belongs to host ids of jobs becomes the owner's, without set-id bits. Never follows a link.
Status give_back(const SharedDirectory& directory, std::uint32_t first_host_id);

}  // namespace pratique::run
