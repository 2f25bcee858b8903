// A zip archive from hostile bytes.
#include <cstddef>
#include <cstdint>

#include "advisory/zip.h"
#include "base/check.h"

using namespace pratique;
using namespace pratique::advisory;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr ZipLimits kLimits{.entries_max = 1'000, .entry_bytes_max = 1 << 16, .total_bytes_max = 1 << 20};
  std::uint64_t total = 0;
  Status status =
      for_each_zip_entry({reinterpret_cast<const char*>(data), size}, kLimits, [&](auto, std::string_view content) {
        total += content.size();
        CHECK(content.size() <= kLimits.entry_bytes_max);
        return Status();
      });
  CHECK(total <= kLimits.total_bytes_max);
  if (!status.ok()) {
    CHECK(status.error().kind() == ErrorKind::Corrupt || status.error().kind() == ErrorKind::Limit ||
          status.error().kind() == ErrorKind::Invalid);
  }
  return 0;
}
