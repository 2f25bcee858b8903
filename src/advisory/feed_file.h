// A feed's file, unpacked. Private to advisory.
#pragma once

#include <string>
#include <string_view>

#include "advisory/collector.h"
#include "base/result.h"

namespace pratique::advisory {

// Unpacked feeds are held in memory one at a time; Debian's tracker, the largest single one, has 80 MB.
inline constexpr std::uint64_t kFeedBytesMax = 2ull << 30;

enum class Packing { None, Gzip, Xz, Zip };
// By the first bytes, because a mirror's file names are not to be relied on.
Packing packing_of(std::string_view bytes);

// The file's content, unpacked if it is gzip or xz (a zip is left as it is), its raw bytes hashed into the collector.
// Corrupt for a damaged stream, Limit beyond kFeedBytesMax.
Result<std::string> read_feed(const std::string& path, Collector& collector);
// The first bytes of the content, at most `bytes_max`; for recognising a feed.
Result<std::string> peek_feed(const std::string& path, std::size_t bytes_max);

Result<std::string> gunzip(std::string_view packed, std::uint64_t bytes_max);
Result<std::string> unxz(std::string_view packed, std::uint64_t bytes_max);

}  // namespace pratique::advisory
