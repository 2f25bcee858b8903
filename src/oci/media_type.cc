#include <array>

#include "base/text.h"
#include "oci/oci.h"

namespace pratique::oci {

namespace {

struct LayerRow {
  std::string_view media_type;
  Compression compression;
  bool is_foreign;
};

constexpr std::string_view kOciForeign = "application/vnd.oci.image.layer.nondistributable.v1.tar";
constexpr std::string_view kOciForeignGzip = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
constexpr std::string_view kOciForeignZstd = "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd";
// BuildKit writes this one when told to use zstd in a Docker manifest.
constexpr std::string_view kDockerLayerZstd = "application/vnd.docker.image.rootfs.diff.tar.zstd";
constexpr std::string_view kDockerForeignPlain = "application/vnd.docker.image.rootfs.foreign.diff.tar";

constexpr std::array kLayers{
    LayerRow{media_type::kOciLayer, Compression::None, false},
    LayerRow{media_type::kOciLayerGzip, Compression::Gzip, false},
    LayerRow{media_type::kOciLayerZstd, Compression::Zstd, false},
    LayerRow{kOciForeign, Compression::None, true},
    LayerRow{kOciForeignGzip, Compression::Gzip, true},
    LayerRow{kOciForeignZstd, Compression::Zstd, true},
    LayerRow{media_type::kDockerLayer, Compression::None, false},
    LayerRow{media_type::kDockerLayerGzip, Compression::Gzip, false},
    LayerRow{kDockerLayerZstd, Compression::Zstd, false},
    LayerRow{kDockerForeignPlain, Compression::None, true},
    LayerRow{media_type::kDockerForeignLayer, Compression::Gzip, true},
};

constexpr std::string_view kEncrypted = "+encrypted";  // ocicrypt appends it to any of the above

}  // namespace

std::optional<LayerFormat> layer_format(std::string_view media_type) {
  bool is_encrypted = media_type.ends_with(kEncrypted);
  if (is_encrypted) media_type.remove_suffix(kEncrypted.size());
  for (const auto& row : kLayers) {
    if (row.media_type == media_type) return LayerFormat{row.compression, row.is_foreign, is_encrypted};
  }
  return std::nullopt;
}

bool is_manifest_type(std::string_view media_type) {
  return media_type == media_type::kOciManifest || media_type == media_type::kDockerManifest;
}

bool is_index_type(std::string_view media_type) {
  return media_type == media_type::kOciIndex || media_type == media_type::kDockerManifestList;
}

bool is_config_type(std::string_view media_type) {
  return media_type == media_type::kOciConfig || media_type == media_type::kDockerConfig;
}

std::string Platform::to_string() const {
  std::string text = os + "/" + architecture;
  return variant.empty() ? text : text + "/" + variant;
}

}  // namespace pratique::oci
