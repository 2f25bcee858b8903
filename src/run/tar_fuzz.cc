// Whatever the bytes: names are bounded and whole, sparse maps add up, and no more content comes out than went in.
#include "run/tar.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <vector>

#include "base/check.h"

namespace {

// Makes every block a header with a right checksum: random bytes would hardly get past it.
void seal(std::vector<std::byte>& bytes) {
  for (std::size_t at = 0; at + 512 <= bytes.size(); at += 512) {
    auto block = std::span(bytes).subspan(at, 512);
    std::memset(block.data() + 148, ' ', 8);
    unsigned sum = 0;
    for (auto byte : block) sum += std::to_integer<unsigned>(byte);
    std::snprintf(reinterpret_cast<char*>(block.data() + 148), 8, "%06o", sum);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  if (size > 0 && data[size - 1] % 2 == 0) seal(bytes);
  std::size_t at = 0, produced = 0;
  run::TarReader tar([&](std::span<std::byte> buffer) -> Result<std::size_t> {
    auto count = std::min(buffer.size(), size - at);
    if (count > 0) std::memcpy(buffer.data(), bytes.data() + at, count);
    at += count;
    return count;
  });
  for (;;) {
    auto entry = tar.next();
    if (!entry || !*entry) break;
    CHECK((*entry)->name.size() <= 4096 && (*entry)->name.find('\0') == std::string::npos);
    CHECK((*entry)->type == run::TarType::File || ((*entry)->size == 0 && (*entry)->extents.empty()));
    std::uint64_t end = 0, promised = 0, got_in_all = 0;
    for (const auto& extent : (*entry)->extents) {
      CHECK(extent.offset >= end && extent.offset + extent.size <= (*entry)->size);
      end = extent.offset + extent.size;
      promised += extent.size;
    }
    std::array<std::byte, 4096> buffer;
    for (;;) {
      auto got = tar.read(buffer);
      if (!got || *got == 0) {
        CHECK(!got || got_in_all == promised);
        break;
      }
      got_in_all += *got;
      produced += *got;
    }
    CHECK(produced <= size);
  }
  return 0;
}
