// Writing one layer's tar stream below a directory as an overlay lower layer. Every name in it is hostile.
//
// Nothing is opened by path: each entry's parent is opened below the root's descriptor with openat2 (RESOLVE_IN_ROOT,
// so that links of the layer resolve as they would inside the container and can never leave), and the last component is
// only ever created, never followed.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "os/fd.h"
#include "run/tar.h"

namespace pratique::run {

struct ExtractLimits {
  // Real images stay under 500,000 entries a layer; each costs an inode of the host.
  std::uint64_t entries_max = 5'000'000;
};

struct Extraction {
  std::uint64_t entries = 0;
  std::uint64_t devices_left_out = 0;
};

// Whiteouts become overlay's: a 0/0 character device, or trusted.overlay.opaque on the directory. Device nodes are left
// out (a container gets its own /dev) and extended attributes are not read, file capabilities among them.
// Invalid for names with "..", links to what the layer does not hold, and entries below files; Limit beyond `limits`.
Result<Extraction> extract_layer(TarReader& tar, const os::Fd& root, const ExtractLimits& limits = {});

// Opens a directory as seen from inside `root`, creating what is missing (0755, root's).
Result<os::Fd> open_directory_in(const os::Fd& root, const std::string& path);
// Reads a regular file as seen from inside `root`; "" when there is none.
Result<std::string> read_file_in(const os::Fd& root, const std::string& path, std::size_t bytes_max);

}  // namespace pratique::run
