// Keys for machines, made and revoked by the people they stand for.
#include "base/format.h"
#include "base/log.h"
#include "base/text.h"
#include "control/impl.h"

namespace pratique::control {

namespace {

Json key_to_json(const signin::ApiKey& key) {
  Json roles = Json::array();
  for (auto& word : words_of(key.roles)) roles.push(std::move(word));
  Json json = Json::object({{"id", key.id}, {"owner", key.owner}, {"label", key.label}, {"roles", std::move(roles)}});
  if (!key.push_only.empty()) json.set("push_only", key.push_only);
  json.set("created", key.created.to_rfc3339()).set("expires", key.expires.to_rfc3339());
  if (key.used) json.set("used", key.used->to_rfc3339());
  return json.set("revoked", key.is_revoked);
}

}  // namespace

Control::Impl::Outcome Control::Impl::list_api_keys(Call& call) {
  std::optional<std::string> owner = call.who.name();
  if (call.who.has(identity::Role::Admin)) owner = call.request.parameter("owner");
  auto keys = TRY(api_keys.list(owner));
  Json list = Json::array();
  for (const auto& key : keys) list.push(key_to_json(key));
  return answer(Json::object({{"api_keys", std::move(list)}}));
}

Control::Impl::Outcome Control::Impl::issue_api_key(Call& call) {
  auto body = TRY(read_object(call.request));
  auto label = TRY(text_member(body, "label"));
  auto roles = TRY(roles_member(body));
  auto lifetime = body["lifetime_seconds"].as_int();
  if (!lifetime || *lifetime < 0) return invalid("\"lifetime_seconds\" is missing or no number");
  signin::NewApiKey wanted{.label = label, .roles = roles, .lifetime = seconds(*lifetime)};
  if (body["push_only"].as_bool().value_or(false))
    wanted.push_only = TRY(own_repository(call.who, body["repository"].text()));
  auto issued = TRY(api_keys.issue(call.who, wanted));
  log::info("api key issued", {{"key", issued.key.id}, {"by", printable(call.who.name())}});
  Json json = key_to_json(issued.key);
  json.set("secret", issued.secret);
  return answer(json, 201);
}

Control::Impl::Outcome Control::Impl::revoke_api_key(Call& call) {
  auto key = TRY(api_keys.revoke(call.who, std::string(call.request.captured("id"))));
  log::info("api key revoked", {{"key", key.id}, {"by", printable(call.who.name())}});
  return answer(key_to_json(key));
}

}  // namespace pratique::control
