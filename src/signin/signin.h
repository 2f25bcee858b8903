// Other ways to prove who one is than a local password: API keys for machines, and tokens of an identity provider.
//
// Everything ends in a Principal that identity made: these recognise a person, identity says whether they are there and
// what they may. Not here: sessions and passwords (identity), HTTP routes (control). Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "db/db.h"
#include "identity/identity.h"
#include "journal/journal.h"

namespace pratique::signin {

// -- API keys --------------------------------------------------------------------------------------------------------
inline constexpr std::string_view kApiKeyPrefix = "prk_";
inline constexpr days kApiKeyLifetimeMax{366};
inline constexpr std::size_t kApiKeysPerUserMax = 50;

struct ApiKey {
  std::string id;  // "K-" and 12 hex digits
  std::string owner;
  std::string label;
  std::set<identity::Role> roles;
  std::string push_only;  // "": wherever the roles reach
  Time created, expires;
  std::optional<Time> used;  // to the hour
  bool is_revoked = false;
};

struct NewApiKey {
  std::string label;
  std::set<identity::Role> roles;
  std::string push_only = "";
  seconds lifetime{0};
};

class ApiKeys {
 public:
  // From here on `identity` recognises the keys' secrets, as bearer tokens and as passwords of their owners.
  ApiKeys(db::Database& database, identity::Identity& identity, journal::Journal& journal, const Clock& clock);
  static std::span<const db::Migration> migrations();

  struct Issued {
    ApiKey key;
    std::string secret;  // shown once; its SHA-256 is kept
  };
  // Denied for a role that `who` has not, and for somebody who came with a key themselves; Invalid without a label or
  // role, or for a lifetime out of range; Limit beyond kApiKeysPerUserMax.
  Result<Issued> issue(const identity::Principal& who, const NewApiKey& wanted);
  Result<std::vector<ApiKey>> list(const std::optional<std::string>& owner);
  // One's own, or anybody's for an administrator; NotFound for others'. Works from the next request on.
  Result<ApiKey> revoke(const identity::Principal& who, const std::string& id);

 private:
  Result<identity::Principal> recognise(std::string_view secret);

  db::Database& database_;
  identity::Identity& identity_;
  journal::Journal& journal_;
  const Clock& clock_;
};

// -- people of an identity provider ----------------------------------------------------------------------------------
struct ExternalUser {
  std::string issuer;
  std::string subject;             // the provider's own name for them, which never changes
  std::string name;                // what they are called here when they first come
  std::set<identity::Role> roles;  // what they get then
};

class ExternalUsers {
 public:
  ExternalUsers(db::Database& database, identity::Identity& identity, const Clock& clock);
  static std::span<const db::Migration> migrations();
  // The local user of somebody whom a provider has recognised, made when they first come. Denied for somebody who is
  // disabled here, or whose name is that of another account; Invalid for a name that no user can have.
  Result<identity::Principal> sign_in(const ExternalUser& person);

 private:
  db::Database& database_;
  identity::Identity& identity_;
  const Clock& clock_;
};

// -- tokens of an identity provider ----------------------------------------------------------------------------------
// The keys that a provider signs with (RFC 7517), as its jwks_uri gives them.
class KeySet {
 public:
  // Invalid for what is no JWK set. Keys of a kind we do not verify with are left out.
  static Result<KeySet> parse(std::string_view json);
  ~KeySet();
  KeySet(KeySet&&) noexcept;
  KeySet& operator=(KeySet&&) noexcept;
  std::size_t size() const;

  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  explicit KeySet(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct Expected {
  std::string issuer;
  std::string audience;
  std::optional<std::string> nonce;  // of the sign-in that this token answers
  Time now;
};

// How far clocks of honest machines are apart.
inline constexpr seconds kClockSkew{60};

// The claims of a token (RFC 7519) whose signature, algorithm, key, issuer, audience, times and nonce are all right.
// Denied otherwise, with which; a key id that the set does not know is NotFound: the provider may have changed its
// keys. RS256, ES256 and EdDSA; nothing else, whatever the token says.
Result<Json> verify_token(std::string_view token, const KeySet& keys, const Expected& expected);

// An identity provider as seen from here: its keys are fetched when they are needed, kept for an hour, and fetched
// again for a key that is new, at most once a minute whatever tokens come.
class Provider {
 public:
  struct Settings {
    std::string issuer;         // "https://id.example.org", as the tokens have it
    std::string audience;       // our client id, or what workloads ask their token for
    std::string keys_url = "";  // "": what the issuer's discovery document says
  };
  // Gives the body of a page. How long that takes and how much it may be is the fetcher's business.
  using Fetch = std::function<Result<std::string>(const std::string& url)>;
  Provider(Settings settings, Fetch fetch, const Clock& clock);
  ~Provider();

  const Settings& settings() const;
  // As verify_token; Unavailable when the provider's keys cannot be had.
  Result<Json> verify(std::string_view token, const std::optional<std::string>& nonce = std::nullopt);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "repo:lab/*:ref:refs/heads/main": "*" is any text without ":", which is what separates the parts of such subjects.
bool matches_subject(std::string_view pattern, std::string_view subject);

}  // namespace pratique::signin
