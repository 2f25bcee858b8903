// Advisories of all sources for one package become findings: one a vulnerability, the distribution's word before
// others'.
#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "advisory/advisory.h"
#include "advisory/ids.h"
#include "base/format.h"
#include "base/text.h"

namespace pratique::advisory {

namespace {

using vuln::Advisory;
using vuln::AdvisoryStatus;
using vuln::Finding;
using vuln::Package;
using vuln::Severity;

// Whose word counts, lowest first: the distribution's running record of every vulnerability, then its announcements,
// then what others and we ourselves hold of them.
int rank_of(const Advisory& advisory) {
  struct Row {
    std::string_view source;
    int rank;
  };
  constexpr Row kRows[] = {{"debian-tracker", 0}, {"alpine-secdb", 0},     {"debian-security-list", 1},   {"osv", 2},
                           {"starter", 3},        {"debian-changelog", 4}, {"debian-security-archive", 5}};
  for (const auto& row : kRows)
    if (row.source == advisory.source) return row.rank;
  return 2;
}

// Packages of a kernel's source that carry declarations and none of its code.
bool is_headers_only(const Package& package) {
  return package.kind == vuln::PackageKind::Deb &&
         (package.name == "linux-libc-dev" || package.name.starts_with("linux-headers-"));
}

// The name and version advisories speak of: source packages for dpkg and apk, binary ones for rpm.
struct Subject {
  std::string_view name;
  std::string_view version;
};
Subject subject_of(const Package& package) {
  if (package.kind == vuln::PackageKind::Rpm) return {package.name, package.version};
  return {package.source_name.empty() ? package.name : package.source_name,
          package.source_version.empty() ? package.version : package.source_version};
}

// All that is said of one vulnerability in one package.
using Group = std::vector<const Advisory*>;

// Groups by the vulnerability's leading name. A record under another name joins the CVE that lists it as an alias;
// bundles are aliases of many and join nothing.
std::map<std::string_view, Group> group_by_vulnerability(const std::vector<Advisory>& advisories) {
  std::unordered_map<std::string_view, std::string_view> leads;
  for (const auto& advisory : advisories) {
    if (!is_cve(advisory.id)) continue;
    for (const auto& alias : advisory.aliases)
      if (!is_bundle(alias)) leads.try_emplace(alias, advisory.id);
  }
  std::map<std::string_view, Group> groups;
  for (const auto& advisory : advisories) {
    auto lead = is_cve(advisory.id) ? leads.end() : leads.find(advisory.id);
    groups[lead == leads.end() ? std::string_view(advisory.id) : lead->second].push_back(&advisory);
  }
  return groups;
}

struct Outcome {
  const Advisory* decisive = nullptr;  // the advisory that makes it affected; nullptr when not
  std::string fixed_version;
  std::optional<Error> unreadable;
};

// Where a hit says the fix is: the bound of the range that holds the version.
std::string fix_of(const Advisory& advisory, vuln::VersionScheme scheme, std::string_view version) {
  if (advisory.status != AdvisoryStatus::Fixed) return "";
  for (const auto& range : advisory.ranges) {
    Advisory single;
    single.ranges = {range};
    auto hit = vuln::match_version(single, scheme, version);
    if (hit.ok() && *hit == vuln::MatchOutcome::Affected && !range.fixed.empty()) return range.fixed;
  }
  return "";
}

// The best source that speaks of the vulnerability decides; among equals any hit counts and the highest fix is needed.
Outcome judge(const Group& group, vuln::VersionScheme scheme, std::string_view version) {
  int best = rank_of(**std::min_element(group.begin(), group.end(),
                                        [](const auto* a, const auto* b) { return rank_of(*a) < rank_of(*b); }));
  Outcome outcome;
  for (const Advisory* advisory : group) {
    if (rank_of(*advisory) != best) continue;
    auto hit = vuln::match_version(*advisory, scheme, version);
    if (!hit.ok()) {
      outcome.unreadable = hit.error();
      continue;
    }
    if (*hit == vuln::MatchOutcome::NotAffected) continue;
    std::string fix = fix_of(*advisory, scheme, version);
    auto order = fix.empty() || outcome.fixed_version.empty()
                     ? Result<std::strong_ordering>(std::strong_ordering::equal)
                     : vuln::compare_versions(scheme, fix, outcome.fixed_version);
    bool is_higher =
        outcome.decisive == nullptr || (outcome.fixed_version.empty() && !fix.empty()) || (order.ok() && *order > 0);
    if (!is_higher) continue;
    outcome.decisive = advisory;
    outcome.fixed_version = fix;
  }
  return outcome;
}

// Kernel headers inherit every vulnerability of the kernel through the source's name and run none of it. They stay in
// the report, so that nothing is hidden, but do not weigh.
void mark_as_headers_only(Finding& finding) {
  finding.severity = Severity::Negligible;
  finding.severity_source = "pratique";
  std::string_view exploited = finding.is_known_exploited ? ", where it is known to be exploited" : "";
  finding.is_known_exploited = false;
  finding.summary = format("indirect: the package holds kernel headers only; the flaw is in the kernel{}. {}",
                           exploited, finding.summary);
}

Finding make_finding(std::string_view id, const Group& group, const Outcome& outcome, const Package& package) {
  const Advisory& decisive = *outcome.decisive;
  Finding finding;
  finding.id = id;
  finding.package = package;
  finding.status = decisive.status;
  finding.fixed_version = outcome.fixed_version;
  finding.summary = decisive.summary;
  finding.url = decisive.url;
  finding.source = decisive.source;
  finding.severity = decisive.severity;
  finding.severity_source = decisive.severity_source;
  Group ranked = group;
  auto by_rank = [](const Advisory* a, const Advisory* b) {
    return std::make_tuple(rank_of(*a), -static_cast<int>(a->severity)) <
           std::make_tuple(rank_of(*b), -static_cast<int>(b->severity));
  };
  std::sort(ranked.begin(), ranked.end(), by_rank);
  for (const Advisory* advisory : ranked) {
    finding.is_known_exploited = finding.is_known_exploited || advisory->is_known_exploited;
    finding.aliases.insert(finding.aliases.end(), advisory->aliases.begin(), advisory->aliases.end());
    finding.aliases.push_back(advisory->id);
    if (finding.summary.empty()) finding.summary = advisory->summary;
    if (finding.severity != Severity::Unknown || advisory->severity == Severity::Unknown) continue;
    finding.severity = advisory->severity;
    finding.severity_source = advisory->severity_source;
  }
  std::sort(finding.aliases.begin(), finding.aliases.end());
  finding.aliases.erase(std::unique(finding.aliases.begin(), finding.aliases.end()), finding.aliases.end());
  std::erase(finding.aliases, finding.id);
  if (is_headers_only(package)) mark_as_headers_only(finding);
  return finding;
}

// An archive's "there is a newer version" says nothing more once vulnerabilities that this version fixes are named.
void drop_explained_floors(std::vector<Finding>& findings, std::size_t first) {
  auto begin = findings.begin() + static_cast<std::ptrdiff_t>(first);
  auto is_explained = [&](const Finding& floor) {
    return is_archive_floor(floor.id) && std::any_of(begin, findings.end(), [&](const Finding& other) {
             return !is_archive_floor(other.id) && other.fixed_version == floor.fixed_version;
           });
  };
  std::vector<Finding> kept;
  std::copy_if(begin, findings.end(), std::back_inserter(kept), [&](const Finding& f) { return !is_explained(f); });
  findings.erase(begin, findings.end());
  std::move(kept.begin(), kept.end(), std::back_inserter(findings));
}

void match_package(const Package& package, const std::vector<Advisory>& advisories, Matches& matches) {
  vuln::VersionScheme scheme = vuln::version_scheme(package.kind);
  std::string_view version = subject_of(package).version;
  std::size_t first = matches.findings.size();
  for (const auto& [id, group] : group_by_vulnerability(advisories)) {
    Outcome outcome = judge(group, scheme, version);
    if (outcome.decisive != nullptr) {
      matches.findings.push_back(make_finding(id, group, outcome, package));
    } else if (outcome.unreadable) {
      matches.unjudged.push_back({package, format("{}: {}", id, outcome.unreadable->message())});
    }
  }
  drop_explained_floors(matches.findings, first);
}

}  // namespace

Matches match(const Database& database, const vuln::Distribution& distribution, const std::vector<Package>& packages) {
  Matches matches;
  std::string stream = distribution.stream();
  matches.is_covered = !stream.empty() && database.covers(stream);
  for (const auto& package : packages) {
    Subject subject = subject_of(package);
    if (!vuln::is_version(vuln::version_scheme(package.kind), subject.version)) {
      matches.unjudged.push_back({package, format("version \"{}\" does not parse", printable(subject.version, 60))});
      continue;
    }
    if (!matches.is_covered) continue;
    auto advisories = database.lookup(stream, subject.name);
    if (!advisories.ok()) {
      matches.unjudged.push_back({package, advisories.error().message()});
      continue;
    }
    match_package(package, *advisories, matches);
  }
  std::sort(matches.findings.begin(), matches.findings.end(), vuln::ranks_before);
  return matches;
}

}  // namespace pratique::advisory
