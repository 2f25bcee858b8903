// Names out of an accepted manifest.json stay inside the archive, and every entry can be chosen by its number.
#include "transport/docker_manifest.h"

#include "base/check.h"
#include "base/format.h"
#include "oci/oci.h"
#include "transport/tar_index.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  auto entries = transport::parse_docker_manifest({reinterpret_cast<const char*>(data), size});
  if (!entries.ok()) return 0;
  CHECK(!entries->empty());
  for (std::size_t i = 0; i < entries->size(); ++i) {
    const auto& entry = (*entries)[i];
    CHECK(entry.layers.size() <= oci::kLayersMax);
    CHECK(transport::clean_member_name(entry.config) == entry.config);
    for (const auto& layer : entry.layers) CHECK(transport::clean_member_name(layer) == layer);
    CHECK(transport::choose_entry(*entries, format("@{}", i)).ok());
  }
  return 0;
}
