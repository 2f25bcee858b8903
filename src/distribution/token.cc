// GET and POST /v2/token (distribution token specification, and its OAuth2 form that containerd tries first).
//
// A token stands for its principal; what it may do is decided per request from the principal's roles. So a scope that
// asks for too much is no error, and the answer names what would be granted. There is no refresh_token: docker would
// store it and stop sending the password, which a 15-minute token does not outlive.
#include "base/encoding.h"
#include "base/format.h"
#include "base/json.h"
#include "base/text.h"
#include "distribution/access.h"
#include "distribution/auth.h"
#include "distribution/errors.h"
#include "distribution/form.h"
#include "distribution/impl.h"

namespace pratique::distribution {

namespace {

// A form holds a password and scopes; tokens with many scopes reach 20 KiB.
constexpr std::size_t kFormBytesMax = 64 << 10;
// No client asks for more at once; the rest is ignored.
constexpr std::size_t kScopesMax = 64;

// RFC 6749 section 5.2; clients look at "error", people at the rest.
http::Response oauth_error(int status, std::string_view code, std::string_view message) {
  return http::Response::json(status, Json::object({{"error", code}, {"error_description", message}}).dump());
}

http::Response ask_for_password(const Error& error) {
  // Temporary keys that have ended: podman and skopeo show the words of a 401 only.
  const bool has_ended = error.kind() == ErrorKind::Refused;
  if (error.kind() != ErrorKind::Denied && !has_ended) return too_many_or_unavailable(error);
  auto response = problem(401, has_ended ? "DENIED" : "UNAUTHORIZED", error.message());
  response.headers.set("WWW-Authenticate", format("Basic realm=\"{}\"", kTokenService));
  return response;
}

std::optional<std::string> granted(const registry::Registry& registry, const identity::Principal& who,
                                   std::string_view asked) {
  const auto scope = identity::parse_scope(asked);
  if (!scope) return std::nullopt;
  const auto repository = oci::RepositoryName::parse(scope->repository);
  if (!repository.ok()) return std::nullopt;
  const auto space = registry.namespace_of(*repository);
  if (!space.ok()) return std::nullopt;
  std::vector<std::string> actions;
  for (const auto& action : scope->actions) {
    const bool is_granted = (action == "pull" && who.push_only().empty() && reading_of(*space) != Reading::Closed) ||
                            (action == "push" && may_push(who, *space, *repository).ok()) ||
                            (action == "delete" && may_delete(who, *space, *repository).ok());
    if (is_granted) actions.push_back(action);
  }
  if (actions.empty()) return std::nullopt;
  return format("repository:{}:{}", repository->text(), join(actions, ","));
}

std::string granted_scopes(const registry::Registry& registry, const identity::Principal& who,
                           const std::vector<std::string>& asked) {
  std::vector<std::string> scopes;
  for (const auto& list : asked) {
    for (const auto one : split(list, ' ')) {
      if (scopes.size() == kScopesMax) break;
      if (auto scope = granted(registry, who, one)) scopes.push_back(std::move(*scope));
    }
  }
  return join(scopes, " ");
}

http::Response token_answer(const identity::Identity::Token& token, std::string_view scope) {
  Json body = Json::object({{"token", token.secret},
                            {"access_token", token.secret},
                            {"scope", scope},
                            {"expires_in", static_cast<std::int64_t>(token.lifetime.count())},
                            {"issued_at", token.issued.to_rfc3339()}});
  auto response = http::Response::json(200, body.dump());
  response.headers.set("Cache-Control", "no-store");
  return response;
}

}  // namespace

http::Response Distribution::Impl::issue_token(http::Request& request) {
  std::vector<std::string> scopes = request.parameters("scope");
  auto who = Result<identity::Principal>(denied("authentication is required"));
  if (request.method == "GET" || request.method == "HEAD") {
    // For a password only: a token that could buy the next one would never end.
    const auto basic = parse_basic(request.headers.find("Authorization").value_or(""));
    if (basic) who = authenticate_basic(identity, *basic, request.client);
  } else if (request.method == "POST") {
    auto text = http::read_all(*request.body, kFormBytesMax);
    if (!text.ok()) return oauth_error(400, "invalid_request", text.error().message());
    const auto form = parse_form(*text);
    if (!form.ok()) return oauth_error(400, "invalid_request", form.error().message());
    if (form->value("grant_type") != "password") {
      return oauth_error(400, "unsupported_grant_type", "only grant_type=password is known here");
    }
    scopes = form->values("scope");
    const BasicCredentials given{form->value("username"), form->value("password")};
    who = authenticate_basic(identity, given, request.client);
  } else {
    auto response = problem(405, "UNSUPPORTED", "tokens are asked for with GET or POST");
    response.headers.set("Allow", "GET, POST");
    return response;
  }
  if (!who.ok()) return ask_for_password(who.error());
  auto token = identity.issue_token(*who);
  if (!token.ok()) return problem(token.error(), Subject::Repository);
  return token_answer(*token, granted_scopes(registry, *who, scopes));
}

}  // namespace pratique::distribution
