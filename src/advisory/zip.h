// The little of zip that feeds use: stored and deflated entries, zip64, read from memory. Private to advisory.
//
// Names are for messages only; nothing is ever written under them.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pratique::advisory {

struct ZipLimits {
  std::uint64_t entries_max = 2'000'000;        // all of OSV has 600,000 records
  std::uint64_t entry_bytes_max = 64ull << 20;  // the largest OSV record has 3 MB
  std::uint64_t total_bytes_max = 16ull << 30;  // and all of them together 6 GB
};

// Calls `visit` with name and content of each entry (directories excepted), in the order of the central directory. The
// content is valid until the next call. Corrupt for a damaged archive, Limit beyond `limits`, Invalid for encryption
// and other methods.
Status for_each_zip_entry(std::string_view archive, const ZipLimits& limits,
                          const std::function<Status(std::string_view name, std::string_view content)>& visit);

}  // namespace pratique::advisory
