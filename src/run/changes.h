// What a job changed in its root file system: the upper layer of its overlay, read before it vanishes.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "run/run.h"

namespace pratique::run {

// Files and removed names below `upper`, at most kChangedFilesMax. Directories count only as the way to them.
std::vector<ChangedFile> list_changes(const std::string& upper);
// The bytes used on the file system at `path`.
std::uint64_t used_bytes(const std::string& path);
// The sizes of all files below a directory, each counted once.
std::uint64_t tree_bytes(const std::string& directory);

}  // namespace pratique::run
