// Image manifests and indexes, image-spec manifest.md, image-index.md, descriptor.md, and Docker's schema 2.
//
// What is accepted here is what every engine would read the same way: a document that could be taken for both a
// manifest and an index (CVE-2021-41190), or whose members differ in case only, is Invalid.
#include <algorithm>
#include <set>

#include "base/format.h"
#include "base/json.h"
#include "base/text.h"
#include "oci/fields.h"
#include "oci/oci.h"

namespace pratique::oci {

namespace {

// 2048 descriptors with a dozen members and annotations each; bounds memory for [0,0,0,…] in 4 MiB.
constexpr std::size_t kManifestValuesMax = 500'000;
constexpr std::size_t kMediaTypePartMax = 127;  // RFC 6838 section 4.2

bool is_restricted_name(std::string_view text) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&-^_.+";
  if (text.empty() || text.size() > kMediaTypePartMax) return false;
  if (kAllowed.find(text.front()) >= kAllowed.find('!')) return false;
  return text.find_first_not_of(kAllowed) == std::string_view::npos;
}

bool is_media_type(std::string_view text) {
  auto parts = cut(text, "/");
  return parts && is_restricted_name(parts->first) && is_restricted_name(parts->second);
}

Result<std::string> media_type_member(const Json& object, std::string_view name) {
  auto text = TRY(text_member(object, name));
  if (!text.empty() && !is_media_type(text)) {
    return invalid(format("\"{}\" is no media type (RFC 6838): \"{}\"", name, printable(text)));
  }
  return text;
}

Result<std::optional<Platform>> parse_platform(const Json& json) {
  if (json.is_null()) return std::optional<Platform>();
  if (!json.is_object()) return invalid("\"platform\" is no object");
  TRY(check_member_names(json, {"os", "architecture", "variant"}));
  for (auto name : {"os", "architecture"}) {
    if (!json[name].is_string()) return invalid(format("a platform without \"{}\"", name));
  }
  Platform platform;
  platform.os = TRY(text_member(json, "os"));
  platform.architecture = TRY(text_member(json, "architecture"));
  platform.variant = TRY(text_member(json, "variant"));
  return std::optional(std::move(platform));
}

// descriptor.md: "data … MUST … be identical to … the referenced content". A reader that trusts it must not be fooled.
Status check_data(const Json& json, const Descriptor& descriptor) {
  if (json.is_null()) return {};
  if (!json.is_string()) return invalid("\"data\" is no string");
  auto data = TRY(from_base64(*json.as_string()).with_context("\"data\""));
  if (data.size() != descriptor.size) {
    return invalid(format("\"data\" holds {} bytes, \"size\" says {}", data.size(), descriptor.size));
  }
  auto sum = [&] {
    if (descriptor.digest.algorithm() == Algorithm::Sha256) return Digest::of(as_bytes(data));
    Sha512 hash;
    hash.update(as_bytes(data));
    return Digest::from(hash.sum());
  }();
  if (sum != descriptor.digest) return invalid("\"data\" does not match \"digest\"");
  return {};
}

Result<Descriptor> parse_descriptor(const Json& json) {
  if (!json.is_object()) return invalid("a descriptor is no object");
  TRY(check_member_names(json,
                         {"mediaType", "digest", "size", "urls", "annotations", "data", "platform", "artifactType"}));
  auto size = json["size"].as_int();
  if (!size || *size < 0) return invalid("a descriptor's \"size\" is no number of bytes");
  if (!json["digest"].is_string()) return invalid("a descriptor without \"digest\"");
  auto digest = TRY(Digest::parse(*json["digest"].as_string()));
  Descriptor descriptor{.digest = std::move(digest), .size = static_cast<std::uint64_t>(*size)};
  descriptor.media_type = TRY(media_type_member(json, "mediaType"));
  if (descriptor.media_type.empty()) return invalid("a descriptor without \"mediaType\"");
  descriptor.urls = TRY(texts_member(json, "urls"));
  descriptor.annotations = TRY(text_map_member(json, "annotations"));
  descriptor.platform = TRY(parse_platform(json["platform"]));
  descriptor.artifact_type = TRY(media_type_member(json, "artifactType"));
  TRY(check_data(json["data"], descriptor));
  return descriptor;
}

Result<std::vector<Descriptor>> parse_descriptors(const Json& json, std::string_view name, std::size_t items_max) {
  if (!json.has(name)) return invalid(format("\"{}\" is missing", name));
  const auto* items = TRY(array_member(json, name, items_max));
  std::vector<Descriptor> descriptors;
  descriptors.reserve(items->size());
  for (const auto& item : *items) {
    descriptors.push_back(TRY(parse_descriptor(item).with_context(format("\"{}\" item {}", name, descriptors.size()))));
  }
  return descriptors;
}

Result<std::optional<Descriptor>> parse_subject(const Json& json) {
  if (json["subject"].is_null()) return std::optional<Descriptor>();
  return std::optional(TRY(parse_descriptor(json["subject"]).with_context("\"subject\"")));
}

Status refuse_members(const Json& json, std::initializer_list<std::string_view> names, std::string_view kind) {
  for (auto name : names) {
    if (json.has(name)) return invalid(format("an {} with \"{}\" could be read as two things", kind, name));
  }
  return {};
}

// TRY stays out of the braces here and below: g++ 12 leaks the members already made when a later one returns early.
Result<Manifest> read_manifest(const Json& json, std::string media_type) {
  TRY(refuse_members(json, {"manifests", "fsLayers"}, "image manifest"));
  Manifest manifest{.media_type = std::move(media_type), .config = {.digest = Digest::of({})}};
  manifest.artifact_type = TRY(media_type_member(json, "artifactType"));
  manifest.config = TRY(parse_descriptor(json["config"]).with_context("\"config\""));
  manifest.layers = TRY(parse_descriptors(json, "layers", kLayersMax));
  manifest.subject = TRY(parse_subject(json));
  manifest.annotations = TRY(text_map_member(json, "annotations"));
  // image-spec manifest.md: the fallback that the referrers list shows for artifacts made before 1.1.
  if (manifest.artifact_type.empty() && !manifest.is_image()) manifest.artifact_type = manifest.config.media_type;
  return manifest;
}

Result<Index> read_index(const Json& json, std::string media_type) {
  TRY(refuse_members(json, {"config", "layers", "fsLayers"}, "index"));
  Index index;
  index.media_type = std::move(media_type);
  index.artifact_type = TRY(media_type_member(json, "artifactType"));
  index.manifests = TRY(parse_descriptors(json, "manifests", kIndexManifestsMax));
  index.subject = TRY(parse_subject(json));
  index.annotations = TRY(text_map_member(json, "annotations"));
  return index;
}

Status check_version(const Json& json) {
  auto version = json["schemaVersion"].as_int();
  if (version == 2) return {};
  if (version == 1)
    return invalid("schema 1 manifests are not accepted: push with a client that writes schema 2 or OCI");
  return invalid("\"schemaVersion\" is not 2");
}

// The body's own type counts; older clients leave it out, then the Content-Type; then what the members say.
Result<std::string> type_of(const Json& json, std::string_view content_type) {
  auto own = TRY(text_member(json, "mediaType"));
  if (!own.empty() && !content_type.empty() && own != content_type) {
    return invalid(format("the body is \"{}\", its Content-Type says \"{}\"", printable(own), printable(content_type)));
  }
  std::string type = own.empty() ? std::string(content_type) : own;
  if (type.empty()) type = json.has("manifests") ? media_type::kOciIndex : media_type::kOciManifest;
  if (!is_manifest_type(type) && !is_index_type(type)) {
    return invalid(format("\"{}\" is neither an image manifest nor an index", printable(type)));
  }
  return type;
}

void add_once(std::vector<Descriptor>& list, std::set<std::pair<Digest, std::uint64_t>>& seen, const Descriptor& one) {
  if (seen.emplace(one.digest, one.size).second) list.push_back(one);
}

}  // namespace

bool Manifest::is_image() const {
  return is_config_type(config.media_type);
}

Result<ParsedManifest> parse_manifest(std::string_view bytes, std::string_view content_type) {
  if (bytes.size() > kManifestBytesMax) {
    return over_limit(format("a manifest of {} bytes; at most {} are read", bytes.size(), kManifestBytesMax));
  }
  Json json = TRY(parse_json(bytes, {.bytes_max = kManifestBytesMax, .values_max = kManifestValuesMax}));
  if (!json.is_object()) return invalid("a manifest is no JSON object");
  TRY(check_member_names(json, {"schemaVersion", "mediaType", "artifactType", "config", "layers", "manifests",
                                "subject", "annotations", "fsLayers"}));
  TRY(check_version(json));
  auto type = TRY(type_of(json, content_type));
  if (is_index_type(type)) return ParsedManifest(TRY(read_index(json, std::move(type))));
  return ParsedManifest(TRY(read_manifest(json, std::move(type))));
}

References references_of(const ParsedManifest& parsed) {
  References references;
  std::set<std::pair<Digest, std::uint64_t>> seen;
  if (auto index = std::get_if<Index>(&parsed)) {
    for (const auto& child : index->manifests) add_once(references.manifests, seen, child);
    return references;
  }
  const auto& manifest = std::get<Manifest>(parsed);
  add_once(references.blobs, seen, manifest.config);
  for (const auto& layer : manifest.layers) {
    auto format = layer_format(layer.media_type);
    if (format && format->is_foreign && !layer.urls.empty()) continue;
    add_once(references.blobs, seen, layer);
  }
  return references;
}

const std::optional<Descriptor>& subject_of(const ParsedManifest& parsed) {
  if (auto index = std::get_if<Index>(&parsed)) return index->subject;
  return std::get<Manifest>(parsed).subject;
}

}  // namespace pratique::oci
