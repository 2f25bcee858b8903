// An archive whose checksums are always right: the fuzzer writes headers, this fixes their sums, so that it gets past
// them.
#include "scan/tar.h"

#include <cstdint>

#include "base/check.h"
#include "scan/layer_reader.h"
#include "scan/path.h"
#include "scan/test_archive.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  using namespace pratique::scan;
  std::string tar(reinterpret_cast<const char*>(data), size);
  tar.resize((size + 511) / 512 * 512, '\0');
  for (std::size_t at = 0; at < tar.size(); at += 512) {
    auto block = tar.substr(at, 512);
    // 'D' marks a block that is data; it keeps its bytes.
    if (block[148] != 'D' && block.find_first_not_of('\0') != std::string::npos)
      tar.replace(at, 512, pratique::scan::testing::RawHeader::with_checksum(block));
  }
  // A first byte that reads as plain, whatever the fuzzer wrote.
  auto inventory = pratique::scan::testing::read(scan::testing::Archive().file("first", "").open() + tar);
  CHECK(inventory.is_layer && inventory.diff_id);
  for (const auto& file : inventory.files) {
    CHECK(is_normalised(file.path));
    CHECK(file.path.size() <= Limits().path_bytes_max);
  }
  auto image = merge({inventory, inventory});
  CHECK(image.files <= inventory.files.size());
  return 0;
}
