// Image configurations, image-spec config.md, as they are really written: null for what is empty.
#include <algorithm>

#include "base/format.h"
#include "base/json.h"
#include "oci/fields.h"
#include "oci/oci.h"

namespace pratique::oci {

namespace {

// Real configurations are some KiB; one of 200 layers with long instructions stays below 1 MiB.
constexpr std::size_t kConfigValuesMax = 500'000;
// Instructions that make no layer have an entry too; engines stop at far fewer.
constexpr std::size_t kHistoryMax = 16 * kLayersMax;

// Docker reads a lone string where a list of words belongs, and so must we, to see what it will run.
Result<std::vector<std::string>> words_member(const Json& object, std::string_view name) {
  if (auto word = object[name].as_string()) return std::vector<std::string>{*word};
  return texts_member(object, name);
}

Result<bool> has_healthcheck(const Json& json) {
  if (json.is_null()) return false;
  if (!json.is_object()) return invalid("\"Healthcheck\" is no object");
  auto test = TRY(texts_member(json, "Test"));
  return !test.empty() && test.front() != "NONE";
}

Status read_execution(const Json& json, ImageConfig& config) {
  if (json.is_null()) return {};
  if (!json.is_object()) return invalid("\"config\" is no object");
  TRY(check_member_names(
      json, {"User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "Healthcheck"}));
  config.user = TRY(text_member(json, "User"));
  config.env = TRY(texts_member(json, "Env"));
  config.entrypoint = TRY(words_member(json, "Entrypoint"));
  config.cmd = TRY(words_member(json, "Cmd"));
  config.working_dir = TRY(text_member(json, "WorkingDir"));
  config.labels = TRY(text_map_member(json, "Labels"));
  config.exposed_ports = TRY(set_member(json, "ExposedPorts"));
  config.volumes = TRY(set_member(json, "Volumes"));
  config.has_healthcheck = TRY(has_healthcheck(json["Healthcheck"]));
  return {};
}

Result<std::vector<Digest>> read_diff_ids(const Json& json) {
  if (!json.is_object()) return invalid("\"rootfs\" is missing");
  TRY(check_member_names(json, {"type", "diff_ids"}));
  if (auto type = TRY(text_member(json, "type")); !type.empty() && type != "layers") {
    return invalid("\"rootfs\" is of a type other than \"layers\"");
  }
  std::vector<Digest> diff_ids;
  for (const auto& item : *TRY(array_member(json, "diff_ids", kLayersMax))) {
    if (!item.is_string()) return invalid("\"diff_ids\" has an item that is no string");
    diff_ids.push_back(TRY(Digest::parse(*item.as_string()).with_context("\"diff_ids\"")));
  }
  return diff_ids;
}

Result<std::vector<HistoryEntry>> read_history(const Json& json) {
  std::vector<HistoryEntry> history;
  for (const auto& item : *TRY(array_member(json, "history", kHistoryMax))) {
    if (!item.is_object()) return invalid("\"history\" has an item that is no object");
    auto& entry = history.emplace_back();
    entry.created = TRY(text_member(item, "created"));
    entry.created_by = TRY(text_member(item, "created_by"));
    entry.comment = TRY(text_member(item, "comment"));
    entry.empty_layer = TRY(flag_member(item, "empty_layer"));
  }
  return history;
}

}  // namespace

Result<ImageConfig> parse_image_config(std::string_view bytes) {
  Json json = TRY(parse_json(bytes, {.bytes_max = kConfigBytesMax, .values_max = kConfigValuesMax}));
  if (!json.is_object()) return invalid("an image configuration is no JSON object");
  TRY(check_member_names(json, {"os", "architecture", "variant", "created", "config", "rootfs", "history"}));
  ImageConfig config;
  config.platform.os = TRY(text_member(json, "os"));
  config.platform.architecture = TRY(text_member(json, "architecture"));
  config.platform.variant = TRY(text_member(json, "variant"));
  config.created = TRY(text_member(json, "created"));
  TRY(read_execution(json["config"], config).with_context("\"config\""));
  config.diff_ids = TRY(read_diff_ids(json["rootfs"]));
  config.history = TRY(read_history(json));
  return config;
}

std::vector<std::string> ImageConfig::layer_instructions() const {
  std::vector<std::string> instructions;
  for (const auto& entry : history) {
    if (!entry.empty_layer) instructions.push_back(entry.created_by);
  }
  if (instructions.size() != diff_ids.size()) instructions.assign(diff_ids.size(), "");
  return instructions;
}

}  // namespace pratique::oci
