#include "base/check.h"
#include "base/format.h"
#include "base/text.h"
#include "vuln/vuln.h"

namespace pratique::vuln {

namespace {

constexpr std::string_view kSeverityNames[] = {"unknown", "negligible", "low", "medium", "high", "critical"};

struct StatusName {
  AdvisoryStatus status;
  std::string_view name;
};
constexpr StatusName kStatusNames[] = {
    {AdvisoryStatus::Fixed, "fixed"},
    {AdvisoryStatus::Affected, "affected"},
    {AdvisoryStatus::WillNotFix, "will-not-fix"},
    {AdvisoryStatus::FixDeferred, "fix-deferred"},
    {AdvisoryStatus::EndOfLife, "end-of-life"},
    {AdvisoryStatus::Undetermined, "undetermined"},
    {AdvisoryStatus::NotAffected, "not-affected"},
};

}  // namespace

std::string_view to_string(Severity severity) {
  return kSeverityNames[static_cast<std::size_t>(severity)];
}

std::optional<Severity> parse_severity(std::string_view text) {
  for (std::size_t i = 0; i < std::size(kSeverityNames); ++i)
    if (equals_ignoring_case(kSeverityNames[i], text)) return static_cast<Severity>(i);
  // The words other feeds use for the same steps.
  if (equals_ignoring_case(text, "moderate")) return Severity::Medium;
  if (equals_ignoring_case(text, "important")) return Severity::High;
  return std::nullopt;
}

Severity severity_of_cvss_score(double score) {
  if (!(score >= 0.0 && score <= 10.0)) return Severity::Unknown;
  if (score >= 9.0) return Severity::Critical;
  if (score >= 7.0) return Severity::High;
  if (score >= 4.0) return Severity::Medium;
  return score >= 0.1 ? Severity::Low : Severity::Negligible;
}

std::string_view to_string(AdvisoryStatus status) {
  for (const auto& row : kStatusNames)
    if (row.status == status) return row.name;
  CHECK(false, "an advisory status without a name");
  __builtin_unreachable();
}

std::optional<AdvisoryStatus> parse_advisory_status(std::string_view text) {
  for (const auto& row : kStatusNames)
    if (row.name == text) return row.status;
  return std::nullopt;
}

}  // namespace pratique::vuln
