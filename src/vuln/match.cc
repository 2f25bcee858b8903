#include <tuple>

#include "base/format.h"
#include "vuln/version.h"
#include "vuln/vuln.h"

namespace pratique::vuln {

namespace {

// Whether `version` lies in the range; Invalid when a bound does not parse.
Result<bool> is_in_range(VersionScheme scheme, const VersionRange& range, std::string_view version) {
  if (!range.introduced.empty() && TRY(compare_versions(scheme, version, range.introduced)) < 0) return false;
  if (!range.fixed.empty() && TRY(compare_versions(scheme, version, range.fixed)) >= 0) return false;
  if (!range.last_affected.empty() && TRY(compare_versions(scheme, version, range.last_affected)) > 0) return false;
  return true;
}

Result<bool> is_same_version(VersionScheme scheme, std::string_view listed, std::string_view version) {
  if (listed == version) return true;
  return TRY(compare_versions(scheme, version, listed)) == 0;
}

auto rank(const Finding& finding) {
  const Package& package = finding.package;
  // Enumerators descend with the rank, so their negation ascends.
  return std::make_tuple(-static_cast<int>(finding.severity), !finding.is_known_exploited, !finding.is_fixable(),
                         std::string_view(finding.id), std::string_view(package.name),
                         std::string_view(package.version), std::string_view(package.architecture),
                         static_cast<int>(package.kind), std::string_view(package.location), package.layer,
                         std::string_view(finding.fixed_version), std::string_view(finding.source));
}

}  // namespace

Result<MatchOutcome> match_version(const Advisory& advisory, VersionScheme scheme, std::string_view version) {
  // Compared with itself, an installed version that does not parse is found even where no bound would be looked at.
  TRY(compare_versions(scheme, version, version));
  if (advisory.status == AdvisoryStatus::NotAffected) return MatchOutcome::NotAffected;
  // An advisory that names no version speaks of all of them.
  if (advisory.ranges.empty() && advisory.versions.empty()) return MatchOutcome::Affected;

  // A hit counts even if another bound is unreadable; without a hit an unreadable bound leaves the question open.
  std::optional<Error> unreadable;
  auto hits = [&](Result<bool> outcome) {
    if (!outcome.ok()) unreadable = outcome.error();
    return outcome.ok() && *outcome;
  };
  for (const auto& range : advisory.ranges)
    if (hits(is_in_range(scheme, range, version))) return MatchOutcome::Affected;
  for (const auto& listed : advisory.versions)
    if (hits(is_same_version(scheme, listed, version))) return MatchOutcome::Affected;
  if (unreadable) return unreadable->with_context(format("matching {} in {}", advisory.id, advisory.package));
  return MatchOutcome::NotAffected;
}

bool ranks_before(const Finding& a, const Finding& b) {
  return rank(a) < rank(b);
}

}  // namespace pratique::vuln
