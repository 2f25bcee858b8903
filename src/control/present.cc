// What a person reads about a submission: where it stands, why, and what to do now.
#include "base/format.h"
#include "base/text.h"
#include "control/impl.h"

namespace pratique::control {

namespace {

using gate::State;

// Beyond these a page is a wall; the findings themselves follow below in any case.
constexpr std::size_t kReasonsShown = 20;

std::string in_words(State state) {
  switch (state) {
    case State::Staged:
    case State::Scanned:
      return "being inspected";
    case State::Waiting:
      return "waiting for a reviewer";
    case State::Superseded:
      return "superseded by a newer push of the tag";
    default:
      return std::string(gate::to_string(state));
  }
}

bool has_fixable_reason(const gate::Submission& submission) {
  if (!submission.decision) return false;
  for (const auto& reason : submission.decision->reasons)
    if (reason.verdict != policy::Verdict::Approve && contains(reason.fact, ", fixed in ")) return true;
  return false;
}

}  // namespace

std::string Control::Impl::host(const http::Request& request) const {
  auto after_scheme = cut(options.public_url, "://");
  std::string host(after_scheme ? after_scheme->second : std::string_view(request.host));
  while (host.ends_with('/')) host.pop_back();
  return host;
}

std::vector<std::string> Control::Impl::next_steps(const gate::Submission& submission,
                                                   const http::Request& request) const {
  auto place = format("{}/{}:{}", host(request), submission.repository.text(), submission.tag.text());
  auto whom = options.contact.empty() ? std::string("your reviewer") : options.contact;
  switch (submission.state) {
    case State::Staged:
    case State::Scanned:
      return {"It is being inspected; look again in a minute."};
    case State::Approved: {
      auto uri = format("{}/{}", host(request), submission.approved_reference());
      return {format("Use it as {} until {}.", uri, submission.expires ? submission.expires->to_date() : "it expires"),
              format("In a Nextflow configuration: process.container = '{}'", uri)};
    }
    case State::Waiting:
      return {format(
          "A reviewer decides; there is nothing you have to do. If it takes long, ask {} and name submission {}.", whom,
          submission.id)};
    case State::Rejected: {
      std::vector<std::string> steps;
      if (has_fixable_reason(submission))
        steps.push_back(
            "Upgrade the packages named above to the fixed versions: build on a current base image, and run "
            "the distribution's upgrade in the Dockerfile.");
      steps.push_back(format("Push the repaired image to {} again; it is judged at once.", place));
      steps.push_back(
          format("If it cannot be repaired, ask {} for a waiver and name submission {}.", whom, submission.id));
      return steps;
    }
    case State::Expired:
      return {format("Push the image to {} again to have it judged anew.", place)};
    case State::Revoked:
      return {format("What is known of it has changed: repair it as the report says, and push it to {} again.", place)};
    case State::Superseded:
      return {"A newer push of the same tag has taken its place: `pratique status` shows it."};
  }
  return {};
}

wire::Submission Control::Impl::present(const gate::Submission& submission, const http::Request& request) const {
  auto base = options.public_url.empty() ? request.origin() : options.public_url;
  while (base.ends_with('/')) base.pop_back();
  wire::Submission shown{.id = submission.id,
                         .state = std::string(gate::to_string(submission.state)),
                         .submitter = submission.submitter,
                         .repository = submission.repository.text(),
                         .tag = submission.tag.text(),
                         .digest = submission.digest,
                         .staged = submission.staged,
                         .decided = submission.decided,
                         .reviewer = submission.reviewer,
                         .note = submission.note,
                         .conditions = submission.conditions,
                         .expires = submission.expires,
                         .report_url = format("{}/reports/{}", base, submission.id),
                         .next_steps = next_steps(submission, request)};
  if (auto reference = submission.approved_reference(); !reference.empty())
    shown.uri = format("{}/{}", host(request), reference);
  for (const auto& [severity, count] : submission.counts) shown.counts[std::string(vuln::to_string(severity))] = count;
  if (const auto& decision = submission.decision) {
    shown.verdict = policy::to_string(decision->verdict);
    shown.policy = decision->policy_name;
    for (const auto& reason : decision->reasons)
      shown.reasons.push_back(
          {std::string(policy::to_string(reason.verdict)), reason.rule, reason.fact, reason.finding});
  }
  return shown;
}

scan::ReportContext Control::Impl::report_context(const gate::Submission& submission,
                                                  const http::Request& request) const {
  scan::ReportContext context;
  context.verdict = in_words(submission.state);
  if (!submission.reviewer.empty())
    context.reasons.push_back(
        format("decided by {}{}", submission.reviewer, submission.note.empty() ? "" : ": " + submission.note));
  for (const auto& condition : submission.conditions) context.reasons.push_back("on condition: " + condition);
  if (submission.decision) {
    const auto& reasons = submission.decision->reasons;
    for (std::size_t i = 0; i < reasons.size() && i < kReasonsShown; ++i) context.reasons.push_back(reasons[i].fact);
    if (reasons.size() > kReasonsShown)
      context.reasons.push_back(format("and {} more reasons", reasons.size() - kReasonsShown));
  }
  context.next_steps = next_steps(submission, request);
  if (auto reference = submission.approved_reference(); !reference.empty())
    context.uri = format("{}/{}", host(request), reference);
  if (submission.expires) context.expires = submission.expires->to_date();
  return context;
}

}  // namespace pratique::control
