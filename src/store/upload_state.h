// The state file of an upload: how many bytes are durable and what they hash to. Format: docs/formats/store.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pratique::store {

struct UploadState {
  std::uint64_t size = 0;  // bytes of the data file that were synced before this was written
  std::string sha256;      // lower-case hex, of those bytes
  bool operator==(const UploadState&) const = default;
};

// Larger is no state file: it has four short lines.
inline constexpr std::size_t kUploadStateBytesMax = 512;

std::string to_text(const UploadState& state);
// Corrupt for anything but what to_text writes.
Result<UploadState> parse_upload_state(std::string_view text);

// 32 lower-case hex digits: the only thing that may become a directory name below uploads/.
bool is_upload_id(std::string_view id);

}  // namespace pratique::store
