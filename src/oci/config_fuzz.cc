// An accepted configuration has one instruction a layer and stays within its limits.
#include "base/check.h"
#include "oci/oci.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  auto parsed = oci::parse_image_config({reinterpret_cast<const char*>(data), size});
  if (!parsed.ok()) return 0;
  CHECK(parsed->diff_ids.size() <= oci::kLayersMax);
  CHECK(parsed->layer_instructions().size() == parsed->diff_ids.size());
  oci::chain_id(parsed->diff_ids);
  return 0;
}
