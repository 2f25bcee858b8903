#include "advisory/info.h"

#include <algorithm>

#include "base/check.h"

namespace pratique::advisory {

namespace {

struct KindName {
  SourceKind kind;
  std::string_view name;
};
constexpr KindName kKindNames[] = {
    {SourceKind::Osv, "osv"},
    {SourceKind::DebianTracker, "debian-tracker"},
    {SourceKind::DebianSecurityList, "debian-security-list"},
    {SourceKind::AlpineSecdb, "alpine-secdb"},
    {SourceKind::DebianSecurityArchive, "debian-security-archive"},
    {SourceKind::DebianChangelog, "debian-changelog"},
    {SourceKind::KnownExploited, "known-exploited"},
    {SourceKind::Starter, "starter"},
};

// The build writes a few hundred bytes a source; this bounds a forged file.
constexpr JsonLimits kInfoLimits{.bytes_max = 16 << 20, .depth_max = 8, .values_max = 200'000};

Result<SourceInfo> decode_source(const Json& json) {
  auto kind = parse_source_kind(json["kind"].text());
  auto records = json["records"].as_int();
  auto newest = json["newest"].as_int();
  if (!kind || !records || *records < 0 || !newest) return corrupt("the list of sources is damaged");
  return SourceInfo{*kind, std::string(json["origin"].text()), static_cast<std::uint64_t>(*records),
                    Time::from_unix_seconds(*newest), std::string(json["sha256"].text())};
}

}  // namespace

std::string_view to_string(SourceKind kind) {
  for (const auto& row : kKindNames)
    if (row.kind == kind) return row.name;
  CHECK(false, "a source kind without a name");
  __builtin_unreachable();
}

std::optional<SourceKind> parse_source_kind(std::string_view text) {
  for (const auto& row : kKindNames)
    if (row.name == text) return row.kind;
  return std::nullopt;
}

std::string encode_info(const DatabaseInfo& info) {
  Json json = Json::object();
  Json sources = Json::array();
  for (const auto& source : info.sources) {
    Json row = Json::object();
    row.set("kind", to_string(source.kind)).set("origin", source.origin).set("records", source.records);
    row.set("newest", source.newest.unix_seconds()).set("sha256", source.sha256);
    sources.push(std::move(row));
  }
  Json streams = Json::array();
  for (const auto& stream : info.streams) streams.push(stream);
  json.set("sources", std::move(sources)).set("streams", std::move(streams));
  return json.dump();
}

Status decode_info(std::string_view text, DatabaseInfo& info) {
  auto json = parse_json(text, kInfoLimits);
  if (!json.ok()) return corrupt("the description is damaged: " + json.error().message());
  for (const auto& row : (*json)["sources"].items()) {
    info.sources.push_back(TRY(decode_source(row)));
    info.newest = std::max(info.newest, info.sources.back().newest);
  }
  for (const auto& row : (*json)["streams"].items()) {
    if (row.as_string() == nullptr) return corrupt("the list of streams is damaged");
    info.streams.push_back(*row.as_string());
  }
  if (!std::is_sorted(info.streams.begin(), info.streams.end())) return corrupt("the list of streams is not sorted");
  return {};
}

}  // namespace pratique::advisory
