#include "transport/docker_manifest.h"

#include <algorithm>

#include "base/format.h"
#include "base/json.h"
#include "base/text.h"
#include "oci/oci.h"
#include "transport/tar_index.h"

namespace pratique::transport {

namespace {

constexpr std::size_t kImagesMax = 1024;  // `docker save` of every image of a large host

Result<std::string> member_name(const Json& json, std::string_view what) {
  if (!json.is_string()) return invalid(format("manifest.json: \"{}\" is no string", what));
  auto name = clean_member_name(*json.as_string());
  if (!name) return invalid(format("manifest.json: \"{}\" is no file of the archive", printable(*json.as_string())));
  return *name;
}

Result<DockerArchiveEntry> parse_entry(const Json& json) {
  if (!json.is_object()) return invalid("manifest.json: an image is no object");
  DockerArchiveEntry entry;
  entry.config = TRY(member_name(json["Config"], "Config"));
  for (auto name : {"Layers", "RepoTags"}) {
    if (!json[name].is_array() && !json[name].is_null())
      return invalid(format("manifest.json: \"{}\" is no array", name));
  }
  if (json["Layers"].size() > oci::kLayersMax) return over_limit("manifest.json names too many layers");
  for (const auto& layer : json["Layers"].items()) entry.layers.push_back(TRY(member_name(layer, "Layers")));
  for (const auto& tag : json["RepoTags"].items()) entry.repo_tags.emplace_back(tag.text());
  return entry;
}

std::string normal(std::string_view reference) {
  auto parsed = oci::Reference::parse(reference);
  return parsed.ok() ? parsed->to_string() : std::string(reference);
}

bool bears(const DockerArchiveEntry& entry, std::string_view name) {
  auto same = [&](const std::string& tag) { return tag == name || normal(tag) == normal(name); };
  return std::any_of(entry.repo_tags.begin(), entry.repo_tags.end(), same);
}

std::string names_of(const std::vector<DockerArchiveEntry>& entries) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    names.push_back(entries[i].repo_tags.empty() ? format("@{}", i) : printable(join(entries[i].repo_tags, ", ")));
  }
  return join(names, ", ");
}

}  // namespace

Result<std::vector<DockerArchiveEntry>> parse_docker_manifest(std::string_view text) {
  auto json = TRY(parse_json(text, {.bytes_max = oci::kManifestBytesMax}).with_context("manifest.json"));
  if (!json.is_array() || json.size() == 0) return invalid("manifest.json is no list of images");
  if (json.size() > kImagesMax) return over_limit(format("manifest.json names more than {} images", kImagesMax));
  std::vector<DockerArchiveEntry> entries;
  for (const auto& item : json.items()) entries.push_back(TRY(parse_entry(item)));
  return entries;
}

Result<DockerArchiveEntry> choose_entry(const std::vector<DockerArchiveEntry>& entries, std::string_view name) {
  if (name.empty() && entries.size() == 1) return entries.front();
  if (name.empty()) return not_found(format("which image? There are {}", names_of(entries)));
  if (name.front() == '@') {
    auto number = parse_decimal(name.substr(1));
    if (number && *number < entries.size()) return entries[*number];
  }
  for (const auto& entry : entries) {
    if (bears(entry, name)) return entry;
  }
  return not_found(format("no image \"{}\"; there is {}", printable(name), names_of(entries)));
}

}  // namespace pratique::transport
