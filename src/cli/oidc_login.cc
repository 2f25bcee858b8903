// Signing in with an identity provider from a terminal: the device flow (RFC 8628). The person types a short code into
// a browser on any machine; this one waits.
#include "cli/oidc_login.h"

#include <poll.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/format.h"
#include "base/text.h"
#include "cli/output.h"
#include "http/http.h"

namespace pratique::cli {

namespace {

constexpr JsonLimits kLimits{.bytes_max = 256 << 10, .depth_max = 16, .values_max = 10'000};
// Section 3.2: without an interval it is 5 seconds; each "slow_down" adds 5 (section 3.5).
constexpr std::int64_t kIntervalDefault = 5;
constexpr std::int64_t kSlowDown = 5;
constexpr std::int64_t kIntervalMax = 60;
// Nobody keeps a browser page open for longer, whatever the provider allows.
constexpr std::int64_t kWaitMax = 1'800;

Result<Json> read(const http::ClientResponse& response, std::string_view what) {
  auto json = parse_json(response.body, kLimits);
  if (!json.ok() || !json->is_object())
    return unavailable(format("{} answered {} with no JSON", what, response.status));
  return json;
}

// Credentials travel on these addresses: in clear to this machine only.
Status check_address(std::string_view url) {
  bool is_local = url.starts_with("http://127.0.0.1:") || url.starts_with("http://localhost:");
  if (url.starts_with("https://") || is_local) return {};
  return denied(format("\"{}\" is no https address", printable(url)));
}

std::string form(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::vector<std::string> pairs;
  for (const auto& [name, value] : fields) pairs.push_back(format("{}={}", name, percent_encode(value)));
  return join(pairs, "&");
}

Result<Json> post(http::Client& client, const std::string& url, std::string body) {
  TRY(check_address(url));
  http::ClientRequest request{.method = "POST", .url = url, .body = std::move(body), .follow_redirects = false};
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  request.headers.set("Accept", "application/json");
  auto response = TRY(client.send(request).with_context("talking to the identity provider"));
  return read(response, "the identity provider");
}

Result<Json> discover(http::Client& client, const std::string& issuer) {
  TRY(check_address(issuer));
  auto response = TRY(client.send({.url = issuer + "/.well-known/openid-configuration"})
                          .with_context("asking the identity provider for its addresses"));
  auto document = TRY(read(response, "the identity provider"));
  if (document["issuer"].text() != issuer) return denied("the identity provider says that it is another one");
  if (document["device_authorization_endpoint"].text().empty())
    return conflict("this identity provider does not know the device flow; sign in with a password");
  return document;
}

// Asks until the person has decided. The clock that counts is the provider's: it says when the code has expired.
Result<std::string> await_token(http::Client& client, const std::string& url, const std::string& body,
                                const Json& code) {
  auto interval = std::clamp<std::int64_t>(code["interval"].as_int().value_or(kIntervalDefault), 1, kIntervalMax);
  std::int64_t left = std::min(code["expires_in"].as_int().value_or(kWaitMax), kWaitMax);
  for (; left > 0; left -= interval) {
    ::poll(nullptr, 0, static_cast<int>(interval * 1'000));
    auto answer = TRY(post(client, url, body));
    if (!answer["id_token"].text().empty()) return std::string(answer["id_token"].text());
    std::string_view error = answer["error"].text();
    if (error == "slow_down") interval = std::min(interval + kSlowDown, kIntervalMax);
    if (error == "authorization_pending" || error == "slow_down") continue;
    if (error == "access_denied") return denied("you said no");
    if (error.empty()) return denied("the identity provider gave no id_token: is the scope \"openid\" allowed?");
    return denied(format("the identity provider said {}", printable(error, 100)));
  }
  return denied("the code has expired; try again");
}

}  // namespace

Result<std::string> device_flow(const std::string& issuer, const std::string& client_id) {
  http::Client client;
  auto document = TRY(discover(client, issuer));
  std::string begin(document["device_authorization_endpoint"].text()), end(document["token_endpoint"].text());
  auto code = TRY(post(client, begin, form({{"client_id", client_id}, {"scope", "openid profile email"}})));
  std::string device_code(code["device_code"].text());
  if (device_code.empty() || code["user_code"].text().empty())
    return unavailable("the identity provider did not begin the device flow");
  print_note(format("Open {} and enter the code {}\n", printable(code["verification_uri"].text()),
                    printable(code["user_code"].text())));
  std::string body = form({{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                           {"device_code", device_code},
                           {"client_id", client_id}});
  return await_token(client, end, body, code);
}

}  // namespace pratique::cli
