#include "wire/wire.h"

#include "base/format.h"
#include "wire/reader.h"

namespace pratique::wire {

namespace {

Json reason_to_json(const Reason& reason) {
  Json json = Json::object();
  json.set("verdict", reason.verdict).set("rule", reason.rule).set("fact", reason.fact);
  set_text(json, "finding", reason.finding);
  return json;
}

Result<Reason> reason_from_json(const Json& json) {
  Reader reader(json, "reason");
  return Reason{.verdict = TRY(reader.text("verdict")),
                .rule = TRY(reader.text("rule")),
                .fact = TRY(reader.text("fact")),
                .finding = TRY(reader.optional_text("finding"))};
}

Result<std::map<std::string, std::size_t>> counts_from_json(const Json& json) {
  std::map<std::string, std::size_t> counts;
  for (const auto& [severity, count] : json.members()) {
    if (!count.as_int() || *count.as_int() < 0)
      return invalid("submission: \"counts\" holds something that is no count");
    counts[severity] = static_cast<std::size_t>(*count.as_int());
  }
  return counts;
}

}  // namespace

Json Submission::to_json() const {
  Json json = Json::object();
  json.set("id", id).set("state", state).set("submitter", submitter).set("repository", repository).set("tag", tag);
  json.set("digest", digest.to_string()).set("staged", staged.to_rfc3339());
  set_time(json, "decided", decided);
  set_text(json, "verdict", verdict);
  set_text(json, "policy", policy);
  Json list = Json::array();
  for (const auto& reason : reasons) list.push(reason_to_json(reason));
  json.set("reasons", std::move(list));
  Json counted = Json::object();
  for (const auto& [severity, count] : counts) counted.set(severity, static_cast<std::uint64_t>(count));
  json.set("counts", std::move(counted));
  set_text(json, "reviewer", reviewer);
  set_text(json, "note", note);
  if (!conditions.empty()) json.set("conditions", texts_to_json(conditions));
  set_text(json, "uri", uri);
  set_time(json, "expires", expires);
  set_text(json, "report_url", report_url);
  json.set("next_steps", texts_to_json(next_steps));
  return json;
}

Result<Submission> Submission::from_json(const Json& json) {
  Reader reader(json, "submission");
  Submission s{.id = TRY(reader.text("id")),
               .state = TRY(reader.text("state")),
               .submitter = TRY(reader.text("submitter")),
               .repository = TRY(reader.text("repository")),
               .tag = TRY(reader.text("tag")),
               .digest = TRY(reader.digest("digest")),
               .staged = TRY(reader.time("staged")),
               .decided = TRY(reader.optional_time("decided")),
               .verdict = TRY(reader.optional_text("verdict")),
               .policy = TRY(reader.optional_text("policy"))};
  for (const auto& reason : TRY(reader.list("reasons"))) s.reasons.push_back(TRY(reason_from_json(reason)));
  s.counts = TRY(counts_from_json(json["counts"]));
  s.reviewer = TRY(reader.optional_text("reviewer"));
  s.note = TRY(reader.optional_text("note"));
  for (const auto& condition : json["conditions"].items()) s.conditions.emplace_back(condition.text());
  s.uri = TRY(reader.optional_text("uri"));
  s.expires = TRY(reader.optional_time("expires"));
  s.report_url = TRY(reader.optional_text("report_url"));
  s.next_steps = TRY(reader.texts("next_steps"));
  return s;
}

Json to_json(const std::vector<Submission>& submissions) {
  return list_to_json("submissions", submissions);
}
Result<std::vector<Submission>> submissions_from_json(const Json& json) {
  return list_from_json<Submission>("submissions", json);
}

Json Report::to_json() const {
  Json json = Json::object();
  json.set("submission", submission.to_json()).set("reports", Json::array(reports));
  return json;
}

Result<Report> Report::from_json(const Json& json) {
  Report report{.submission = TRY(Submission::from_json(json["submission"])),
                .reports = TRY(Reader(json, "report").list("reports"))};
  return report;
}

Json Waiver::to_json() const {
  Json json = Json::object();
  set_text(json, "id", id);
  json.set("finding", finding);
  set_text(json, "package", package);
  set_text(json, "image", image);
  set_text(json, "owner", owner);
  json.set("reason", reason).set("expires", expires.to_rfc3339());
  return json;
}

Result<Waiver> Waiver::from_json(const Json& json) {
  Reader reader(json, "waiver");
  return Waiver{.id = TRY(reader.optional_text("id")),
                .finding = TRY(reader.text("finding")),
                .package = TRY(reader.optional_text("package")),
                .image = TRY(reader.optional_text("image")),
                .owner = TRY(reader.optional_text("owner")),
                .reason = TRY(reader.text("reason")),
                .expires = TRY(reader.time("expires"))};
}

Json to_json(const std::vector<Waiver>& waivers) {
  return list_to_json("waivers", waivers);
}
Result<std::vector<Waiver>> waivers_from_json(const Json& json) {
  return list_from_json<Waiver>("waivers", json);
}

Json UserInfo::to_json() const {
  Json json = Json::object();
  json.set("name", name).set("roles", texts_to_json(roles)).set("disabled", is_disabled);
  set_time(json, "created", created);
  set_text(json, "repository_component", repository_component);
  if (!push_to.empty()) json.set("push_to", texts_to_json(push_to));
  return json;
}

Result<UserInfo> UserInfo::from_json(const Json& json) {
  Reader reader(json, "user");
  UserInfo user{.name = TRY(reader.text("name")), .roles = TRY(reader.texts("roles"))};
  if (!json["disabled"].is_null() && !json["disabled"].is_bool())
    return invalid("user: \"disabled\" is neither true nor false");
  user.is_disabled = json["disabled"].as_bool().value_or(false);
  user.created = TRY(reader.optional_time("created"));
  user.repository_component = TRY(reader.optional_text("repository_component"));
  user.push_to = TRY(reader.texts("push_to"));
  return user;
}

Json to_json(const std::vector<UserInfo>& users) {
  return list_to_json("users", users);
}
Result<std::vector<UserInfo>> users_from_json(const Json& json) {
  return list_from_json<UserInfo>("users", json);
}

Json Problem::to_json() const {
  Json error = Json::object();
  error.set("kind", kind).set("message", message).set("next", next);
  Json json = Json::object();
  json.set("error", std::move(error));
  return json;
}

Result<Problem> Problem::from_json(const Json& json) {
  Reader reader(json["error"], "error");
  return Problem{.kind = TRY(reader.text("kind")),
                 .message = TRY(reader.text("message")),
                 .next = TRY(reader.optional_text("next"))};
}

Json Version::to_json() const {
  Json json = Json::object();
  json.set("program", program).set("version", version).set("api", api);
  return json;
}

Result<Version> Version::from_json(const Json& json) {
  Reader reader(json, "version");
  Version version{.program = TRY(reader.text("program")), .version = TRY(reader.text("version"))};
  if (!json["api"].as_int()) return invalid("version: \"api\" is missing or no number");
  version.api = static_cast<int>(*json["api"].as_int());
  return version;
}

}  // namespace pratique::wire
