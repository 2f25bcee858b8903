#include "transport/stored_image.h"

#include <algorithm>
#include <set>

#include "base/format.h"
#include "base/json.h"
#include "base/text.h"
#include "transport/streams.h"

namespace pratique::transport {

namespace {

// Layouts nest an index in index.json, builders nest one more; a chain beyond that is hostile.
constexpr int kIndexDepthMax = 4;

class StoredImage final : public Image {
 public:
  StoredImage(ManifestDocument document, std::unique_ptr<BlobSource> source)
      : document_(std::move(document)), source_(std::move(source)) {}

  const std::string& manifest_bytes() const override { return document_.bytes; }
  const std::string& manifest_type() const override { return document_.type; }
  const oci::Manifest& manifest() const override { return document_.manifest; }
  Result<std::unique_ptr<BlobStream>> open_blob(const oci::Descriptor& descriptor) override {
    return verified(TRY(source_->open(descriptor)), descriptor);
  }
  Status read_range(const oci::Descriptor& descriptor, std::uint64_t offset, std::uint64_t length,
                    const std::function<Status(Bytes)>& sink) override {
    return source_->read_range(descriptor, offset, length, sink);
  }

 private:
  ManifestDocument document_;
  std::unique_ptr<BlobSource> source_;
};

// BuildKit stores provenance and bills of materials beside the images, for the platform "unknown/unknown".
bool is_attestation(const oci::Descriptor& child) {
  if (child.annotations.count("vnd.docker.reference.type") != 0) return true;
  return child.platform && child.platform->os == "unknown" && child.platform->architecture == "unknown";
}

// arm64 has one variant in practice, and it is written or left out at the builder's whim.
std::string_view plain_variant(const oci::Platform& platform) {
  if (platform.architecture == "arm64" && platform.variant == "v8") return "";
  return platform.variant;
}

bool is_for(const oci::Descriptor& child, const oci::Platform& wanted) {
  return child.platform && child.platform->os == wanted.os && child.platform->architecture == wanted.architecture;
}

Error no_such_platform(const std::vector<oci::Descriptor>& children, const oci::Platform& wanted) {
  std::set<std::string> there;
  for (const auto& child : children) {
    if (child.platform && !is_attestation(child)) there.insert(printable(child.platform->to_string()));
  }
  if (there.empty()) return not_found(format("the index holds no image for {}", wanted.to_string()));
  return not_found(format("the index holds no image for {}; it has {}", wanted.to_string(),
                          join({there.begin(), there.end()}, ", ")));
}

Result<std::string> fetch(const oci::Descriptor& descriptor, const BlobSource& source) {
  if (descriptor.size > oci::kManifestBytesMax) {
    return over_limit(format("manifest {} has {} bytes; at most {} are read", descriptor.digest.short_text(),
                             descriptor.size, oci::kManifestBytesMax));
  }
  auto stream = verified(TRY(source.open(descriptor)), descriptor);
  return read_all(*stream, oci::kManifestBytesMax);
}

Json to_json(const oci::Descriptor& descriptor) {
  Json json = Json::object();
  json.set("mediaType", descriptor.media_type).set("digest", descriptor.digest.to_string());
  return json.set("size", descriptor.size);
}

}  // namespace

Result<oci::Descriptor> choose_child(const std::vector<oci::Descriptor>& children, const oci::Platform& platform) {
  const oci::Descriptor* best = nullptr;
  const oci::Descriptor* bare = nullptr;
  int bare_count = 0;
  for (const auto& child : children) {
    if (is_attestation(child)) continue;
    if (!child.platform) bare = &child, ++bare_count;
    if (!is_for(child, platform)) continue;
    bool is_exact = plain_variant(*child.platform) == plain_variant(platform);
    if (is_exact) return child;
    // Asked for no variant in particular, any is better than none; asked for one, only that will do.
    if (!best && platform.variant.empty()) best = &child;
  }
  if (best) return *best;
  if (bare_count == 1) return *bare;
  return no_such_platform(children, platform);
}

Result<ManifestDocument> resolve(std::string bytes, std::string_view content_type, const oci::Platform& platform,
                                 const BlobSource& source) {
  std::string type(content_type);
  for (int depth = 0; depth < kIndexDepthMax; ++depth) {
    auto parsed = TRY(oci::parse_manifest(bytes, type));
    if (auto manifest = std::get_if<oci::Manifest>(&parsed)) {
      type = manifest->media_type;
      return ManifestDocument{std::move(bytes), std::move(type), std::move(*manifest)};
    }
    auto child = TRY(choose_child(std::get<oci::Index>(parsed).manifests, platform));
    bytes = TRY(fetch(child, source));
    type = child.media_type;
  }
  return over_limit(format("indexes are nested more than {} deep", kIndexDepthMax));
}

Result<ManifestDocument> resolve(const oci::Descriptor& descriptor, const oci::Platform& platform,
                                 const BlobSource& source) {
  auto bytes = TRY(fetch(descriptor, source));
  return resolve(std::move(bytes), descriptor.media_type, platform, source);
}

Status Image::read_range(const oci::Descriptor&, std::uint64_t, std::uint64_t, const std::function<Status(Bytes)>&) {
  return refused("blobs are read whole here");
}

Status BlobSource::read_range(const oci::Descriptor&, std::uint64_t, std::uint64_t,
                              const std::function<Status(Bytes)>&) const {
  return refused("blobs are read whole here");
}

std::vector<oci::Descriptor> blobs_of(const Image& image) {
  auto blobs = oci::references_of(oci::ParsedManifest(image.manifest())).blobs;
  if (!blobs.empty()) std::rotate(blobs.begin(), blobs.begin() + 1, blobs.end());
  return blobs;
}

std::unique_ptr<Image> make_image(ManifestDocument document, std::unique_ptr<BlobSource> source) {
  return std::make_unique<StoredImage>(std::move(document), std::move(source));
}

Result<ManifestDocument> synthesise_manifest(const oci::Descriptor& config,
                                             const std::vector<oci::Descriptor>& layers) {
  Json list = Json::array();
  for (const auto& layer : layers) list.push(to_json(layer));
  Json json = Json::object();
  json.set("schemaVersion", 2).set("mediaType", oci::media_type::kOciManifest);
  json.set("config", to_json(config)).set("layers", std::move(list));
  std::string bytes = json.dump();
  auto parsed = TRY(oci::parse_manifest(bytes, oci::media_type::kOciManifest));
  return ManifestDocument{std::move(bytes), std::string(oci::media_type::kOciManifest),
                          std::get<oci::Manifest>(std::move(parsed))};
}

}  // namespace pratique::transport
