#include "cli/submissions.h"

#include "base/format.h"
#include "base/text.h"
#include "cli/output.h"
#include "os/terminal.h"

namespace pratique::cli {

namespace {

os::Style style_of(std::string_view state) {
  if (state == "approved") return os::Style::Green;
  if (state == "rejected" || state == "revoked") return os::Style::Red;
  return os::Style::Yellow;
}

std::string_view state_in_words(std::string_view state) {
  if (state == "staged" || state == "scanned") return "being inspected";
  if (state == "waiting") return "waiting for a reviewer";
  return state;
}

std::string counts_text(const std::map<std::string, std::size_t>& counts) {
  std::string text;
  for (auto severity : {"critical", "high", "medium", "low", "negligible", "unknown"}) {
    auto count = counts.find(severity);
    if (count != counts.end() && count->second > 0)
      text += format("{}{} {}", text.empty() ? "" : ", ", count->second, severity);
  }
  return text.empty() ? "none" : text;
}

std::string reasons_text(const wire::Submission& submission) {
  constexpr std::size_t kReasonsShown = 10;
  std::string text;
  for (std::size_t i = 0; i < submission.reasons.size() && i < kReasonsShown; ++i)
    text += format("  - {}\n", printable(submission.reasons[i].fact, 400));
  if (submission.reasons.size() > kReasonsShown)
    text += format("  … and {} more\n", submission.reasons.size() - kReasonsShown);
  return text;
}

}  // namespace

std::string describe_submission(const wire::Submission& submission, Time now, bool colour) {
  std::string text =
      format("{}:{} is {}\n", printable(submission.repository), printable(submission.tag),
             os::styled(style_of(submission.state), printable(state_in_words(submission.state)), colour));
  text += format("  submission  {}\n  digest      {}\n  pushed      {} ago by {}\n  findings    {}\n",
                 printable(submission.id), submission.digest.to_string(), human_duration(now - submission.staged),
                 printable(submission.submitter), counts_text(submission.counts));
  if (!submission.uri.empty())
    text += format("  use it as   {}\n", os::styled(os::Style::Bold, printable(submission.uri, 1000), colour));
  if (submission.expires) text += format("  until       {}\n", submission.expires->to_rfc3339());
  if (!submission.reviewer.empty())
    text += format("  reviewer    {}{}\n", printable(submission.reviewer),
                   submission.note.empty() ? "" : ": " + printable(submission.note, 1000));
  for (const auto& condition : submission.conditions) text += format("  condition   {}\n", printable(condition, 1000));
  if (!submission.report_url.empty()) text += format("  report      {}\n", printable(submission.report_url, 1000));
  if (!submission.reasons.empty()) text += "\nWhy:\n" + reasons_text(submission);
  if (!submission.next_steps.empty()) text += "\nWhat to do now:\n";
  for (const auto& step : submission.next_steps) text += format("  - {}\n", printable(step, 1000));
  return text;
}

std::string submissions_table(const std::vector<wire::Submission>& submissions, Time now, bool colour) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& submission : submissions)
    rows.push_back({submission.id, submission.state, submission.repository + ":" + submission.tag, submission.submitter,
                    human_duration(now - submission.staged) + " ago", counts_text(submission.counts)});
  return render_table({"ID", "STATE", "IMAGE", "BY", "PUSHED", "FINDINGS"}, rows, colour);
}

int show_submission(const Context& context, const wire::Submission& submission) {
  if (context.arguments.value("--format") == "json")
    print(submission.to_json().dump_pretty());
  else
    print(describe_submission(submission, context.clock.now(), context.colour));
  return submission.state == "rejected" || submission.state == "revoked" ? kVerdictNegative : kDone;
}

Result<wire::Submission> fetch_submission(Remote& remote, const std::string& id) {
  return wire::Submission::from_json(TRY(remote.get("/submissions/" + percent_encode(id))));
}

}  // namespace pratique::cli
