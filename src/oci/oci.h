// What an image is: the nouns of the OCI image and distribution specifications as values that are valid if you hold
// one. Pure: no I/O, no network, no clock. Everybody may speak it. Value types; as thread-safe as std::string.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/result.h"

namespace pratique::oci {

enum class Algorithm { Sha256, Sha512 };

// A content address (image-spec descriptor.md, "Digests"): "sha256:" + 64 or "sha512:" + 128 lower-case hex digits.
class Digest {
 public:
  // Invalid for any other algorithm, length or upper case.
  static Result<Digest> parse(std::string_view text);
  static Digest of(Bytes bytes);  // sha256
  static Digest from(const Sha256::Sum& sum);
  static Digest from(const Sha512::Sum& sum);

  Algorithm algorithm() const { return algorithm_; }
  const std::string& encoded() const { return encoded_; }
  std::string to_string() const;
  // "sha256:0123456789ab": for people.
  std::string short_text() const;
  auto operator<=>(const Digest&) const = default;

 private:
  Digest(Algorithm algorithm, std::string encoded) : algorithm_(algorithm), encoded_(std::move(encoded)) {}
  Algorithm algorithm_;
  std::string encoded_;
};

// distribution-spec "Pulling manifests": lower-case components joined by "/", at most 255 bytes.
class RepositoryName {
 public:
  static Result<RepositoryName> parse(std::string_view text);
  const std::string& text() const { return text_; }
  std::string_view first_component() const;
  // What follows the first component and its "/"; empty for a name of one component.
  std::string_view after_first_component() const;
  auto operator<=>(const RepositoryName&) const = default;

 private:
  explicit RepositoryName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}
class Tag {
 public:
  static Result<Tag> parse(std::string_view text);
  const std::string& text() const { return text_; }
  auto operator<=>(const Tag&) const = default;

 private:
  explicit Tag(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// host[:port]/repository[:tag][@digest]. A reference without host takes `default_registry` ("docker.io", where a single
// component gets "library/"). Neither tag nor digest: the tag is "latest".
struct Reference {
  std::string registry;
  RepositoryName repository;
  std::optional<Tag> tag;
  std::optional<Digest> digest;

  static Result<Reference> parse(std::string_view text, std::string_view default_registry = "docker.io");
  std::string to_string() const;
};

// A tag or a digest: the last component of /v2/<name>/manifests/<reference>.
using ManifestReference = std::variant<Tag, Digest>;
Result<ManifestReference> parse_manifest_reference(std::string_view text);
std::string to_string(const ManifestReference& reference);

namespace media_type {
inline constexpr std::string_view kOciManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kOciIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kOciConfig = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view kOciLayer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view kOciLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr std::string_view kOciLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd";
inline constexpr std::string_view kOciEmpty = "application/vnd.oci.empty.v1+json";
inline constexpr std::string_view kDockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view kDockerManifestList = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view kDockerConfig = "application/vnd.docker.container.image.v1+json";
inline constexpr std::string_view kDockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";
inline constexpr std::string_view kDockerLayer = "application/vnd.docker.image.rootfs.diff.tar";
inline constexpr std::string_view kDockerForeignLayer = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
}  // namespace media_type

enum class Compression { None, Gzip, Zstd };

// What a layer's media type says about its bytes. Encrypted and foreign (non-distributable) layers cannot be judged.
struct LayerFormat {
  Compression compression = Compression::None;
  bool is_foreign = false;
  bool is_encrypted = false;
};
// nullopt for a media type that is no layer we know.
std::optional<LayerFormat> layer_format(std::string_view media_type);
bool is_manifest_type(std::string_view media_type);  // OCI or Docker image manifest
bool is_index_type(std::string_view media_type);     // OCI index or Docker manifest list
bool is_config_type(std::string_view media_type);    // OCI or Docker image configuration

struct Platform {
  std::string os;
  std::string architecture;
  std::string variant;
  std::string to_string() const;  // "linux/amd64"
  bool operator==(const Platform&) const = default;
};

struct Descriptor {
  std::string media_type;
  Digest digest;
  std::uint64_t size = 0;  // bytes
  std::vector<std::string> urls;
  std::map<std::string, std::string> annotations;
  std::optional<Platform> platform;
  std::string artifact_type;
};

// The limit of a manifest body (distribution-spec: "SHOULD accept at least 4 MiB").
inline constexpr std::size_t kManifestBytesMax = 4 << 20;
// An image of more layers than this cannot be mounted by any engine; a manifest that names more is hostile.
inline constexpr std::size_t kLayersMax = 1024;
inline constexpr std::size_t kIndexManifestsMax = 2048;

struct Manifest {
  std::string media_type;     // from the body, or from the Content-Type where the body has none
  std::string artifact_type;  // the manifest's own, else the config's media type where that is no image config
  Descriptor config;
  std::vector<Descriptor> layers;
  std::optional<Descriptor> subject;
  std::map<std::string, std::string> annotations;
  bool is_image() const;  // its config is an image configuration
};

struct Index {
  std::string media_type;
  std::string artifact_type;
  std::vector<Descriptor> manifests;
  std::optional<Descriptor> subject;
  std::map<std::string, std::string> annotations;
};

using ParsedManifest = std::variant<Manifest, Index>;

// Reads a manifest or index. `content_type` is the pushed Content-Type without parameters ("" if unknown); a body whose
// own mediaType contradicts it is Invalid. Unknown members are ignored (the bytes are kept elsewhere, exactly).
// Limit beyond kManifestBytesMax, kLayersMax or kIndexManifestsMax; Invalid for schema 1 and anything malformed.
Result<ParsedManifest> parse_manifest(std::string_view bytes, std::string_view content_type);

// The digests a manifest needs to be whole: config and layers (foreign layers with urls excepted), or the children.
struct References {
  std::vector<Descriptor> blobs;
  std::vector<Descriptor> manifests;
};
References references_of(const ParsedManifest& manifest);
const std::optional<Descriptor>& subject_of(const ParsedManifest& manifest);

struct HistoryEntry {
  std::string created;
  std::string created_by;  // the instruction that made the layer
  std::string comment;
  bool empty_layer = false;
};

// image-spec config.md.
struct ImageConfig {
  Platform platform;
  std::string created;
  std::string user;
  std::vector<std::string> env;
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::string working_dir;
  std::map<std::string, std::string> labels;
  std::vector<std::string> exposed_ports;
  std::vector<std::string> volumes;
  bool has_healthcheck = false;
  std::vector<Digest> diff_ids;  // digests of the uncompressed layers, lowest first
  std::vector<HistoryEntry> history;

  // The instruction of each layer, "" where history does not say; the size of diff_ids. History entries that are not
  // empty layers pair up with layers in order; when the counts differ, nothing is attributed.
  std::vector<std::string> layer_instructions() const;
};
// Real configurations are some KiB; podman and skopeo read no more than this either.
inline constexpr std::size_t kConfigBytesMax = 4 << 20;
// Absent and null members are empty; "rootfs" must be there. Limit beyond kConfigBytesMax and kLayersMax, else Invalid.
Result<ImageConfig> parse_image_config(std::string_view bytes);

// image-spec config.md "Layer ChainID". The digest of no bytes for an image without layers.
Digest chain_id(const std::vector<Digest>& diff_ids);

}  // namespace pratique::oci

template <>
struct std::hash<pratique::oci::Digest> {
  std::size_t operator()(const pratique::oci::Digest& digest) const noexcept {
    return std::hash<std::string>()(digest.encoded());
  }
};
