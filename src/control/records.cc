// What happened, and what may run.
#include "base/format.h"
#include "base/text.h"
#include "control/impl.h"

namespace pratique::control {

namespace {

constexpr std::size_t kEntriesDefault = 100;
constexpr std::size_t kEntriesMax = 1'000;

Json entry_to_json(const journal::Entry& entry) {
  Json json = Json::object();
  json.set("sequence", entry.sequence).set("time", entry.time.to_rfc3339()).set("actor", entry.actor);
  json.set("event", entry.event).set("subject", entry.subject).set("details", entry.details).set("hash", entry.hash);
  return json;
}

Result<std::optional<Time>> time_parameter(const http::Request& request, std::string_view name) {
  auto text = request.parameter(name);
  if (!text) return std::optional<Time>();
  auto time = Time::parse(*text);
  if (!time.ok()) return invalid(format("\"{}\" is no time, such as 2026-11-20 or 2026-11-20T12:00:00Z", name));
  return std::optional(*time);
}

Result<journal::Filter> journal_filter(const http::Request& request) {
  return journal::Filter{.actor = request.parameter("actor"),
                         .event = request.parameter("event"),
                         .subject = request.parameter("subject"),
                         .since = TRY(time_parameter(request, "since")),
                         .until = TRY(time_parameter(request, "until"))};
}

struct Wanted {
  oci::RepositoryName repository;
  oci::ManifestReference reference;
};

// "repository:tag" or "repository@digest", without a host.
Result<Wanted> parse_wanted(std::string_view text) {
  auto at = text.rfind('@');
  auto end = at != std::string_view::npos ? at : text.rfind(':');
  if (end == std::string_view::npos)
    return invalid(format("\"{}\" is neither repository:tag nor repository@digest", printable(text)));
  auto repository = TRY(oci::RepositoryName::parse(text.substr(0, end)));
  auto rest = text.substr(end + 1);
  if (at != std::string_view::npos) return Wanted{std::move(repository), TRY(oci::Digest::parse(rest))};
  return Wanted{std::move(repository), TRY(oci::Tag::parse(rest))};
}

}  // namespace

Control::Impl::Outcome Control::Impl::show_journal(Call& call) {
  auto cursor = TRY(read_number(call.request, "cursor", 0, INT64_MAX));
  auto limit = TRY(read_number(call.request, "limit", kEntriesDefault, kEntriesMax));
  auto filter = TRY(journal_filter(call.request));
  auto entries = TRY(journal.read(static_cast<std::int64_t>(cursor), limit, filter));
  Json list = Json::array();
  for (const auto& entry : entries) list.push(entry_to_json(entry));
  Json json = Json::object();
  json.set("entries", std::move(list));
  json.set("cursor", entries.empty() ? static_cast<std::int64_t>(cursor) : entries.back().sequence);
  return answer(json);
}

Control::Impl::Outcome Control::Impl::verify_journal(Call&) {
  auto found = TRY(journal.verify());
  Json json = Json::object();
  json.set("holds", found.holds()).set("entries", found.entries).set("head", found.head);
  json.set("first_bad", found.first_bad).set("problem", found.problem);
  return answer(json);
}

Control::Impl::Outcome Control::Impl::show_admission(Call& call) {
  auto text = call.request.parameter("reference");
  if (!text) return invalid("\"reference\" is missing");
  auto wanted = TRY(parse_wanted(*text));
  return answer(gate::admission_to_json(TRY(gate.admit(wanted.repository, wanted.reference, &call.who))));
}

// Only who may run may say that something ran; what is said is theirs and stands in the journal under their name.
Control::Impl::Outcome Control::Impl::add_run(Call& call) {
  if (!call.who.has(identity::Role::Runner) && !call.who.has(identity::Role::Admin)) {
    return denied(format("{} may not do this: it is for runners", printable(call.who.name())));
  }
  auto record = TRY(read_object(call.request));
  auto digest = TRY(oci::Digest::parse(record["digest"].text()).with_context("reading \"digest\""));
  TRY(gate.record_run(call.who, digest, std::move(record)));
  Json json = Json::object();
  json.set("recorded", true);
  return answer(json);
}

}  // namespace pratique::control
