// What a worker may say: whatever is believed must be exactly what we would have said.
#include "scan/records.h"

#include <cstdint>

#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  using namespace pratique::scan;
  LayerInventory inventory{.blob = oci::Digest::of({})};
  Limits limits;
  limits.entries_max = 1'000;
  if (!decode_records({reinterpret_cast<const char*>(data), size}, limits, inventory).ok()) return 0;
  auto bytes = encode_records(inventory);
  LayerInventory again{.blob = inventory.blob};
  CHECK(decode_records(bytes, limits, again).ok());
  CHECK(encode_records(again) == bytes);
  (void)merge({inventory});
  return 0;
}
