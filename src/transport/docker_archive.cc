#include "transport/docker_archive.h"

#include <map>

#include "base/format.h"
#include "base/text.h"
#include "transport/docker_manifest.h"
#include "transport/layout.h"
#include "transport/streams.h"

namespace pratique::transport {

namespace {

// Blobs under the names manifest.json gave them; one file may serve as several layers.
class NamedBlobs final : public BlobSource {
 public:
  NamedBlobs(std::unique_ptr<Tree> tree, std::map<oci::Digest, std::string> names)
      : tree_(std::move(tree)), names_(std::move(names)) {}
  Result<std::unique_ptr<BlobStream>> open(const oci::Descriptor& descriptor) const override {
    auto found = names_.find(descriptor.digest);
    if (found == names_.end()) return not_found(format("the archive has no {}", descriptor.digest.to_string()));
    return tree_->open(found->second);
  }

 private:
  std::unique_ptr<Tree> tree_;
  std::map<oci::Digest, std::string> names_;
};

// Docker writes plain tars; kaniko, jib and bazel write compressed ones under the same names.
Result<std::string_view> layer_type(const Tree& tree, const std::string& name) {
  auto stream = TRY(tree.open(name));
  std::array<std::byte, 4> magic{};
  std::size_t have = 0;
  while (have < magic.size()) {
    std::size_t got = TRY(stream->read(std::span(magic).subspan(have)));
    if (got == 0) break;
    have += got;
  }
  auto front = as_text(Bytes(magic).first(have));
  if (front.starts_with("\x1f\x8b")) return oci::media_type::kOciLayerGzip;
  if (front == "\x28\xb5\x2f\xfd") return oci::media_type::kOciLayerZstd;
  return oci::media_type::kOciLayer;
}

Result<oci::Descriptor> describe_layer(const Tree& tree, const std::string& name, const oci::Digest& diff_id) {
  auto type = TRY(layer_type(tree, name));
  auto stream = TRY(tree.open(name));
  auto measured = TRY(measure(*stream));
  if (type == oci::media_type::kOciLayer && measured.digest != diff_id) {
    return corrupt(
        format("the config says {}, the bytes hash to {}", diff_id.to_string(), measured.digest.to_string()));
  }
  return oci::Descriptor{.media_type = std::string(type), .digest = measured.digest, .size = measured.size};
}

// The id of a layer is its sha256 in every archive docker ever wrote; another algorithm cannot be compared here.
Result<oci::ImageConfig> read_config(const std::string& bytes, std::size_t layers) {
  auto config = TRY(oci::parse_image_config(bytes));
  if (config.diff_ids.size() != layers) {
    return corrupt(format("the config names {} layers, manifest.json {}", config.diff_ids.size(), layers));
  }
  return config;
}

Result<std::unique_ptr<Image>> open_legacy(std::unique_ptr<Tree> tree, const DockerArchiveEntry& entry) {
  auto bytes = TRY(read_document(*tree, entry.config, oci::kConfigBytesMax));
  auto parsed = TRY(read_config(bytes, entry.layers.size()).with_context(entry.config));
  oci::Descriptor config{.media_type = std::string(oci::media_type::kOciConfig),
                         .digest = oci::Digest::of(as_bytes(bytes)),
                         .size = bytes.size()};
  std::map<oci::Digest, std::string> names{{config.digest, entry.config}};
  std::vector<oci::Descriptor> layers;
  for (std::size_t i = 0; i < entry.layers.size(); ++i) {
    const auto& name = entry.layers[i];
    layers.push_back(TRY(describe_layer(*tree, name, parsed.diff_ids[i]).with_context("layer " + printable(name))));
    names.emplace(layers.back().digest, name);
  }
  auto document = TRY(synthesise_manifest(config, layers));
  return make_image(std::move(document), std::make_unique<NamedBlobs>(std::move(tree), std::move(names)));
}

}  // namespace

Result<std::unique_ptr<Image>> open_docker_tree(std::unique_ptr<Tree> tree, std::string_view name,
                                                const oci::Platform& platform) {
  if (has_file(*tree, kLayoutFile) && !name.starts_with('@')) return open_layout(std::move(tree), name, platform);
  if (!has_file(*tree, kDockerManifestFile)) {
    if (!has_file(*tree, "repositories")) return invalid("no archive of `docker save`: it has no manifest.json");
    return invalid("an archive of a docker before 1.10: load it and save it again");
  }
  auto text = TRY(read_document(*tree, kDockerManifestFile, oci::kManifestBytesMax));
  auto entries = TRY(parse_docker_manifest(text));
  auto entry = TRY(choose_entry(entries, name));
  return open_legacy(std::move(tree), entry);
}

}  // namespace pratique::transport
