// Who is asking: Basic with a password, or Bearer with a token from /v2/token; either is taken, whatever was asked for.
// Where AWS's registry would be asked — staging and approved namespaces, and its host names — clients are told Basic in
// its words; elsewhere Bearer (docker and containers/image both manage it, and it spares the password).
#include "distribution/auth.h"
#include "base/encoding.h"
#include "base/format.h"
#include "base/text.h"
#include "distribution/errors.h"
#include "distribution/impl.h"

namespace pratique::distribution {

namespace {

// What of "Authorization: <scheme> <rest>" follows the scheme.
std::optional<std::string_view> credentials_of(std::string_view header, std::string_view scheme) {
  const auto parts = cut(trim(header), " ");
  if (!parts || !equals_ignoring_case(parts->first, scheme)) return std::nullopt;
  return trim(parts->second);
}

std::string_view asked_actions(std::string_view method) {
  if (method == "GET" || method == "HEAD") return "pull";
  return method == "DELETE" ? "delete" : "pull,push";
}

// The words that clients of AWS's registry know.
constexpr std::string_view kEndedWords = "Your authorization token has expired. Reauthenticate and try again.";

}  // namespace

bool is_ecr_host(std::string_view host) {
  return contains(host, ".dkr.ecr.") && contains(host, ".amazonaws.com");
}

Result<identity::Principal> authenticate_basic(identity::Identity& identity, const BasicCredentials& given,
                                               const std::string& address) {
  if (given.name != identity::kRegistryUser) return identity.authenticate(given.name, given.password, address);
  auto login = TRY(identity.authenticate_registry_password(given.password, address));
  if (login.principal) return std::move(*login.principal);
  return refused(std::string(kEndedWords));
}

std::optional<BasicCredentials> parse_basic(std::string_view header) {
  const auto encoded = credentials_of(header, "Basic");
  if (!encoded) return std::nullopt;
  const auto decoded = from_base64(*encoded);
  if (!decoded.ok()) return std::nullopt;
  const auto parts = cut(*decoded, ":");
  if (!parts) return std::nullopt;
  return BasicCredentials{std::string(parts->first), std::string(parts->second)};
}

std::optional<std::string> parse_bearer(std::string_view header) {
  const auto token = credentials_of(header, "Bearer");
  if (!token || token->empty()) return std::nullopt;
  return std::string(*token);
}

Result<identity::Principal> Distribution::Impl::authenticate(const http::Request& request) {
  const auto header = request.headers.find("Authorization");
  if (!header) return denied("authentication is required");
  if (const auto basic = parse_basic(*header)) return authenticate_basic(identity, *basic, request.client);
  if (const auto token = parse_bearer(*header)) return identity.authenticate_token(*token);
  return denied("the Authorization header is neither Basic nor Bearer");
}

bool Distribution::Impl::is_like_ecr(const http::Request& request, const Target& target) const {
  if (is_ecr_host(request.host)) return true;
  const auto name = oci::RepositoryName::parse(target.repository);
  if (!name.ok()) return false;
  const auto space = registry.namespace_of(*name);
  return space.ok() && space->mode != registry::Mode::Open;
}

http::Response Distribution::Impl::challenge(const http::Request& request, const Target& target,
                                             const Error& error) const {
  if (error.kind() != ErrorKind::Denied) return too_many_or_unavailable(error);
  auto response = problem(401, "UNAUTHORIZED", error.message());
  if (is_like_ecr(request, target)) {
    response.headers.set("WWW-Authenticate",
                         format("Basic realm=\"{}/\",service=\"ecr.amazonaws.com\"", origin_of(request)));
    return response;
  }
  std::string scheme = format("Bearer realm=\"{}/v2/token\",service=\"{}\"", origin_of(request), kTokenService);
  // Only a name that parses goes back into a header: the rest may hold quotes.
  if (const auto name = oci::RepositoryName::parse(target.repository); name.ok()) {
    scheme += format(",scope=\"repository:{}:{}\"", name->text(), asked_actions(request.method));
  } else if (target.endpoint == Endpoint::Catalog) {
    scheme += ",scope=\"registry:catalog:*\"";
  }
  response.headers.set("WWW-Authenticate", std::move(scheme));
  return response;
}

http::Response too_many_or_unavailable(const Error& error) {
  if (error.kind() == ErrorKind::Limit || error.kind() == ErrorKind::Conflict) {
    auto response = problem(429, "TOOMANYREQUESTS", error.message());
    response.headers.set("Retry-After", std::to_string(kRetryAfter.count()));
    return response;
  }
  return problem(error, Subject::Repository);
}

}  // namespace pratique::distribution
