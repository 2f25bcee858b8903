#include "policy/policy.h"

#include <array>

#include "base/format.h"
#include "base/text.h"

namespace pratique::policy {

namespace {

constexpr std::array<std::string_view, 3> kVerdictWords = {"approve", "review", "reject"};

std::optional<Verdict> parse_verdict(std::string_view text) {
  for (std::size_t i = 0; i < kVerdictWords.size(); ++i)
    if (kVerdictWords[i] == text) return static_cast<Verdict>(i);
  return std::nullopt;
}

Json reason_to_json(const Reason& reason) {
  Json json = Json::object();
  json.set("verdict", to_string(reason.verdict)).set("rule", reason.rule).set("fact", reason.fact);
  if (!reason.finding.empty()) json.set("finding", reason.finding);
  return json;
}

Result<Reason> reason_from_json(const Json& json) {
  auto verdict = parse_verdict(json["verdict"].text());
  if (!verdict) return invalid("a reason without a verdict");
  Reason reason{.verdict = *verdict,
                .rule = std::string(json["rule"].text()),
                .fact = std::string(json["fact"].text()),
                .finding = std::string(json["finding"].text())};
  if (reason.rule.empty() || reason.fact.empty()) return invalid("a reason names a rule and a fact");
  return reason;
}

Result<std::optional<Time>> time_from_json(const Json& json) {
  if (json.is_null()) return std::optional<Time>();
  return std::optional<Time>(TRY(Time::parse(json.text())));
}

Result<Decision> read_decision(const Json& json) {
  Decision decision;
  auto verdict = parse_verdict(json["verdict"].text());
  if (!verdict) return invalid("no verdict");
  decision.verdict = *verdict;
  if (json["reasons"].items().size() > kReasonsMax) return over_limit(format("more than {} reasons", kReasonsMax));
  for (const auto& reason : json["reasons"].items()) decision.reasons.push_back(TRY(reason_from_json(reason)));
  if (decision.reasons.empty()) return invalid("no reason");
  decision.policy_name = json["policy"]["name"].text();
  decision.policy_digest = json["policy"]["digest"].text();
  decision.decided = TRY(Time::parse(json["decided"].text()));
  decision.approval_expires = TRY(time_from_json(json["approval_expires"]));
  decision.waived_until = TRY(time_from_json(json["waived_until"]));
  return decision;
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  return kVerdictWords.at(static_cast<std::size_t>(verdict));
}

Json Decision::to_json() const {
  Json list = Json::array();
  for (const auto& reason : reasons) list.push(reason_to_json(reason));
  Json named = Json::object();
  named.set("name", policy_name).set("digest", policy_digest);
  Json json = Json::object();
  json.set("verdict", to_string(verdict)).set("reasons", std::move(list)).set("policy", std::move(named));
  json.set("decided", decided.to_rfc3339());
  if (approval_expires) json.set("approval_expires", approval_expires->to_rfc3339());
  if (waived_until) json.set("waived_until", waived_until->to_rfc3339());
  return json;
}

Result<Decision> Decision::from_json(const Json& json) {
  return read_decision(json).with_context("reading a decision");
}

}  // namespace pratique::policy
