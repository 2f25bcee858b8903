#include "transport/layout.h"

#include <algorithm>
#include <set>

#include "base/format.h"
#include "base/json.h"
#include "base/text.h"

namespace pratique::transport {

namespace {

constexpr std::string_view kRefName = "org.opencontainers.image.ref.name";
// docker save and buildx keep the tag alone in ref.name and the whole reference here.
constexpr std::string_view kContainerdName = "io.containerd.image.name";
constexpr std::size_t kLayoutFileBytesMax = 4 << 10;  // {"imageLayoutVersion":"1.0.0"}
constexpr std::size_t kNamesShown = 20;

class LayoutBlobs final : public BlobSource {
 public:
  explicit LayoutBlobs(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}
  Result<std::unique_ptr<BlobStream>> open(const oci::Descriptor& descriptor) const override {
    return tree_->open(blob_path(descriptor.digest));
  }

 private:
  std::unique_ptr<Tree> tree_;
};

std::string_view annotation(const oci::Descriptor& entry, std::string_view name) {
  auto found = entry.annotations.find(std::string(name));
  return found == entry.annotations.end() ? std::string_view() : std::string_view(found->second);
}

// "alpine:3" and "docker.io/library/alpine:3" are one image.
std::string normal(std::string_view reference) {
  auto parsed = oci::Reference::parse(reference);
  return parsed.ok() ? parsed->to_string() : std::string(reference);
}

bool bears(const oci::Descriptor& entry, std::string_view name) {
  auto ref = annotation(entry, kRefName), full = annotation(entry, kContainerdName);
  if (ref == name || full == name || entry.digest.to_string() == name) return true;
  bool is_reference = contains(name, ":") || contains(name, "/");
  return is_reference &&
         ((!ref.empty() && normal(ref) == normal(name)) || (!full.empty() && normal(full) == normal(name)));
}

std::string names_of(const oci::Index& index) {
  std::set<std::string> names;
  for (const auto& entry : index.manifests) {
    auto ref = annotation(entry, kRefName), full = annotation(entry, kContainerdName);
    names.insert(printable(!full.empty() ? full : !ref.empty() ? ref : std::string_view(entry.digest.to_string())));
    if (names.size() == kNamesShown) break;
  }
  return names.empty() ? "nothing" : join({names.begin(), names.end()}, ", ");
}

bool is_one_multi_platform_image(const oci::Index& index) {
  return std::all_of(index.manifests.begin(), index.manifests.end(), [](const oci::Descriptor& entry) {
    return entry.platform && annotation(entry, kRefName).empty() && annotation(entry, kContainerdName).empty();
  });
}

Status check_layout_file(const Tree& tree) {
  auto text = TRY(read_document(tree, kLayoutFile, kLayoutFileBytesMax));
  auto json = TRY(parse_json(text).with_context(kLayoutFile));
  auto version = json["imageLayoutVersion"].text();
  if (!version.starts_with("1."))
    return invalid(format("an OCI layout of version \"{}\"; only 1.x is known", printable(version)));
  return {};
}

}  // namespace

std::string blob_path(const oci::Digest& digest) {
  return format("blobs/{}/{}", digest.algorithm() == oci::Algorithm::Sha256 ? "sha256" : "sha512", digest.encoded());
}

std::unique_ptr<BlobSource> layout_blobs(std::unique_ptr<Tree> tree) {
  return std::make_unique<LayoutBlobs>(std::move(tree));
}

Result<std::optional<oci::Descriptor>> find_named(const oci::Index& index, std::string_view name) {
  std::optional<oci::Descriptor> found;
  for (const auto& entry : index.manifests) {
    if (!name.empty() && !bears(entry, name)) continue;
    if (found && found->digest != entry.digest) {
      if (name.empty() && is_one_multi_platform_image(index)) return std::optional<oci::Descriptor>();
      return not_found(format("which image? There are {}", names_of(index)));
    }
    found = entry;
  }
  if (!found) return not_found(format("no image \"{}\"; there is {}", printable(name), names_of(index)));
  return found;
}

Result<std::unique_ptr<Image>> open_layout(std::unique_ptr<Tree> tree, std::string_view name,
                                           const oci::Platform& platform) {
  TRY(check_layout_file(*tree).with_context("an OCI layout"));
  auto text = TRY(read_document(*tree, kIndexFile, oci::kManifestBytesMax));
  auto parsed = TRY(oci::parse_manifest(text, oci::media_type::kOciIndex).with_context(kIndexFile));
  const auto& index = std::get<oci::Index>(parsed);
  auto source = layout_blobs(std::move(tree));
  auto entry = TRY(find_named(index, name));
  auto chosen = entry ? *entry : TRY(choose_child(index.manifests, platform));
  auto document = TRY(resolve(chosen, platform, *source));
  return make_image(std::move(document), std::move(source));
}

}  // namespace pratique::transport
