// An archive file made ready for random access.
#pragma once

#include <string>

#include "base/result.h"
#include "os/fd.h"

namespace pratique::transport {

// Layers of research images reach 40 GB; what grows beyond this on our disk is a bomb.
inline constexpr std::uint64_t kUnpackedBytesMax = std::uint64_t{128} << 30;

// A plain tar as it is; a gzip one, and anything that is no regular file (a pipe), through an unnamed temporary file.
// Limit beyond `bytes_max` unpacked bytes; Corrupt for broken gzip data.
Result<os::Fd> open_archive(const std::string& path, std::uint64_t bytes_max = kUnpackedBytesMax);

}  // namespace pratique::transport
