// Signing in with an identity provider: people get a key for half a day, workloads temporary keys for an hour.
#include "base/format.h"
#include "base/log.h"
#include "base/text.h"
#include "control/impl.h"

namespace pratique::control {

namespace {

// A working day; then the provider is asked again whether this person is still there.
constexpr hours kSignInLasts{12};
constexpr std::string_view kKeyLabel = "signed in with the identity provider";

// The name a person goes by here. An address counts only where the provider says that it is theirs.
Result<std::string> name_in(const Json& claims, const std::string& claim) {
  if (claim == "email" && !claims["email_verified"].as_bool().value_or(false))
    return denied("the identity provider has not verified this person's e-mail address");
  if (claims[claim].text().empty()) return denied(format("the token has no \"{}\" to know this person by", claim));
  return std::string(claims[claim].text());
}

}  // namespace

std::unique_ptr<signin::Provider> Control::Impl::make_provider(signin::Provider::Settings settings) {
  auto fetch = [this](const std::string& url) -> Result<std::string> {
    auto response = TRY(client.send({.url = url, .follow_redirects = false}).with_context("asking " + url));
    if (response.status != 200) return unavailable(format("{} answered {}", url, response.status));
    return std::move(response.body);
  };
  return std::make_unique<signin::Provider>(std::move(settings), std::move(fetch), clock);
}

Result<http::Response> Control::Impl::guard_guessing(http::Request& request,
                                                     const std::function<Outcome(const Json&)>& handle) {
  if (auto allowed = identity.may_try("", request.client); !allowed.ok())
    return answer_failure({allowed.error(), "Try again later.", 429});
  auto body = TRY(read_object(request));
  auto outcome = handle(body);
  if (!outcome.ok() && outcome.error().kind() == ErrorKind::Denied)
    identity.note_try("", request.client, identity::Identity::Try::Wrong);
  return outcome;
}

http::Response Control::Impl::show_sign_in(http::Request&) {
  Json json = Json::object();
  if (oidc)
    json.set("oidc", Json::object({{"issuer", oidc->settings().issuer}, {"client_id", oidc->settings().audience}}));
  return answer(json);
}

http::Response Control::Impl::sign_in_with_oidc(http::Request& request) {
  auto outcome = guard_guessing(request, [&](const Json& body) -> Outcome {
    if (!oidc) return not_found("this gate has no identity provider");
    auto token = TRY(text_member(body, "id_token"));
    auto claims = TRY(oidc->verify(token));
    auto name = TRY(name_in(claims, options.oidc.user_claim));
    auto who = TRY(external.sign_in({.issuer = options.oidc.issuer,
                                     .subject = std::string(claims["sub"].text()),
                                     .name = name,
                                     .roles = {identity::Role::Submitter}}));
    signin::NewApiKey wanted{.label = std::string(kKeyLabel), .roles = who.roles(), .lifetime = kSignInLasts};
    if (wanted.roles.empty()) return denied(format("{} has no role here", printable(name)));
    auto issued = TRY(api_keys.issue(who, wanted));
    log::info("signed in", {{"user", printable(who.name())}, {"with", "oidc"}});
    return answer(
        Json::object({{"user", who.name()}, {"secret", issued.secret}, {"expires", issued.key.expires.to_rfc3339()}}),
        201);
  });
  return outcome.ok() ? std::move(*outcome) : answer_failure({outcome.error()});
}

http::Response Control::Impl::sign_in_workload(http::Request& request) {
  auto outcome = guard_guessing(request, [&](const Json& body) -> Outcome {
    auto token = TRY(text_member(body, "token"));
    for (auto& workload : workloads) {
      auto claims = workload.provider->verify(token);
      if (!claims.ok() && claims.error().kind() != ErrorKind::Denied) return claims.error();
      if (!claims.ok() || !signin::matches_subject(workload.rule.subject, (*claims)["sub"].text())) continue;
      auto who = TRY(identity.vouch_for(workload.rule.user));
      auto repository = TRY(own_repository(who, body["repository"].text()));
      auto keys = TRY(identity.issue_session(identity::SessionRequest{.user = who.name(),
                                                                      .repository = repository,
                                                                      .grant = std::string((*claims)["sub"].text()),
                                                                      .by = who.name(),
                                                                      .address = request.client}));
      auto password = TRY(identity.issue_registry_password(keys.access_key_id, request.client));
      log::info("workload signed in", {{"subject", printable((*claims)["sub"].text())}, {"user", who.name()}});
      return answer(Json::object({{"repository_uri", format("{}/{}", host(request), repository)},
                                  {"registry_user", identity::kRegistryUser},
                                  {"registry_password", password},
                                  {"access_key_id", keys.access_key_id},
                                  {"secret_access_key", keys.secret},
                                  {"session_token", keys.session_token},
                                  {"expires", keys.expires.to_rfc3339()}}),
                    201);
    }
    return denied("no rule of this gate knows that workload");
  });
  return outcome.ok() ? std::move(*outcome) : answer_failure({outcome.error()});
}

}  // namespace pratique::control
