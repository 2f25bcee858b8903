// A packed feed from hostile bytes: never more than the limit, whatever the headers promise.
#include <cstddef>
#include <cstdint>

#include "advisory/feed_file.h"
#include "base/check.h"

using namespace pratique;
using namespace pratique::advisory;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t kLimit = 1 << 20;
  std::string_view packed(reinterpret_cast<const char*>(data), size);
  for (auto unpacked : {gunzip(packed, kLimit), unxz(packed, kLimit)})
    if (unpacked.ok()) CHECK(unpacked->size() <= kLimit);
  return 0;
}
