// Policies: what a changed one would do, and why a decision is what it is.
#include "base/format.h"
#include "base/text.h"
#include "control/impl.h"

namespace pratique::control {

namespace {

constexpr std::size_t kPolicyBytesMax = 8 << 20;  // a file of a MiB, and what it builds on
constexpr JsonLimits kPolicyLimits{.bytes_max = kPolicyBytesMax, .depth_max = 4, .values_max = 1'000};
constexpr std::size_t kReasonsShown = 5;

Json reasons_of(const std::vector<policy::Reason>& reasons, std::size_t max) {
  Json list = Json::array();
  for (std::size_t i = 0; i < std::min(reasons.size(), max); ++i) {
    Json json = Json::object();
    json.set("verdict", policy::to_string(reasons[i].verdict)).set("rule", reasons[i].rule);
    list.push(json.set("fact", reasons[i].fact).set("finding", reasons[i].finding));
  }
  return list;
}

Json change_to_json(const gate::PolicyChange& change) {
  const auto& submission = change.submission;
  Json json = Json::object();
  json.set("id", submission.id).set("submitter", submission.submitter).set("state", gate::to_string(submission.state));
  json.set("repository", submission.repository.text()).set("tag", submission.tag.text());
  json.set("now", policy::to_string(change.now.verdict)).set("then", policy::to_string(change.then.verdict));
  return json.set("reasons", reasons_of(change.then.reasons, kReasonsShown));
}

}  // namespace

Control::Impl::Outcome Control::Impl::test_policy(Call& call) {
  auto text = TRY(http::read_all(*call.request.body, kPolicyBytesMax));
  auto body = TRY(parse_json(text, kPolicyLimits).with_context("reading the request"));
  auto name = body["name"].text().empty() ? "policy.yaml" : printable(body["name"].text(), 100);
  auto load = [&](const std::string& file) -> Result<std::string> {
    if (const auto* found = body["files"][file].as_string()) return *found;
    return not_found(format("{} was not sent with it", printable(file)));
  };
  auto policy = TRY(policy::Policy::parse(body["text"].text(), name, load));
  auto trial = TRY(gate.try_policy(policy));
  Json changes = Json::array();
  for (const auto& change : trial.changes) changes.push(change_to_json(change));
  Json json = Json::object();
  json.set("policy", policy.name).set("instead_of", gate.options().policy.name);
  return answer(json.set("judged", static_cast<std::uint64_t>(trial.judged)).set("changes", std::move(changes)));
}

Control::Impl::Outcome Control::Impl::explain(Call& call) {
  auto submission = TRY(visible_submission(call));
  auto explained = TRY(gate.explain(submission.id));
  Json rules = Json::array();
  for (const auto& one : explained) {
    Json json = Json::object();
    json.set("rule", one.rule).set("setting", one.setting).set("origin", one.origin);
    rules.push(json.set("reasons", reasons_of(one.reasons, policy::kReasonsMax)));
  }
  const auto& policy = gate.options().policy.for_repository(submission.repository.text());
  Json json = Json::object();
  json.set("id", submission.id).set("state", gate::to_string(submission.state)).set("policy", policy.name);
  return answer(json.set("rules", std::move(rules)));
}

}  // namespace pratique::control
