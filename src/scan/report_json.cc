// The published form of a report: docs/formats/report.md, docs/formats/report.schema.json.
#include <algorithm>
#include <array>

#include "base/format.h"
#include "base/text.h"
#include "scan/scan.h"

namespace pratique::scan {

namespace {

constexpr int kReportVersion = 1;

using advisory::SourceKind;
constexpr SourceKind kSourceKinds[] = {SourceKind::Osv,
                                       SourceKind::DebianTracker,
                                       SourceKind::DebianSecurityList,
                                       SourceKind::AlpineSecdb,
                                       SourceKind::DebianSecurityArchive,
                                       SourceKind::DebianChangelog,
                                       SourceKind::KnownExploited,
                                       SourceKind::Starter};

Json texts(const std::vector<std::string>& all) {
  auto array = Json::array();
  for (const auto& text : all) array.push(text);
  return array;
}

template <typename T, typename Convert>
Json list(const std::vector<T>& all, Convert convert) {
  auto array = Json::array();
  for (const auto& item : all) array.push(convert(item));
  return array;
}

Json to_json(const Gap& gap) {
  return Json::object({{"code", gap.code}, {"what", gap.what}, {"reason", gap.reason}});
}

Json to_json(const vuln::Distribution& distribution) {
  return Json::object({{"id", distribution.id},
                       {"version_id", distribution.version_id},
                       {"codename", distribution.codename},
                       {"pretty_name", distribution.pretty_name},
                       {"id_like", texts(distribution.id_like)},
                       {"stream", distribution.stream()}});
}

Json to_json(const vuln::Package& package, const std::optional<vuln::Distribution>& distribution) {
  return Json::object({{"type", vuln::purl_type(package.kind)},
                       {"name", package.name},
                       {"version", package.version},
                       {"architecture", package.architecture},
                       {"source_name", package.source_name},
                       {"source_version", package.source_version},
                       {"maintainer", package.maintainer},
                       {"licence", package.licence},
                       {"location", package.location},
                       {"layer", package.layer},
                       {"purl", package.purl(distribution.value_or(vuln::Distribution()))}});
}

Json to_json(const vuln::Finding& finding, const std::optional<vuln::Distribution>& distribution) {
  return Json::object({{"id", finding.id},
                       {"aliases", texts(finding.aliases)},
                       {"severity", vuln::to_string(finding.severity)},
                       {"severity_source", finding.severity_source},
                       {"status", vuln::to_string(finding.status)},
                       {"fixed_version", finding.fixed_version},
                       {"known_exploited", finding.is_known_exploited},
                       {"summary", finding.summary},
                       {"url", finding.url},
                       {"source", finding.source},
                       {"package", to_json(finding.package, distribution)}});
}

Json to_json(const LayerSummary& layer) {
  return Json::object({{"digest", layer.digest.to_string()},
                       {"size", layer.size},
                       {"media_type", layer.media_type},
                       {"instruction", layer.instruction}});
}

Json to_json(const advisory::SourceInfo& source) {
  return Json::object({{"kind", advisory::to_string(source.kind)},
                       {"origin", source.origin},
                       {"records", source.records},
                       {"newest", source.newest.to_rfc3339()},
                       {"sha256", source.sha256}});
}

Json to_json(const advisory::DatabaseInfo& database) {
  return Json::object({{"digest", database.digest},
                       {"built", database.built.to_rfc3339()},
                       {"newest", database.newest.to_rfc3339()},
                       {"advisories", database.advisories},
                       {"streams", texts(database.streams)},
                       {"sources", list(database.sources, [](const auto& source) { return to_json(source); })}});
}

Json to_json(const BaseNote& base) {
  auto json = Json::object({{"reference", base.reference},
                            {"standing", base.standing},
                            {"layers", static_cast<std::uint64_t>(base.layers)},
                            {"proof", base.proof},
                            {"built", base.built.to_rfc3339()},
                            {"current", base.current.to_rfc3339()},
                            {"behind", static_cast<std::uint64_t>(base.behind)},
                            {"keep", static_cast<std::uint64_t>(base.keep)},
                            {"starred", base.is_starred},
                            {"starred_why", base.starred_why}});
  json.set("removed_by_rebuild",
           base.removed_by_rebuild ? Json(static_cast<std::uint64_t>(*base.removed_by_rebuild)) : Json());
  json.set("offered", texts(base.offered));
  return json;
}

Json to_json(const ImageCheck& check) {
  return Json::object({{"id", check.id},
                       {"state", to_string(check.state)},
                       {"message", check.message},
                       {"places", texts(check.places)},
                       {"fix", check.fix}});
}

Json summary_of(const ScanReport& report) {
  auto counts = report.counts();
  auto severities = Json::object();
  for (auto severity : {vuln::Severity::Critical, vuln::Severity::High, vuln::Severity::Medium, vuln::Severity::Low,
                        vuln::Severity::Negligible, vuln::Severity::Unknown})
    severities.set(vuln::to_string(severity), static_cast<std::uint64_t>(counts[severity]));
  auto fixable =
      std::count_if(report.findings.begin(), report.findings.end(), [](const auto& f) { return f.is_fixable(); });
  auto of_base = std::ranges::count_if(report.findings, [&](const auto& f) { return report.is_of_base(f); });
  auto failed = std::ranges::count(report.checks, CheckState::Failed, &ImageCheck::state);
  return Json::object({{"severities", severities},
                       {"of_base", static_cast<std::uint64_t>(of_base)},
                       {"failed_checks", static_cast<std::uint64_t>(failed)},
                       {"findings", static_cast<std::uint64_t>(report.findings.size())},
                       {"fixable", static_cast<std::uint64_t>(fixable)},
                       {"packages", static_cast<std::uint64_t>(report.packages.size())},
                       {"gaps", static_cast<std::uint64_t>(report.gaps.size())}});
}

}  // namespace

std::string_view to_string(CheckState state) {
  constexpr std::array<std::string_view, 3> kWords = {"passed", "failed", "unknown"};
  return kWords.at(static_cast<std::size_t>(state));
}

Json ScanReport::to_json() const {
  const auto& system = distribution;
  auto json = Json::object({{"version", kReportVersion}, {"scanner_version", scanner_version}, {"image", image}});
  json.set("digest", digest ? Json(digest->to_string()) : Json());
  json.set("platform",
           Json::object({{"os", platform.os}, {"architecture", platform.architecture}, {"variant", platform.variant}}));
  json.set("scanned", scanned.to_rfc3339());
  json.set("summary", summary_of(*this));
  json.set("distribution", system ? scan::to_json(*system) : Json());
  json.set("base", base ? scan::to_json(*base) : Json());
  json.set("layers", list(layers, [](const auto& layer) { return scan::to_json(layer); }));
  json.set("findings", list(findings, [&](const auto& finding) { return scan::to_json(finding, system); }));
  json.set("gaps", list(gaps, [](const auto& gap) { return scan::to_json(gap); }));
  json.set("checks", list(checks, [](const auto& check) { return scan::to_json(check); }));
  json.set("packages", list(packages, [&](const auto& package) { return scan::to_json(package, system); }));
  json.set("database", scan::to_json(database));
  return json;
}

namespace {

Result<std::string> text_at(const Json& json, std::string_view key) {
  const auto* text = json[key].as_string();
  if (!text) return invalid(format("\"{}\" is missing or no text", key));
  return *text;
}

Result<std::int64_t> number_at(const Json& json, std::string_view key, std::int64_t min) {
  auto number = json[key].as_int();
  if (!number || *number < min) return invalid(format("\"{}\" is missing or no number it can be", key));
  return *number;
}

Result<Time> time_at(const Json& json, std::string_view key) {
  return Time::parse(TRY(text_at(json, key)));
}

Result<std::vector<std::string>> texts_at(const Json& json, std::string_view key) {
  if (!json[key].is_array()) return invalid(format("\"{}\" is missing or no list", key));
  std::vector<std::string> all;
  for (const auto& item : json[key].items()) {
    if (!item.is_string()) return invalid(format("\"{}\" holds something else than text", key));
    all.push_back(*item.as_string());
  }
  return all;
}

template <typename Convert>
auto list_at(const Json& json, std::string_view key, Convert convert)
    -> Result<std::vector<typename std::invoke_result_t<Convert, const Json&>::value_type>> {
  if (!json[key].is_array()) return invalid(format("\"{}\" is missing or no list", key));
  std::vector<typename std::invoke_result_t<Convert, const Json&>::value_type> all;
  for (const auto& item : json[key].items())
    all.push_back(TRY(convert(item).with_context(format("{} {}", key, all.size()))));
  return all;
}

Result<Gap> gap_from(const Json& json) {
  return Gap{TRY(text_at(json, "code")), TRY(text_at(json, "what")), TRY(text_at(json, "reason"))};
}

Result<vuln::Distribution> distribution_from(const Json& json) {
  return vuln::Distribution{.id = TRY(text_at(json, "id")),
                            .version_id = TRY(text_at(json, "version_id")),
                            .codename = TRY(text_at(json, "codename")),
                            .pretty_name = TRY(text_at(json, "pretty_name")),
                            .id_like = TRY(texts_at(json, "id_like"))};
}

Result<vuln::Package> package_from(const Json& json) {
  auto kind = vuln::package_kind(TRY(text_at(json, "type")));
  if (!kind) return invalid("an unknown type of package");
  return vuln::Package{.kind = *kind,
                       .name = TRY(text_at(json, "name")),
                       .version = TRY(text_at(json, "version")),
                       .architecture = TRY(text_at(json, "architecture")),
                       .source_name = TRY(text_at(json, "source_name")),
                       .source_version = TRY(text_at(json, "source_version")),
                       .maintainer = TRY(text_at(json, "maintainer")),
                       .licence = TRY(text_at(json, "licence")),
                       .location = TRY(text_at(json, "location")),
                       .layer = static_cast<int>(TRY(number_at(json, "layer", -1)))};
}

Result<vuln::Finding> finding_from(const Json& json) {
  auto severity = vuln::parse_severity(TRY(text_at(json, "severity")));
  auto status = vuln::parse_advisory_status(TRY(text_at(json, "status")));
  if (!severity || !status) return invalid("an unknown severity or status");
  return vuln::Finding{.id = TRY(text_at(json, "id")),
                       .aliases = TRY(texts_at(json, "aliases")),
                       .package = TRY(package_from(json["package"])),
                       .severity = *severity,
                       .severity_source = TRY(text_at(json, "severity_source")),
                       .status = *status,
                       .fixed_version = TRY(text_at(json, "fixed_version")),
                       .summary = TRY(text_at(json, "summary")),
                       .url = TRY(text_at(json, "url")),
                       .source = TRY(text_at(json, "source")),
                       .is_known_exploited = json["known_exploited"].as_bool().value_or(false)};
}

Result<LayerSummary> layer_from(const Json& json) {
  return LayerSummary{.digest = TRY(oci::Digest::parse(TRY(text_at(json, "digest")))),
                      .size = static_cast<std::uint64_t>(TRY(number_at(json, "size", 0))),
                      .instruction = TRY(text_at(json, "instruction")),
                      .media_type = TRY(text_at(json, "media_type"))};
}

Result<advisory::SourceInfo> source_from(const Json& json) {
  auto name = TRY(text_at(json, "kind"));
  auto kind = std::find_if(std::begin(kSourceKinds), std::end(kSourceKinds),
                           [&](auto k) { return advisory::to_string(k) == name; });
  if (kind == std::end(kSourceKinds)) return invalid("an unknown kind of source");
  return advisory::SourceInfo{.kind = *kind,
                              .origin = TRY(text_at(json, "origin")),
                              .records = static_cast<std::uint64_t>(TRY(number_at(json, "records", 0))),
                              .newest = TRY(time_at(json, "newest")),
                              .sha256 = TRY(text_at(json, "sha256"))};
}

Result<advisory::DatabaseInfo> database_from(const Json& json) {
  return advisory::DatabaseInfo{.built = TRY(time_at(json, "built")),
                                .newest = TRY(time_at(json, "newest")),
                                .advisories = static_cast<std::uint64_t>(TRY(number_at(json, "advisories", 0))),
                                .sources = TRY(list_at(json, "sources", source_from)),
                                .streams = TRY(texts_at(json, "streams")),
                                .digest = TRY(text_at(json, "digest"))};
}

Result<BaseNote> base_from(const Json& json) {
  BaseNote base{.reference = TRY(text_at(json, "reference")),
                .standing = TRY(text_at(json, "standing")),
                .layers = static_cast<std::size_t>(TRY(number_at(json, "layers", 0))),
                .proof = TRY(text_at(json, "proof")),
                .built = TRY(time_at(json, "built")),
                .current = TRY(time_at(json, "current")),
                .behind = static_cast<std::size_t>(TRY(number_at(json, "behind", 0))),
                .keep = static_cast<std::size_t>(TRY(number_at(json, "keep", 0))),
                .is_starred = json["starred"].as_bool().value_or(false),
                .starred_why = TRY(text_at(json, "starred_why")),
                .removed_by_rebuild = {},
                .offered = TRY(texts_at(json, "offered"))};
  if (!json["removed_by_rebuild"].is_null())
    base.removed_by_rebuild = static_cast<std::size_t>(TRY(number_at(json, "removed_by_rebuild", 0)));
  return base;
}

Result<ImageCheck> check_from(const Json& json) {
  auto word = TRY(text_at(json, "state"));
  for (auto state : {CheckState::Passed, CheckState::Failed, CheckState::Unknown})
    if (to_string(state) == word)
      return ImageCheck{.id = TRY(text_at(json, "id")),
                        .state = state,
                        .message = TRY(text_at(json, "message")),
                        .places = TRY(texts_at(json, "places")),
                        .fix = TRY(text_at(json, "fix"))};
  return invalid("an unknown state of a check");
}

Result<ScanReport> report_from(const Json& json) {
  if (TRY(number_at(json, "version", 1)) != kReportVersion) return invalid("a report of another version");
  ScanReport report;
  report.scanner_version = static_cast<int>(TRY(number_at(json, "scanner_version", 0)));
  report.image = TRY(text_at(json, "image"));
  if (!json["digest"].is_null()) report.digest = TRY(oci::Digest::parse(TRY(text_at(json, "digest"))));
  const auto& platform = json["platform"];
  report.platform = {TRY(text_at(platform, "os")), TRY(text_at(platform, "architecture")),
                     TRY(text_at(platform, "variant"))};
  report.scanned = TRY(time_at(json, "scanned"));
  if (!json["distribution"].is_null()) report.distribution = TRY(distribution_from(json["distribution"]));
  report.layers = TRY(list_at(json, "layers", layer_from));
  report.findings = TRY(list_at(json, "findings", finding_from));
  report.gaps = TRY(list_at(json, "gaps", gap_from));
  report.packages = TRY(list_at(json, "packages", package_from));
  // Reports that were kept before there were bases and checks have neither.
  if (!json["base"].is_null()) report.base = TRY(base_from(json["base"]));
  if (!json["checks"].is_null()) report.checks = TRY(list_at(json, "checks", check_from));
  report.database = TRY(database_from(json["database"]));
  return report;
}

}  // namespace

Result<ScanReport> ScanReport::from_json(const Json& json) {
  return report_from(json).with_context("reading a report");
}

}  // namespace pratique::scan
