// What people do with submissions: look, read the report, approve, reject, waive.
#include "base/format.h"
#include "base/text.h"
#include "control/impl.h"

namespace pratique::control {

namespace {

constexpr std::size_t kListDefault = 100;
constexpr std::size_t kListMax = 1'000;
// A question that is held takes one of the threads that only wait; clients ask again.
constexpr std::size_t kWaitSecondsMax = 60;

enum class Form { Json, Text, Html };

Result<Form> form_of(const http::Request& request) {
  auto format_wanted = request.parameter("format");
  if (!format_wanted) {
    auto accept = to_lower(request.headers.find("Accept").value_or(""));
    if (contains(accept, "text/html")) return Form::Html;
    return contains(accept, "text/plain") ? Form::Text : Form::Json;
  }
  if (*format_wanted == "json") return Form::Json;
  if (*format_wanted == "text") return Form::Text;
  if (*format_wanted == "html") return Form::Html;
  return invalid(format("\"format\" is \"{}\"; it must be json, text or html", printable(*format_wanted, 40)));
}

// Nothing while the scan is not done: that is a state, not an error.
Result<std::vector<scan::ScanReport>> reports_of(gate::Gate& gate, const std::string& id) {
  auto reports = gate.reports(id);
  if (!reports.ok() && reports.error().kind() == ErrorKind::NotFound) return std::vector<scan::ScanReport>();
  return reports;
}

std::string pending_text(const gate::Submission& submission) {
  return format("{}:{} is being inspected; look again in a minute.\n", submission.repository.text(),
                submission.tag.text());
}

std::string pending_page(const gate::Submission& submission) {
  return format(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"5\">"
      "<title>being inspected</title></head><body style=\"font-family:sans-serif;margin:3em\"><p>{}</p>"
      "</body></html>\n",
      html_escape(pending_text(submission)));
}

std::string text_of(const std::vector<scan::ScanReport>& reports, const scan::ReportContext& context) {
  std::string text;
  for (const auto& report : reports) {
    if (!text.empty()) text += "\n";
    text += scan::render_text(report, context, false);
  }
  return text;
}

http::Response page_of(const gate::Submission& submission, const std::vector<scan::ScanReport>& reports,
                       scan::ReportContext context, std::size_t part) {
  if (reports.empty()) return answer_page(pending_page(submission));
  auto shown = std::min(part == 0 ? 0 : part - 1, reports.size() - 1);
  for (std::size_t i = 0; i < reports.size(); ++i)
    if (i != shown)
      context.next_steps.push_back(
          format("See also {}: /reports/{}?part={}", reports[i].platform.to_string(), submission.id, i + 1));
  return answer_page(scan::render_html(reports[shown], context));
}

std::string note_of(const Json& body) {
  return std::string(body["note"].text());
}

Result<gate::Terms> terms_of(const Json& body) {
  gate::Terms terms{.note = note_of(body), .conditions = {}, .lifetime = {}};
  for (const auto& condition : body["conditions"].items()) terms.conditions.emplace_back(condition.text());
  if (body["days"].is_null()) return terms;
  auto given = body["days"].as_int();
  if (!given || *given < 1 || *given > 3'650) return invalid("\"days\" is a number of days");
  terms.lifetime = days(static_cast<int>(*given));
  return terms;
}

}  // namespace

Result<gate::Submission> Control::Impl::visible_submission(const Call& call) {
  std::string id(call.request.captured("id"));
  auto submission = gate.submission(id);
  if (!submission.ok() && submission.error().kind() != ErrorKind::NotFound) return submission;
  if (!submission.ok() || (!call.sees_all() && submission->submitter != call.who.name()))
    return not_found(format("there is no submission {}", printable(id, 40)));
  return submission;
}

Control::Impl::Outcome Control::Impl::list_submissions(Call& call) {
  gate::Gate::Filter filter;
  if (auto word = call.request.parameter("state")) {
    filter.state = gate::parse_state(*word);
    if (!filter.state) return invalid(format("\"{}\" is no state of a submission", printable(*word, 40)));
  }
  filter.submitter = call.sees_all() ? call.request.parameter("submitter") : std::optional(call.who.name());
  filter.limit = TRY(read_number(call.request, "limit", kListDefault, kListMax));
  auto submissions = TRY(gate.submissions(filter));
  std::vector<wire::Submission> shown;
  for (const auto& submission : submissions) shown.push_back(present(submission, call.request));
  return answer(wire::to_json(shown));
}

namespace {

// In steps, so that a server that stops is not held up.
Result<gate::Submission> await_settled(gate::Gate& gate, const std::string& id, milliseconds wait,
                                       const std::atomic<bool>& hurry) {
  constexpr milliseconds kStep{500};
  for (;; wait -= kStep) {
    auto submission = TRY(gate.await_verdict(id, hurry ? milliseconds(0) : std::min(wait, kStep)));
    bool is_open = submission.state == gate::State::Staged || submission.state == gate::State::Scanned;
    if (!is_open || hurry || wait <= kStep) return submission;
  }
}

}  // namespace

Control::Impl::Outcome Control::Impl::show_submission(Call& call) {
  auto wait = TRY(read_number(call.request, "wait", 0, kWaitSecondsMax));
  auto submission = TRY(visible_submission(call));
  if (wait == 0) {
    auto shown = present(submission, call.request);
    for (auto& step : base_steps(submission)) shown.next_steps.push_back(std::move(step));
    return answer(shown.to_json());
  }
  http::Response response;
  response.later = [this, &request = call.request, id = submission.id, wait](const std::atomic<bool>& hurry) {
    auto settled = await_settled(gate, id, seconds(wait), hurry);
    if (!settled.ok()) return answer_failure({settled.error(), "Try again in a minute."});
    return answer(present(*settled, request).to_json());
  };
  return response;
}

Control::Impl::Outcome Control::Impl::show_report(Call& call) {
  auto form = TRY(form_of(call.request));
  auto part = TRY(read_number(call.request, "part", 1, SIZE_MAX));
  auto submission = TRY(visible_submission(call));
  auto reports = TRY(reports_of(gate, submission.id));
  if (form == Form::Html) return page_of(submission, reports, report_context(submission, call.request), part);
  if (form == Form::Text) {
    auto text = reports.empty() ? pending_text(submission) : text_of(reports, report_context(submission, call.request));
    auto response = answer(Json());
    response.headers.set("Content-Type", "text/plain; charset=utf-8");
    response.body = std::move(text);
    return response;
  }
  wire::Report whole{.submission = present(submission, call.request), .reports = {}};
  for (const auto& report : reports) whole.reports.push_back(report.to_json());
  return answer(whole.to_json());
}

Control::Impl::Outcome Control::Impl::show_page(Call& call) {
  auto part = TRY(read_number(call.request, "part", 1, SIZE_MAX));
  auto submission = TRY(visible_submission(call));
  auto reports = TRY(reports_of(gate, submission.id));
  return page_of(submission, reports, report_context(submission, call.request), part);
}

Control::Impl::Outcome Control::Impl::approve(Call& call) {
  auto body = TRY(read_object(call.request));
  auto submission = TRY(visible_submission(call));
  auto approved = TRY(gate.approve(call.who, submission.id, TRY(terms_of(body))));
  return answer(present(approved, call.request).to_json());
}

Control::Impl::Outcome Control::Impl::reject(Call& call) {
  auto body = TRY(read_object(call.request));
  auto submission = TRY(visible_submission(call));
  auto rejected = TRY(gate.reject(call.who, submission.id, note_of(body)));
  return answer(present(rejected, call.request).to_json());
}

Control::Impl::Outcome Control::Impl::list_waivers(Call&) {
  auto waivers = TRY(gate.waivers());
  std::vector<wire::Waiver> shown;
  for (const auto& w : waivers) shown.push_back({w.id, w.finding, w.package, w.image, w.owner, w.reason, w.expires});
  return answer(wire::to_json(shown));
}

Control::Impl::Outcome Control::Impl::add_waiver(Call& call) {
  auto body = TRY(read_object(call.request));
  auto asked = TRY(wire::Waiver::from_json(body));
  asked.owner = call.who.name();
  asked.id = TRY(gate.waive(call.who, {.id = "",
                                       .finding = asked.finding,
                                       .package = asked.package,
                                       .image = asked.image,
                                       .owner = asked.owner,
                                       .reason = asked.reason,
                                       .expires = asked.expires}));
  return answer(asked.to_json(), 201);
}

}  // namespace pratique::control
