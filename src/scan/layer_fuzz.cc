// Any bytes at all read as a layer: inflate, tar, extractors, records. What is accepted keeps its promises.
#include <cstdint>

#include "base/check.h"
#include "scan/layer_reader.h"
#include "scan/path.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  using namespace pratique::scan;
  Limits limits;
  limits.uncompressed_bytes_max = 8 << 20;
  limits.entries_max = 10'000;
  Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  auto blob = oci::Digest::of({});
  auto inventory = read_layer(bytes, blob, limits);  // CHECKs that decode_records accepts what RecordWriter wrote
  if (!inventory.is_layer) CHECK(inventory.files.empty() && !inventory.diff_id);
  if (!inventory.diff_id && inventory.is_layer) CHECK(!inventory.gaps.empty(), "unread without a reason");
  for (const auto& file : inventory.files) CHECK(is_normalised(file.path));

  // The same in other pieces is the same.
  LayerInventory again{.blob = blob};
  std::string records;
  LayerReader reader(limits, DigestingOutput::Threads::One, [&](std::string_view part) { records += part; });
  std::size_t piece = 1 + size % 613;
  for (std::size_t at = 0; at < size; at += piece) reader.feed(bytes.subspan(at, std::min(piece, size - at)));
  reader.finish();
  CHECK(decode_records(records, limits, again).ok());
  // Damage may be noticed a few bytes earlier or later, depending on the pieces, which also decides whether enough came
  // before it to see that this is no archive. A sound layer reads the same.
  if (inventory.gaps.empty() && inventory.is_layer)
    CHECK(encode_records(again) == encode_records(inventory), "pieces matter");

  (void)merge({inventory, again});
  return 0;
}
