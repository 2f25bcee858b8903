#include "scan/report_view.h"

#include <algorithm>
#include <map>

#include "base/format.h"
#include "base/text.h"

namespace pratique::scan {

namespace {

// The newest of the versions that fix something. One that does not compare is shown as it is: better than none.
std::string highest(vuln::PackageKind kind, const std::vector<const vuln::Finding*>& findings) {
  std::string highest;
  for (const auto* finding : findings) {
    if (highest.empty()) {
      highest = finding->fixed_version;
      continue;
    }
    auto order = vuln::compare_versions(vuln::version_scheme(kind), highest, finding->fixed_version);
    if (order.ok() && *order == std::strong_ordering::less) highest = finding->fixed_version;
  }
  return highest;
}

std::vector<PackageGroup> group(const std::vector<const vuln::Finding*>& findings) {
  std::vector<PackageGroup> groups;
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> known;
  for (const auto* finding : findings) {
    const auto& package = finding->package;
    auto [at, is_new] = known.try_emplace({package.name, package.version}, groups.size());
    if (is_new) groups.push_back({.package = &package});
    auto& ids = groups[at->second].findings;
    // The same package for two architectures has the same findings.
    if (std::none_of(ids.begin(), ids.end(), [&](const auto* other) { return other->id == finding->id; }))
      ids.push_back(finding);
  }
  for (auto& one : groups) one.upgrade_to = highest(one.package->kind, one.findings);
  return groups;
}

// Findings come worst first, so the groups do too.
std::vector<LayerGroup> group_by_layer(const ScanReport& report) {
  std::map<int, std::pair<std::vector<const vuln::Finding*>, std::vector<const vuln::Finding*>>> layers;
  for (const auto& finding : report.findings) {
    auto& [fixable, unfixable] = layers[finding.package.layer];
    (finding.is_fixable() ? fixable : unfixable).push_back(&finding);
  }
  std::vector<LayerGroup> groups;
  for (const auto& [layer, findings] : layers) {
    LayerGroup one{.layer = layer, .fixable = group(findings.first), .unfixable = group(findings.second)};
    if (layer >= 0 && static_cast<std::size_t>(layer) < report.layers.size())
      one.summary = &report.layers[static_cast<std::size_t>(layer)];
    groups.push_back(std::move(one));
  }
  return groups;
}

std::string describe(const advisory::DatabaseInfo& database) {
  if (database.advisories == 0) return "none";
  return format("{} advisories, newest of {}, built {} (database {})", with_thousands(database.advisories),
                database.newest.to_date(), database.built.to_date(), database.digest.substr(0, 12));
}

std::string describe_coverage(const ScanReport& report) {
  if (!report.distribution) return "no distribution was recognised, so no advisories apply";
  auto stream = report.distribution->stream();
  const auto& streams = report.database.streams;
  if (stream.empty()) return "this distribution is not known";
  if (std::find(streams.begin(), streams.end(), stream) == streams.end()) return stream + " is not covered: not judged";
  return stream + " is covered";
}

std::string describe_counts(const ScanReport& report) {
  if (report.findings.empty()) return "none";
  std::string text;
  auto counts = report.counts();
  for (auto at = counts.rbegin(); at != counts.rend(); ++at)
    text += format("{}{} {}", text.empty() ? "" : ", ", at->second, vuln::to_string(at->first));
  return text;
}

std::string describe_base(const ScanReport& report) {
  const auto& base = *report.base;
  if (base.standing == "none") return "none of the registered base images";
  auto text =
      format("{} of {}, {} of {} layers", base.reference, base.built.to_date(), base.layers, report.layers.size());
  if (base.behind > 0) text += format("; {} old", plural(base.behind, "generation"));
  if (base.standing == "outdated") text += ", no longer accepted";
  return base.proof == "chain" ? text : text + " (by its last layer)";
}

// Whose work it is to repair them: whoever builds on the base, or the author.
std::string describe_shares(const ScanReport& report) {
  auto of_base = static_cast<std::size_t>(
      std::ranges::count_if(report.findings, [&](const auto& finding) { return report.is_of_base(finding); }));
  auto text = format("{} in the base, {} in your own layers", of_base, report.findings.size() - of_base);
  const auto& removed = report.base->removed_by_rebuild;
  if (removed && report.base->behind > 0)
    text += format("; a rebuild on the current base removes {} of {}", *removed, report.findings.size());
  return text;
}

std::vector<std::pair<std::string, std::string>> facts_of(const ScanReport& report, const ReportContext& context) {
  std::vector<std::pair<std::string, std::string>> facts{{"Image", report.image}};
  if (report.digest) facts.emplace_back("Digest", report.digest->to_string());
  if (!report.platform.os.empty()) facts.emplace_back("Platform", printable(report.platform.to_string()));
  const auto& system = report.distribution;
  std::string name = system ? system->pretty_name.empty() ? system->id + " " + system->version_id : system->pretty_name
                            : "not recognised";
  facts.emplace_back("System", name);
  facts.emplace_back("Contents",
                     plural(report.packages.size(), "package") + " in " + plural(report.layers.size(), "layer"));
  if (report.base) facts.emplace_back("Base", describe_base(report));
  if (report.base && report.base->is_starred)
    facts.emplace_back("", report.base->starred_why.empty() ? "that base is unavailable for now"
                                                            : "that base is starred: " + report.base->starred_why);
  if (report.base && report.base->layers > 0 && !report.findings.empty())
    facts.emplace_back("Findings", describe_shares(report));
  facts.emplace_back("Advisories", describe(report.database));
  facts.emplace_back("Coverage", describe_coverage(report));
  facts.emplace_back("Scanned", report.scanned.to_rfc3339());
  if (!context.uri.empty()) facts.emplace_back("Approved as", context.uri);
  if (!context.expires.empty()) facts.emplace_back("Until", context.expires);
  return facts;
}

bool has_gap(const ScanReport& report, std::string_view code) {
  return std::any_of(report.gaps.begin(), report.gaps.end(), [&](const Gap& gap) { return gap.code == code; });
}

std::vector<std::string> steps_of(const ScanReport& report, std::size_t fixable) {
  std::vector<std::string> steps;
  auto kind = report.packages.empty() ? std::optional<vuln::PackageKind>() : report.packages.front().kind;
  if (fixable > 0) {
    steps.emplace_back(
        "Where a finding is in the base image's layers, build again FROM a newer release of that image.");
    if (kind == vuln::PackageKind::Deb)
      steps.emplace_back(
          "Else upgrade in the Dockerfile: RUN apt-get update && apt-get -y upgrade && rm -rf /var/lib/apt/lists/*");
    if (kind == vuln::PackageKind::Apk)
      steps.emplace_back("Else upgrade in the Dockerfile: RUN apk upgrade --no-cache");
  }
  if (fixable < report.findings.size())
    steps.emplace_back(
        "Remove packages with findings that have no fix if nothing needs them; a smaller base image has fewer.");
  if (has_gap(report, "no-advisory-data"))
    steps.emplace_back("Fetch advisories for this distribution: pratique db update");
  if (!report.gaps.empty())
    steps.emplace_back("Look at what was not judged, above: it counts as unknown, not as clean.");
  if (steps.empty()) steps.emplace_back("Nothing: no known vulnerability was found, and everything was judged.");
  return steps;
}

}  // namespace

bool PackageGroup::has_known_exploited() const {
  return std::any_of(findings.begin(), findings.end(), [](const auto* finding) { return finding->is_known_exploited; });
}

std::size_t LayerGroup::findings() const {
  std::size_t count = 0;
  for (const auto* groups : {&fixable, &unfixable})
    for (const auto& one : *groups) count += one.findings.size();
  return count;
}

ReportView view_of(const ScanReport& report, const ReportContext& context) {
  ReportView view;
  view.facts = facts_of(report, context);
  view.counts = describe_counts(report);
  view.fixable = static_cast<std::size_t>(std::count_if(report.findings.begin(), report.findings.end(),
                                                        [](const auto& finding) { return finding.is_fixable(); }));
  view.layers = group_by_layer(report);
  view.next_steps = context.next_steps.empty() ? steps_of(report, view.fixable) : context.next_steps;
  view.coverage =
      "This version reads the packages of Debian and its relatives (dpkg) and of Alpine and its relatives (apk). It "
      "does not "
      "look at packages of programming languages (pip, conda, R, npm, …) or at programs installed by hand.";
  return view;
}

std::string_view explain(vuln::AdvisoryStatus status) {
  switch (status) {
    case vuln::AdvisoryStatus::WillNotFix:
      return "will not be fixed in this release";
    case vuln::AdvisoryStatus::FixDeferred:
      return "fix postponed";
    case vuln::AdvisoryStatus::EndOfLife:
      return "release no longer supported";
    case vuln::AdvisoryStatus::Undetermined:
      return "under investigation";
    case vuln::AdvisoryStatus::Fixed:
    case vuln::AdvisoryStatus::Affected:
    case vuln::AdvisoryStatus::NotAffected:
      return "no fix yet";
  }
  return "no fix yet";
}

bool is_minor(vuln::Severity severity) {
  return severity == vuln::Severity::Low || severity == vuln::Severity::Negligible;
}

std::string with_thousands(std::uint64_t number) {
  auto text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

std::string plural(std::size_t count, std::string_view noun) {
  return format("{} {}{}", with_thousands(count), noun, count == 1 ? "" : "s");
}

}  // namespace pratique::scan
