// Findings for programs: our own JSON (docs/formats/lint.md), SARIF 2.1.0, hadolint's and Trivy's.
#include <algorithm>
#include <map>

#include "base/format.h"
#include "base/text.h"
#include "lint/lint.h"

namespace pratique::lint {

namespace {

constexpr int kFormatVersion = 1;

// JSON is UTF-8; a file need not be.
std::string safe(std::string_view text) {
  return is_utf8(text) ? std::string(text) : printable(text, text.size() * 4);
}

Json words(std::string_view text) {
  Json array = Json::array();
  for (auto word : split(text, ' '))
    if (!word.empty()) array.push(word);
  return array;
}

Json place(const Finding& finding) {
  return Json::object({{"line", std::uint64_t{finding.from.line}},
                       {"column", std::uint64_t{finding.from.column}},
                       {"end_line", std::uint64_t{finding.to.line}},
                       {"end_column", std::uint64_t{finding.to.column}}});
}

Json to_json(const Finding& finding) {
  Json json = Json::object({{"id", finding.rule->id}});
  json.set("aliases", words(finding.rule->aliases));
  json.set("severity", to_string(finding.severity)).set("message", safe(finding.message));
  const Json at = place(finding);
  for (const auto& [key, value] : at.members()) json.set(key, value);
  return json.set("title", finding.rule->title).set("harm", finding.rule->harm).set("fix", finding.rule->fix);
}

std::size_t count(const Report& report, Severity severity) {
  return static_cast<std::size_t>(std::count_if(report.findings.begin(), report.findings.end(),
                                                [&](const Finding& f) { return f.severity == severity; }));
}

std::string_view sarif_level(Severity severity) {
  return severity == Severity::Error ? "error" : severity == Severity::Warning ? "warning" : "note";
}

// The alias of another tool's naming: "DL" or "DS-".
std::string_view name_in(const Rule& rule, std::string_view prefix) {
  if (rule.id.starts_with(prefix)) return rule.id;
  for (auto alias : split(rule.aliases, ' '))
    if (alias.starts_with(prefix)) return alias;
  return {};
}

Json sarif_rule(const Rule& rule) {
  Json json = Json::object({{"id", rule.id}, {"name", rule.id}});
  json.set("shortDescription", Json::object({{"text", rule.title}}));
  json.set("fullDescription", Json::object({{"text", rule.harm}}));
  json.set("help", Json::object({{"text", rule.fix}}));
  return json.set("properties", Json::object({{"tags", words(rule.aliases)}}));
}

Json sarif_result(const Finding& finding, const std::string& file, std::size_t rule_index) {
  Json region = Json::object({{"startLine", std::uint64_t{finding.from.line}},
                              {"startColumn", std::uint64_t{finding.from.column}},
                              {"endLine", std::uint64_t{finding.to.line}},
                              {"endColumn", std::uint64_t{finding.to.column}}});
  Json physical = Json::object({{"artifactLocation", Json::object({{"uri", safe(file)}})}, {"region", region}});
  Json result = Json::object({{"ruleId", finding.rule->id}, {"ruleIndex", std::uint64_t{rule_index}}});
  result.set("level", sarif_level(finding.severity));
  result.set("message", Json::object({{"text", safe(finding.message)}}));
  return result.set("locations", Json::array({Json::object({{"physicalLocation", physical}})}));
}

// Trivy numbers its checks; what it has no check for keeps our id.
Json trivy_finding(const Finding& finding, const Dockerfile& file) {
  std::string_view id = name_in(*finding.rule, "DS-");
  std::string_view severity = finding.rule->trivy_severity;
  if (severity.empty())
    severity = finding.severity == Severity::Error ? "HIGH" : finding.severity == Severity::Warning ? "MEDIUM" : "LOW";
  Json lines = Json::array();
  for (std::size_t n = finding.from.line; n <= finding.to.line && n < finding.from.line + 10; ++n)
    lines.push(Json::object({{"Number", std::uint64_t{n}},
                             {"Content", safe(file.line(n))},
                             {"IsCause", true},
                             {"FirstCause", n == finding.from.line},
                             {"LastCause", n == finding.to.line}}));
  Json cause = Json::object({{"Provider", "Dockerfile"},
                             {"Service", "general"},
                             {"StartLine", std::uint64_t{finding.from.line}},
                             {"EndLine", std::uint64_t{finding.to.line}},
                             {"Code", Json::object({{"Lines", lines}})}});
  return Json::object({{"Type", "Dockerfile Security Check"},
                       {"ID", id.empty() ? finding.rule->id : id},
                       {"Title", finding.rule->title},
                       {"Description", finding.rule->harm},
                       {"Message", safe(finding.message)},
                       {"Resolution", finding.rule->fix},
                       {"Severity", severity},
                       {"Status", "FAIL"},
                       {"CauseMetadata", cause}});
}

Json trivy_result(const Checked& one) {
  Json found = Json::array();
  std::set<std::string_view> failed;
  for (const auto& finding : one.report.findings) {
    found.push(trivy_finding(finding, *one.file));
    failed.insert(finding.rule->id);
  }
  Json summary = Json::object(
      {{"Successes", std::uint64_t{one.report.rules_run - failed.size()}}, {"Failures", std::uint64_t{failed.size()}}});
  Json result = Json::object({{"Target", safe(one.report.file)}, {"Class", "config"}, {"Type", "dockerfile"}});
  result.set("MisconfSummary", summary);
  if (found.size()) result.set("Misconfigurations", found);
  return result;
}

}  // namespace

Json to_json(std::span<const Checked> all) {
  Json files = Json::array();
  for (const auto& one : all) {
    Json findings = Json::array(), ignored = Json::array();
    for (const auto& finding : one.report.findings) findings.push(to_json(finding));
    for (const auto& suppressed : one.report.suppressed) {
      Json json = Json::object({{"id", suppressed.finding.rule->id}, {"message", safe(suppressed.finding.message)}});
      const Json at = place(suppressed.finding);
      for (const auto& [key, value] : at.members()) json.set(key, value);
      ignored.push(json.set("reason", safe(suppressed.reason)).set("where", suppressed.where));
    }
    Json counts = Json::object();
    for (auto severity : {Severity::Error, Severity::Warning, Severity::Info, Severity::Style})
      counts.set(to_string(severity), std::uint64_t{count(one.report, severity)});
    Json file = Json::object({{"file", safe(one.report.file)}, {"rules", std::uint64_t{one.report.rules_run}}});
    file.set("counts", counts).set("findings", findings).set("ignored", ignored).set("is_cut", one.report.is_cut);
    files.push(file);
  }
  return Json::object({{"version", kFormatVersion}, {"files", files}});
}

Json to_sarif(std::span<const Checked> all) {
  std::map<std::string_view, std::size_t> index;
  Json rules = Json::array(), results = Json::array();
  for (const auto& one : all)
    for (const auto& finding : one.report.findings) {
      auto [entry, is_new] = index.try_emplace(finding.rule->id, index.size());
      if (is_new) rules.push(sarif_rule(*finding.rule));
      results.push(sarif_result(finding, one.report.file, entry->second));
    }
  Json driver = Json::object({{"name", "pratique"}, {"rules", rules}});
  Json run = Json::object({{"tool", Json::object({{"driver", driver}})}, {"results", results}});
  run.set("columnKind", "utf16CodeUnits");
  return Json::object({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                       {"version", "2.1.0"},
                       {"runs", Json::array({run})}});
}

Json to_hadolint(std::span<const Checked> all) {
  Json out = Json::array();
  for (const auto& one : all)
    for (const auto& finding : one.report.findings) {
      std::string_view code = name_in(*finding.rule, "DL");
      out.push(Json::object({{"file", safe(one.report.file)},
                             {"line", std::uint64_t{finding.from.line}},
                             {"column", std::uint64_t{finding.from.column}},
                             {"level", to_string(finding.severity)},
                             {"code", code.empty() ? finding.rule->id : code},
                             {"message", safe(finding.message)}}));
    }
  return out;
}

Json to_trivy(std::span<const Checked> all) {
  Json results = Json::array();
  for (const auto& one : all) results.push(trivy_result(one));
  Json out = Json::object({{"SchemaVersion", 2}});
  out.set("ArtifactName", all.size() == 1 ? safe(all[0].report.file) : std::string("."));
  return out.set("ArtifactType", "filesystem").set("Results", results);
}

}  // namespace pratique::lint
