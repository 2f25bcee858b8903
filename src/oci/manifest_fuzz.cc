// An accepted manifest is unambiguous: it reads the same with its own type as Content-Type, within its limits.
#include "base/check.h"
#include "oci/oci.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto parsed = oci::parse_manifest(text, "");
  if (!parsed.ok()) return 0;
  auto references = oci::references_of(*parsed);
  if (auto index = std::get_if<oci::Index>(&*parsed)) {
    CHECK(oci::is_index_type(index->media_type));
    CHECK(index->manifests.size() <= oci::kIndexManifestsMax && references.blobs.empty());
    CHECK(oci::parse_manifest(text, index->media_type).ok());
    CHECK(!oci::parse_manifest(text, oci::media_type::kOciManifest).ok());
  } else {
    const auto& manifest = std::get<oci::Manifest>(*parsed);
    CHECK(oci::is_manifest_type(manifest.media_type) && !manifest.config.media_type.empty());
    CHECK(manifest.layers.size() <= oci::kLayersMax && references.manifests.empty() && !references.blobs.empty());
    CHECK(oci::parse_manifest(text, manifest.media_type).ok());
    CHECK(!oci::parse_manifest(text, oci::media_type::kOciIndex).ok());
  }
  return 0;
}
