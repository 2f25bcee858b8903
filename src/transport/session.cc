#include "transport/session.h"

#include <algorithm>
#include <condition_variable>

#include "base/encoding.h"
#include "base/format.h"
#include "base/json.h"
#include "base/text.h"

namespace pratique::transport {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Steady = std::chrono::steady_clock;

constexpr int kRepeatsMax = 3;
constexpr milliseconds kFirstPause{250};  // doubled at each further attempt
// A registry that wants more patience than this does not get it: the user is waiting.
constexpr std::uint64_t kRetryAfterSecondsMax = 60;
// distribution-spec token docs: a token without expires_in lives for 60 seconds.
constexpr std::int64_t kTokenSecondsDefault = 60;
constexpr std::int64_t kTokenSecondsMax = 24 * 3600;
// A token is renewed before it can expire between a check and its use.
constexpr seconds kTokenMargin{10};
// Bodies that are kept are manifests, tokens and errors.
constexpr std::size_t kBodyBytesMax = oci::kManifestBytesMax + (1 << 20);
// docker and podman store an identity token under this user name.
constexpr std::string_view kIdentityTokenUser = "<token>";

// A gate that judges inside the push holds the manifest's PUT for as long as a scan takes.
constexpr milliseconds kPatience{20 * 60 * 1000};

// Waits without spinning; nothing can wake it early, the pause is the point.
void pause_for(milliseconds time) {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, time, [] { return false; });
}

std::string connect_host(const std::string& host) {
  return host == "docker.io" ? "registry-1.docker.io" : host;
}

std::string basic(const Credentials& credentials) {
  return "Basic " + to_base64(as_bytes(credentials.user + ":" + credentials.password));
}

bool is_passing(int status) {
  return status == 502 || status == 503 || status == 504;
}

// What the registry asks for, within reason; else a pause that doubles.
milliseconds pause_after(const http::ClientResponse& response, int attempt) {
  auto said = response.headers.find("Retry-After");
  if (auto wanted = said ? parse_retry_after(*said) : std::nullopt)
    return seconds(std::min(*wanted, kRetryAfterSecondsMax));
  return kFirstPause * (1 << attempt);
}

}  // namespace

std::string scope_of(const oci::RepositoryName& repository, Access access) {
  return format("repository:{}:{}", repository.text(), access == Access::Pull ? "pull" : "pull,push");
}

Session::Session(RegistryClient::Options options)
    : options_(std::move(options)),
      host_(connect_host(options_.host)),
      client_({.verify_tls = options_.verify_tls, .body_bytes_max = kBodyBytesMax}),
      patient_client_(
          {.verify_tls = options_.verify_tls, .stall_timeout = kPatience, .body_bytes_max = kBodyBytesMax}) {}

Result<http::ClientResponse> Session::send(http::ClientRequest request, const std::string& scope, Repeat repeat) {
  auto own = TRY(base());
  if (request.url.starts_with('/')) request.url = own + request.url;
  bool with_rights = TRY(origin_of(request.url)) == TRY(origin_of(own));
  bool is_renewed = false;
  for (int attempt = 0;;) {
    std::optional<std::string> used;
    auto response = with_rights ? send_once(request, scope, used) : transfer(request);
    bool can_repeat = !request.upload && attempt < kRepeatsMax;
    if (!response.ok()) {
      bool may_repeat = repeat == Repeat::Safely && response.error().kind() == ErrorKind::Unavailable;
      if (!can_repeat || !may_repeat) return response.error();
      pause_before_repeat(attempt++);
      continue;
    }
    if (response->status == 401 && with_rights && !is_renewed) {
      is_renewed = true;
      learn(*response);
      forget_token(scope, used.value_or(""));
      // A body that was streamed is gone; its sender starts again with the new token.
      if (!request.upload) continue;
    }
    // 429 says that nothing was done, so even what must not be repeated may be sent again.
    bool is_worth_it = response->status == 429 || (is_passing(response->status) && repeat == Repeat::Safely);
    if (!is_worth_it || !can_repeat) return response;
    pause_for(pause_after(*response, attempt++));
  }
}

Result<http::ClientResponse> Session::send_once(const http::ClientRequest& request, const std::string& scope,
                                                std::optional<std::string>& used) {
  auto whole = request;
  used = TRY(authorization(scope));
  if (used) whole.headers.set("Authorization", *used);
  return transfer(whole);
}

Result<http::ClientResponse> Session::transfer(const http::ClientRequest& request) {
  return (request.method == "PUT" ? patient_client_ : client_).send(request);
}

Result<std::string> Session::base() {
  std::lock_guard lock(probing_);
  if (base_.empty()) base_ = TRY(probe());
  return base_;
}

// TLS first; plain HTTP where it was asked for, or on loopback, where nobody can listen (docker does the same).
Result<std::string> Session::probe() {
  if (options_.plain_http) return try_scheme("http");
  auto with_tls = try_scheme("https");
  if (with_tls.ok() || !is_loopback_host(host_)) return with_tls;
  auto plain = try_scheme("http");
  return plain.ok() ? plain : with_tls;
}

Result<std::string> Session::try_scheme(const std::string& scheme) {
  std::string base = format("{}://{}", scheme, host_);
  http::ClientRequest request{.url = base + "/v2/"};
  auto response = TRY(client_.send(request).with_context(format("asking {} for its registry", host_)));
  if (scheme == "http" && response.status == 400) return unavailable(format("{} does not speak plain HTTP", host_));
  learn(response);
  return base;
}

// Bearer before Basic, as docker prefers it.
void Session::learn(const http::ClientResponse& response) {
  if (response.status != 401) return;
  std::optional<Challenge> best;
  for (const auto& line : response.headers.all("WWW-Authenticate")) {
    for (auto& challenge : parse_challenges(line)) {
      bool is_known = challenge.scheme == "bearer" || challenge.scheme == "basic";
      if (is_known && (!best || best->scheme == "basic")) best = std::move(challenge);
    }
  }
  if (best) state_.lock()->challenge = std::move(best);
}

// Only the token that was refused: another thread may have put a new one there already.
void Session::forget_token(const std::string& scope, std::string_view refused) {
  auto state = state_.lock();
  auto found = state->tokens.find(scope);
  if (found != state->tokens.end() && refused == "Bearer " + found->second.value) state->tokens.erase(found);
}

std::optional<std::string> Session::known_token(const std::string& scope) {
  auto state = state_.lock();
  auto found = state->tokens.find(scope);
  if (found == state->tokens.end() || Steady::now() >= found->second.good_until) return std::nullopt;
  return "Bearer " + found->second.value;
}

Result<std::optional<std::string>> Session::authorization(const std::string& scope) {
  auto challenge = state_.lock()->challenge;
  if (!challenge) return std::optional<std::string>();
  if (challenge->scheme == "bearer") return bearer(*challenge, scope);
  if (!options_.credentials) return std::optional<std::string>();
  return std::optional(basic(*options_.credentials));
}

Result<std::optional<std::string>> Session::bearer(const Challenge& challenge, const std::string& scope) {
  std::lock_guard lock(fetching_);
  if (auto known = known_token(scope)) return known;
  auto token = TRY(fetch_token(challenge, scope));
  std::string value = "Bearer " + token.value;
  state_.lock()->tokens.insert_or_assign(scope, std::move(token));
  return std::optional(std::move(value));
}

http::ClientRequest Session::token_request(const Challenge& challenge, const std::string& scope) const {
  std::string url(challenge.parameter("realm"));
  auto service = challenge.parameter("service");
  const auto& who = options_.credentials;
  if (who && who->user == kIdentityTokenUser) {
    http::ClientRequest request{.method = "POST", .url = url};
    request.headers.set("Content-Type", "application/x-www-form-urlencoded");
    request.body = format("grant_type=refresh_token&client_id=pratique&service={}&scope={}&refresh_token={}",
                          percent_encode(service), percent_encode(scope), percent_encode(who->password));
    return request;
  }
  if (!service.empty()) url = with_query(url, "service", service);
  if (!scope.empty()) url = with_query(url, "scope", scope);
  http::ClientRequest request{.url = url};
  if (who) request.headers.set("Authorization", basic(*who));
  return request;
}

Result<Session::Token> Session::fetch_token(const Challenge& challenge, const std::string& scope) {
  auto realm = TRY(origin_of(challenge.parameter("realm")).with_context("the registry's token server"));
  // A registry reached over TLS must not make us send the password in the clear.
  if (TRY(base()).starts_with("https://") && realm.starts_with("http://")) {
    return denied(format("the registry sends us for a token to \"{}\", which is not encrypted", printable(realm)));
  }
  auto response = TRY(client_.send(token_request(challenge, scope)).with_context("asking for a token"));
  if (response.status != 200) return registry_error(response, format("asking {} for a token", realm));
  auto json = TRY(parse_json(response.body).with_context("the token server's answer"));
  auto text = json["token"].text().empty() ? json["access_token"].text() : json["token"].text();
  if (text.empty() || text.find_first_of("\r\n") != std::string_view::npos)
    return invalid("the token server gave no token");
  auto lives =
      std::clamp<std::int64_t>(json["expires_in"].as_int().value_or(kTokenSecondsDefault), 0, kTokenSecondsMax);
  return Token{std::string(text), Steady::now() + seconds(lives) - kTokenMargin};
}

void pause_before_repeat(int repetition) {
  pause_for(kFirstPause * (1 << repetition));
}

Error registry_error(const http::ClientResponse& response, std::string_view doing) {
  auto said = error_text(response.body);
  std::string sentence = format("{}: {}", doing, said.empty() ? format("HTTP {}", response.status) : said);
  int status = response.status;
  if (status == 401 || status == 403) return denied(std::move(sentence));
  if (status == 404) return not_found(std::move(sentence));
  if (status == 413) return over_limit(std::move(sentence));
  if (status == 429 || status >= 500) return unavailable(std::move(sentence));
  return invalid(std::move(sentence));
}

}  // namespace pratique::transport
