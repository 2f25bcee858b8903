#include "distribution/verdict.h"

#include <algorithm>

#include "base/format.h"
#include "base/text.h"

namespace pratique::distribution {

namespace {

// A screenful: the report has the rest.
constexpr std::size_t kReasonsShown = 3;
constexpr std::size_t kReasonBytesMax = 400;
constexpr std::size_t kLineBytesMax = 900;

// What people type: the origin without its scheme.
std::string_view host_of(std::string_view origin) {
  const auto parts = cut(origin, "://");
  return parts ? parts->second : origin;
}

// The reasons that made the verdict what it is; the decision puts them first.
std::vector<std::string> decisive_reasons(const gate::Submission& submission) {
  std::vector<std::string> facts;
  if (!submission.note.empty()) facts.push_back(format("{}: {}", submission.reviewer, submission.note));
  if (!submission.decision) return facts;
  for (const auto& reason : submission.decision->reasons) {
    if (reason.verdict == submission.decision->verdict) facts.push_back(printable(reason.fact, kReasonBytesMax));
  }
  return facts;
}

std::string headline(const gate::Submission& submission, std::string_view origin) {
  switch (submission.state) {
    case gate::State::Approved: {
      if (!submission.approved_repository) return "approved";
      const std::string until = submission.expires ? format(" until {}", submission.expires->to_date()) : "";
      return format("approved{}: pull it as {}/{}:{}", until, host_of(origin), submission.approved_repository->text(),
                    submission.tag.text());
    }
    case gate::State::Waiting:
      return "waiting for a reviewer";
    case gate::State::Rejected:
      return "rejected";
    case gate::State::Staged:
    case gate::State::Scanned:
      return "received; the inspection goes on, the report will tell";
    case gate::State::Superseded:
      return "superseded by a newer push of this tag";
    case gate::State::Expired:
    case gate::State::Revoked:
      break;
  }
  return std::string(gate::to_string(submission.state));
}

std::string ascii(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    const bool is_plain = c >= 0x20 && c < 0x7f;
    if (c == '"' || c == '\\') plain += '\\';
    plain += is_plain ? c : '?';
  }
  return plain;
}

}  // namespace

std::string report_address(const gate::Submission& submission, std::string_view origin) {
  return format("{}/reports/{}", origin, submission.id);
}

std::vector<std::string> verdict_lines(const gate::Submission& submission, std::string_view origin) {
  std::vector<std::string> lines{format("pratique: {}", headline(submission, origin))};
  const auto reasons = decisive_reasons(submission);
  const bool tells_why = submission.state == gate::State::Rejected || submission.state == gate::State::Waiting;
  if (tells_why && !reasons.empty()) lines.front() += format(": {}", reasons.front());
  lines.push_back(format("pratique: report: {}", report_address(submission, origin)));
  for (std::size_t i = 1; tells_why && i < std::min(reasons.size(), kReasonsShown); ++i) {
    lines.push_back(format("pratique: also: {}", reasons[i]));
  }
  if (tells_why && reasons.size() > kReasonsShown) {
    lines.push_back(format("pratique: and {} more reasons in the report", reasons.size() - kReasonsShown));
  }
  return lines;
}

std::string rejection_message(const gate::Submission& submission, std::string_view origin) {
  auto reasons = decisive_reasons(submission);
  std::string more;
  if (reasons.size() > kReasonsShown) {
    more = format("; and {} more", reasons.size() - kReasonsShown);
    reasons.resize(kReasonsShown);
  }
  return format("rejected by the gate: {}{}. Report: {}", join(reasons, "; "), more,
                report_address(submission, origin));
}

std::vector<std::string> warning_values(const std::vector<std::string>& lines) {
  std::vector<std::string> values;
  std::size_t bytes = 0;
  for (const auto& line : lines) {
    std::string value = format("299 - \"{}\"", ascii(line.substr(0, kLineBytesMax)));
    if (bytes + value.size() > kWarningBytesMax) break;
    bytes += value.size();
    values.push_back(std::move(value));
  }
  return values;
}

}  // namespace pratique::distribution
