#include <mutex>

#include "base/format.h"
#include "base/text.h"
#include "signin/signin.h"

namespace pratique::signin {

namespace {

constexpr hours kKeysKept{1};
// A token with a key id nobody knows costs a sender nothing; a fetch costs us and the provider something.
constexpr seconds kFetchInterval{60};
constexpr JsonLimits kDiscoveryLimits{.bytes_max = 256 << 10, .depth_max = 8, .values_max = 10'000};

// RFC 8414 section 3.3: a document that names another issuer is an impostor's.
Result<std::string> keys_url_in(std::string_view text, const std::string& issuer) {
  auto json = TRY(parse_json(text, kDiscoveryLimits).with_context("reading the provider's discovery document"));
  if (json["issuer"].text() != issuer)
    return denied(
        format("the provider's discovery document is of \"{}\", not of {}", printable(json["issuer"].text()), issuer));
  std::string url(json["jwks_uri"].text());
  // What is fetched in clear, anybody on the way may exchange; only a provider on this machine may do without.
  bool is_safe = url.starts_with("https://") || (issuer.starts_with("http://") && url.starts_with("http://"));
  if (!is_safe) return denied("the provider's discovery document names no keys that can be fetched safely");
  return url;
}

}  // namespace

struct Provider::Impl {
  const Settings settings;
  const Fetch fetch;
  const Clock& clock;
  std::mutex mutex;              // held while fetching: one fetch at a time
  std::shared_ptr<KeySet> keys;  // guarded; shared with verifications that began before a fetch
  Time fresh_until;              // guarded
  std::optional<Time> asked;     // guarded; also when that failed

  // The keys; with `wants_newer` fetched again unless that was a moment ago.
  Result<std::shared_ptr<KeySet>> current(bool wants_newer);
};

Provider::Provider(Settings settings, Fetch fetch, const Clock& clock)
    : impl_(new Impl{.settings = std::move(settings), .fetch = std::move(fetch), .clock = clock}) {}
Provider::~Provider() = default;

const Provider::Settings& Provider::settings() const {
  return impl_->settings;
}

Result<std::shared_ptr<KeySet>> Provider::Impl::current(bool wants_newer) {
  std::lock_guard lock(mutex);
  Time now = clock.now();
  bool is_fresh = keys && now < fresh_until;
  bool is_too_soon = asked && now < *asked + kFetchInterval;
  if (is_fresh && (!wants_newer || is_too_soon)) return keys;
  if (is_too_soon) return unavailable("the identity provider did not answer a moment ago");
  asked = now;
  std::string url = settings.keys_url;
  if (url.empty()) {
    auto document = TRY(fetch(settings.issuer + "/.well-known/openid-configuration"));
    url = TRY(keys_url_in(document, settings.issuer));
  }
  auto text = TRY(fetch(url));
  keys = std::make_shared<KeySet>(TRY(KeySet::parse(text)));
  fresh_until = now + kKeysKept;
  return keys;
}

Result<Json> Provider::verify(std::string_view token, const std::optional<std::string>& nonce) {
  Expected expected{.issuer = impl_->settings.issuer,
                    .audience = impl_->settings.audience,
                    .nonce = nonce,
                    .now = impl_->clock.now()};
  auto keys = TRY(impl_->current(false));
  auto claims = verify_token(token, *keys, expected);
  bool is_key_unknown = !claims.ok() && claims.error().kind() == ErrorKind::NotFound;
  if (is_key_unknown) {
    keys = TRY(impl_->current(true));
    claims = verify_token(token, *keys, expected);
  }
  if (!claims.ok() && claims.error().kind() == ErrorKind::NotFound) return denied(claims.error().message());
  return claims;
}

bool matches_subject(std::string_view pattern, std::string_view subject) {
  auto wanted = split(pattern, ':'), given = split(subject, ':');
  if (wanted.size() != given.size()) return false;
  auto matches = [](std::string_view part, std::string_view text) {
    auto star = part.find('*');
    if (star == std::string_view::npos) return part == text;
    auto before = part.substr(0, star), after = part.substr(star + 1);
    return text.size() >= before.size() + after.size() && text.starts_with(before) && text.ends_with(after);
  };
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (!matches(wanted[i], given[i])) return false;
  return true;
}

}  // namespace pratique::signin
