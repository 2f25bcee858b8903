// The two files people carry: the list of what may be built on, and the record of the layers it was built of.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "bases/bases.h"

namespace pratique::bases {

namespace {

constexpr JsonLimits kRecordLimits{.bytes_max = 16 << 20, .depth_max = 4, .values_max = 200'000};

bool is_reference(std::string_view text) {
  return text.size() <= kReferenceBytesMax && oci::Reference::parse(text).ok();
}

// "2026_11_14_00:12:31", as the record's writer spells UTC.
Result<Time> parse_stamp(std::string_view text) {
  constexpr std::string_view kShape = "dddd_dd_dd_dd:dd:dd";
  bool fits = text.size() == kShape.size() && std::equal(text.begin(), text.end(), kShape.begin(), [](char c, char s) {
                return s == 'd' ? c >= '0' && c <= '9' : c == s;
              });
  if (!fits) return invalid(format("\"{}\" is no time such as 2026_11_14_00:12:31", printable(text, 60)));
  std::string rfc(text);
  rfc[4] = rfc[7] = '-';
  rfc[10] = 'T';
  return Time::parse(rfc + "Z");
}

std::string stamp_of(Time time) {
  auto text = time.to_rfc3339();
  text[4] = text[7] = text[10] = '_';
  text.pop_back();
  return text;
}

Result<std::vector<Generation>> read_generations(const Json& json) {
  if (!json.is_object()) return invalid("is no object of times and digests");
  std::vector<Generation> generations;
  for (const auto& [stamp, digest] : json.members()) {
    auto built = TRY(parse_stamp(stamp));
    auto layer = oci::Digest::parse(digest.text());
    if (!layer.ok()) return invalid(format("{}: \"{}\" is no digest", stamp, printable(digest.text(), 100)));
    generations.push_back({.built = built, .last_layer = *layer, .manifest = {}, .diff_ids = {}});
  }
  std::ranges::sort(generations, [](const auto& a, const auto& b) { return a.built > b.built; });
  if (generations.size() > kGenerationsRemembered)
    return over_limit(format("more than {} generations", kGenerationsRemembered));
  return generations;
}

}  // namespace

Result<std::vector<ListedBase>> parse_allow_list(std::string_view text) {
  if (text.size() > kListBytesMax) return over_limit(format("the list has more than {} bytes", kListBytesMax));
  std::vector<ListedBase> list;
  std::size_t number = 0;
  for (auto line : split(text, '\n')) {
    ++number;
    line = trim(line);
    if (line.empty() || line[0] == '#') continue;
    bool is_starred = line[0] == '*';
    auto reference = trim(is_starred ? line.substr(1) : line);
    if (!is_reference(reference))
      return invalid(format("line {}: \"{}\" is no image reference", number, printable(reference, 100)));
    if (std::ranges::find(list, reference, &ListedBase::reference) != list.end())
      return invalid(format("line {}: {} is listed twice", number, printable(reference)));
    if (list.size() == kBasesMax) return over_limit(format("line {}: more than {} images", number, kBasesMax));
    list.push_back({std::string(reference), !is_starred});
  }
  return list;
}

std::string render_allow_list(std::span<const Base> bases) {
  std::string text =
      "# Base images this gate accepts. Write one of them behind FROM.\n"
      "# A line that starts with * is unavailable for now.\n";
  for (const auto& base : bases) {
    if (!base.is_available && !base.starred_why.empty()) text += format("# {}\n", printable(base.starred_why, 300));
    text += (base.is_available ? "" : "*") + base.reference + "\n";
  }
  return text;
}

Result<std::map<std::string, std::vector<Generation>>> parse_layer_record(std::string_view text) {
  auto json = TRY(parse_json(text, kRecordLimits));
  if (!json.is_object()) return invalid("the record is no JSON object");
  if (json.members().size() > kBasesMax) return over_limit(format("more than {} images", kBasesMax));
  std::map<std::string, std::vector<Generation>> record;
  for (const auto& [reference, generations] : json.members()) {
    auto where = printable(reference, 100);
    if (!is_reference(reference)) return invalid(format("\"{}\" is no image reference", where));
    record[reference] = TRY(read_generations(generations).with_context(where));
  }
  return record;
}

Json layer_record(std::span<const Base> bases) {
  Json record = Json::object();
  for (const auto& base : bases) {
    Json generations = Json::object();
    for (std::size_t i = 0; i < std::min(base.keep, base.generations.size()); ++i)
      generations.set(stamp_of(base.generations[i].built), base.generations[i].last_layer.to_string());
    record.set(base.reference, std::move(generations));
  }
  return record;
}

Json to_json(const Base& base) {
  Json generations = Json::array();
  for (std::size_t i = 0; i < base.generations.size(); ++i) {
    const auto& one = base.generations[i];
    Json json = Json::object();
    json.set("built", one.built.to_rfc3339()).set("kept", i < base.keep);
    json.set("last_layer", one.last_layer.to_string());
    json.set("manifest", one.manifest ? Json(one.manifest->to_string()) : Json());
    json.set("layers", static_cast<std::uint64_t>(one.diff_ids.size()));
    generations.push(std::move(json));
  }
  Json json = Json::object();
  json.set("reference", base.reference).set("source", base.source).set("available", base.is_available);
  json.set("starred_why", base.starred_why).set("starred_by", base.starred_by);
  json.set("keep", static_cast<std::uint64_t>(base.keep)).set("generations", std::move(generations));
  json.set("findings", static_cast<std::uint64_t>(base.findings.size()));
  json.set("judged", base.judged ? Json(base.judged->to_rfc3339()) : Json());
  return json;
}

}  // namespace pratique::bases
