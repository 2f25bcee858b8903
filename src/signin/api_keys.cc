// Keys for machines: a secret that stands for its owner with fewer rights, until it expires. docs/people.md.
#include <algorithm>

#include "base/encoding.h"
#include "base/format.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/text.h"
#include "signin/signin.h"

namespace pratique::signin {

namespace {

using identity::Principal;
using identity::Role;

constexpr db::Migration kMigrations[] = {{"signin", 1, R"sql(
CREATE TABLE signin_api_key (
  number    INTEGER PRIMARY KEY AUTOINCREMENT,
  id        TEXT NOT NULL UNIQUE,
  hash      BLOB NOT NULL UNIQUE,
  owner     TEXT NOT NULL,
  label     TEXT NOT NULL,
  roles     TEXT NOT NULL,
  push_only TEXT NOT NULL,
  created   INTEGER NOT NULL,
  expires   INTEGER NOT NULL,
  used      INTEGER,
  revoked   INTEGER
) STRICT;
CREATE INDEX signin_api_key_by_owner ON signin_api_key (owner);
)sql"}};

constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kSecretCharactersMax = 128;
constexpr std::size_t kLabelBytesMax = 200;
constexpr seconds kLifetimeMin{3'600};
// "When was it last used?" is answered to the hour, for one write an hour.
constexpr hours kUseNoteInterval{1};
constexpr std::string_view kColumns =
    "SELECT id, owner, label, roles, push_only, created, expires, used, revoked FROM signin_api_key ";

std::string stored_form(std::string_view secret) {
  auto sum = sha256(as_bytes(secret));
  return std::string(as_text(sum));
}

std::string words_of(const std::set<Role>& roles) {
  std::vector<std::string> words;
  for (Role role : roles) words.emplace_back(to_string(role));
  return join(words, ",");
}

// Words that are no role grant nothing.
std::set<Role> roles_of(std::string_view text) {
  std::set<Role> roles;
  for (auto word : split(text, ','))
    if (auto role = identity::parse_role(word)) roles.insert(*role);
  return roles;
}

ApiKey key_of(const db::Statement& row) {
  return {.id = row.text(0),
          .owner = row.text(1),
          .label = row.text(2),
          .roles = roles_of(row.text(3)),
          .push_only = row.text(4),
          .created = row.time(5),
          .expires = row.time(6),
          .used = row.is_null(7) ? std::nullopt : std::optional(row.time(7)),
          .is_revoked = !row.is_null(8)};
}

Status check_wanted(const Principal& who, const NewApiKey& wanted) {
  if (who.is_narrowed()) return denied("a key is made by a person, not by another key");
  if (trim(wanted.label).empty()) return invalid("a key has a label that says what it is for");
  if (wanted.label.size() > kLabelBytesMax || !is_utf8(wanted.label))
    return invalid(format("a label is UTF-8 text of at most {} bytes", kLabelBytesMax));
  if (wanted.roles.empty()) return invalid("a key has at least one role");
  for (Role role : wanted.roles)
    if (!who.has(role)) return denied(format("{} has not the role {}", printable(who.name()), to_string(role)));
  if (wanted.lifetime < kLifetimeMin || wanted.lifetime > kApiKeyLifetimeMax)
    return invalid(format("a key lives from an hour to {} days", kApiKeyLifetimeMax.count()));
  return {};
}

Json details_of(const ApiKey& key) {
  return Json::object({{"key", key.id},
                       {"label", key.label},
                       {"roles", words_of(key.roles)},
                       {"push_only", key.push_only},
                       {"expires", key.expires.to_rfc3339()}});
}

}  // namespace

ApiKeys::ApiKeys(db::Database& database, identity::Identity& identity, journal::Journal& journal, const Clock& clock)
    : database_(database), identity_(identity), journal_(journal), clock_(clock) {
  identity.add_recogniser(std::string(kApiKeyPrefix),
                          [this](std::string_view, std::string_view secret) { return recognise(secret); });
}

std::span<const db::Migration> ApiKeys::migrations() {
  return kMigrations;
}

Result<ApiKeys::Issued> ApiKeys::issue(const Principal& who, const NewApiKey& wanted) {
  TRY(check_wanted(who, wanted));
  Time now = clock_.now();
  Issued issued{.key = {.id = "K-" + random_hex(6),
                        .owner = who.name(),
                        .label = std::string(trim(wanted.label)),
                        .roles = wanted.roles,
                        .push_only = wanted.push_only,
                        .created = now,
                        .expires = now + wanted.lifetime},
                .secret = std::string(kApiKeyPrefix) + to_base64url(as_bytes(random_bytes(kSecretBytes)))};
  return database_.write([&](db::Transaction& tx) -> Result<Issued> {
    auto count = tx.prepare("SELECT count(*) FROM signin_api_key WHERE owner = ? AND revoked IS NULL AND expires > ?");
    TRY(count.bind(who.name()).bind(now).next());
    if (count.integer(0) >= static_cast<std::int64_t>(kApiKeysPerUserMax))
      return over_limit(format("there are {} keys already; revoke one first", kApiKeysPerUserMax));
    const ApiKey& key = issued.key;
    TRY(tx.prepare("INSERT INTO signin_api_key (id, hash, owner, label, roles, push_only, created, expires) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(key.id)
            .bind_blob(stored_form(issued.secret))
            .bind(key.owner)
            .bind(key.label)
            .bind(words_of(key.roles))
            .bind(key.push_only)
            .bind(key.created)
            .bind(key.expires)
            .run());
    TRY(journal_.append(tx, who.name(), "api-key-issued", who.name(), details_of(key)));
    return issued;
  });
}

Result<std::vector<ApiKey>> ApiKeys::list(const std::optional<std::string>& owner) {
  return database_.read([&](db::Transaction& tx) -> Result<std::vector<ApiKey>> {
    std::vector<ApiKey> keys;
    auto rows = tx.prepare(format("{}WHERE ?1 IS NULL OR owner = ?1 ORDER BY number DESC LIMIT 1000", kColumns));
    rows.bind(owner);
    while (TRY(rows.next())) keys.push_back(key_of(rows));
    return keys;
  });
}

Result<ApiKey> ApiKeys::revoke(const Principal& who, const std::string& id) {
  return database_.write([&](db::Transaction& tx) -> Result<ApiKey> {
    auto row = tx.prepare(format("{}WHERE id = ?", kColumns));
    bool is_there = TRY(row.bind(id).next());
    if (!is_there || (row.text(1) != who.name() && !who.has(Role::Admin)))
      return not_found(format("there is no key {}", printable(id, 40)));
    ApiKey key = key_of(row);
    if (key.is_revoked) return key;
    TRY(tx.prepare("UPDATE signin_api_key SET revoked = ? WHERE id = ?").bind(clock_.now()).bind(id).run());
    TRY(journal_.append(tx, who.name(), "api-key-revoked", key.owner, details_of(key)));
    key.is_revoked = true;
    return key;
  });
}

Result<Principal> ApiKeys::recognise(std::string_view secret) {
  Error unknown = denied("the key is unknown, revoked or has expired");
  if (secret.size() > kSecretCharactersMax) return unknown;
  Time now = clock_.now();
  auto read = [&](db::Transaction& tx) -> Result<std::optional<ApiKey>> {
    auto row = tx.prepare(format("{}WHERE hash = ?", kColumns));
    if (!TRY(row.bind_blob(stored_form(secret)).next())) return std::optional<ApiKey>();
    return std::optional(key_of(row));
  };
  auto key = TRY(database_.read(read));
  if (!key || key->is_revoked || now >= key->expires) return unknown;
  auto owner = TRY(identity_.vouch_for(key->owner));
  if (!key->used || now >= *key->used + kUseNoteInterval) {
    TRY(database_.write([&](db::Transaction& tx) {
      return tx.prepare("UPDATE signin_api_key SET used = ? WHERE id = ?").bind(now).bind(key->id).run();
    }));
  }
  return owner.narrowed(key->roles, key->push_only);
}

}  // namespace pratique::signin
