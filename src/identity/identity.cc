#include "identity/identity.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/format.h"
#include "base/random.h"
#include "base/text.h"
#include "identity/impl.h"
#include "identity/roles.h"
#include "identity/sessions.h"

namespace pratique::identity {

namespace {

constexpr db::Migration kMigrations[] = {{"identity", 1, R"sql(
CREATE TABLE identity_user (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  password TEXT NOT NULL,
  roles TEXT NOT NULL,
  disabled INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT;
CREATE TABLE identity_token (
  hash BLOB PRIMARY KEY,
  user INTEGER NOT NULL REFERENCES identity_user (id) ON DELETE CASCADE,
  issued INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_token_expires ON identity_token (expires);
CREATE INDEX identity_token_user ON identity_token (user);
)sql"},
                                         {"identity", 2, R"sql(
-- Temporary keys. The secret is sealed (docs/formats/key-file.md): a signature cannot be checked with less than it.
CREATE TABLE identity_session (
  access_key_id TEXT PRIMARY KEY,
  user INTEGER NOT NULL REFERENCES identity_user (id) ON DELETE CASCADE,
  repository TEXT NOT NULL,
  access_grant TEXT NOT NULL,
  sealed_secret BLOB NOT NULL,
  token_hash BLOB NOT NULL,
  issued INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  revoked INTEGER,
  is_end_told INTEGER NOT NULL DEFAULT 0,
  push_started INTEGER,
  push_seen INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_session_expires ON identity_session (expires);
CREATE TABLE identity_session_password (
  hash BLOB PRIMARY KEY,
  session TEXT NOT NULL REFERENCES identity_session (access_key_id) ON DELETE CASCADE,
  issued INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_session_password_session ON identity_session_password (session, issued);
ALTER TABLE identity_token ADD COLUMN session TEXT REFERENCES identity_session (access_key_id) ON DELETE CASCADE;
)sql"},
                                         {"identity", 3, R"sql(
-- A token is worth no more than what bought it: of the user's present roles these, and no other repository. NULL: all.
ALTER TABLE identity_token ADD COLUMN roles TEXT;
ALTER TABLE identity_token ADD COLUMN push_only TEXT NOT NULL DEFAULT '';
)sql"}};

constexpr std::string_view kAdminName = "admin";
// 20 characters of 5.8 bits: typed once, then changed or kept in a password manager.
constexpr std::size_t kGeneratedPasswordLength = 20;
// Lets secret scanners recognise a token that was committed somewhere.
constexpr std::string_view kTokenPrefix = "prt_";
constexpr std::size_t kTokenRandomBytes = 32;
constexpr std::size_t kTokenBytesMax = 128;

Status check_name(std::string_view name) {
  if (name.empty() || name.size() > kUserNameBytesMax)
    return invalid(format("a user name has 1 to {} bytes", kUserNameBytesMax));
  if (!is_utf8(name)) return invalid("a user name is UTF-8 text");
  auto is_forbidden = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == ':'; };
  if (std::any_of(name.begin(), name.end(), is_forbidden))
    return invalid("a user name holds no control characters and no \":\"");
  if (name == kSystemName) return invalid("the name \"system\" is the program's own");
  if (name == kRegistryUser) return invalid("the name \"AWS\" goes with temporary keys");
  return {};
}

}  // namespace

Identity::Identity(db::Database& database, const Clock& clock, Options options)
    : impl_(new Impl{.database = database, .clock = clock, .options = options, .lockout = Lockout(options)}) {}
Identity::~Identity() = default;

void Identity::on_change(std::function<Status(db::Transaction&, const UserChange&)> hook) {
  impl_->on_change = std::move(hook);
}

std::span<const db::Migration> Identity::migrations() {
  return kMigrations;
}

Result<std::optional<std::string>> Identity::bootstrap_admin() {
  using Generated = std::optional<std::string>;
  if (TRY(impl_->database.read(has_users))) return Generated();
  std::string password = random_password(kGeneratedPasswordLength);
  // Hashed before the transaction: the writer's queue must not wait for it.
  std::string hash = TRY(impl_->hasher.hash(password));
  User admin{.name = std::string(kAdminName), .roles = every_role(), .created = impl_->clock.now()};
  return impl_->database.write([&](db::Transaction& tx) -> Result<Generated> {
    if (TRY(has_users(tx))) return Generated();
    TRY(insert_user(tx, admin, hash));
    TRY(impl_->tell(tx, {"user-added", kSystemName, admin}));
    return Generated(password);
  });
}

Status Identity::add_user(std::string_view name, std::string_view password, const std::set<Role>& roles,
                          const Principal& by) {
  TRY(check_name(name));
  std::string hash = TRY(impl_->hasher.hash(password));
  User user{.name = std::string(name), .roles = roles, .created = impl_->clock.now()};
  return impl_->database.write([&](db::Transaction& tx) -> Status {
    TRY(insert_user(tx, user, hash));
    return impl_->tell(tx, {"user-added", by.name(), user});
  });
}

Status Identity::set_password(std::string_view name, std::string_view password, const Principal& by) {
  std::string hash = TRY(impl_->hasher.hash(password));
  TRY(impl_->change(name, {"user-password-set", by, [](User&) {}, hash}));
  impl_->lockout.forget(name);  // whoever sets a new password for a locked user wants them in
  return {};
}

Status Identity::set_roles(std::string_view name, const std::set<Role>& roles, const Principal& by) {
  return impl_->change(name, {"user-roles-set", by, [&](User& user) { user.roles = roles; }});
}

Status Identity::disable_user(std::string_view name, const Principal& by) {
  return impl_->change(name, {"user-disabled", by, [](User& user) { user.is_disabled = true; }});
}

Status Identity::enable_user(std::string_view name, const Principal& by) {
  return impl_->change(name, {"user-enabled", by, [](User& user) { user.is_disabled = false; }});
}

Status Identity::Impl::change(std::string_view name, const Change& change) {
  TRY(database.write([&](db::Transaction& tx) -> Status {
    auto stored = TRY(find_user(tx, name));
    if (!stored) return not_found(format("there is no user \"{}\"", printable(name)));
    change.edit(stored->user);
    if (change.hash || stored->user.is_disabled) {
      TRY(delete_tokens_of(tx, name));
      TRY(SessionTable(tx).revoke_all_of(name, clock.now()));
    }
    TRY(update_user(tx, stored->user, change.hash));
    return tell(tx, {change.event, change.by.name(), stored->user});
  }));
  verified.forget(name);
  return {};
}

Result<std::vector<User>> Identity::users() {
  return impl_->database.read(list_users);
}

Result<Principal> Identity::authenticate(std::string_view name, std::string_view password, std::string_view address) {
  Time now = impl_->clock.now();
  if (auto wait = impl_->lockout.locked_for(name, address, now))
    return denied(format("too many wrong passwords: wait {}", human_duration(*wait)));
  auto who = TRY(impl_->recognise_or_check(name, password));
  if (!who) {
    // Too long a name cannot exist, and must not fill the memory of failures.
    if (name.size() <= kUserNameBytesMax) impl_->lockout.note_failure(name, address, now);
    return wrong_credentials();
  }
  impl_->lockout.note_success(name, address, now);
  return *who;
}

void Identity::add_recogniser(std::string prefix, Recogniser recogniser) {
  impl_->recognisers.push_back({std::move(prefix), std::move(recogniser)});
}

Result<Principal> Identity::vouch_for(std::string_view name) {
  return impl_->database.read([&](db::Transaction& tx) -> Result<Principal> {
    auto user = TRY(find_user(tx, name));
    if (!user || user->user.is_disabled) return wrong_credentials();
    return Principal(user->user.name, user->user.roles);
  });
}

// Nullopt for whoever is not who they say; an error where that could not be found out.
Result<std::optional<Principal>> Identity::Impl::recognise_or_check(std::string_view name, std::string_view password) {
  auto taken = [&](const Result<Principal>& outcome) -> Result<std::optional<Principal>> {
    if (outcome.ok() && outcome->name() == name) return std::optional(*outcome);
    if (!outcome.ok() && outcome.error().kind() != ErrorKind::Denied) return outcome.error();
    return std::optional<Principal>();
  };
  if (auto other = recognise(name, password)) return taken(*other);
  auto user = TRY(database.read([&](db::Transaction& tx) { return find_user(tx, name); }));
  user = check(user, name, password);
  if (user && !user->user.is_disabled) return std::optional(Principal(user->user.name, user->user.roles));
  for (const auto& one : recognisers)
    if (one.prefix.empty()) return taken(one.recognise(name, password));
  return std::optional<Principal>();
}

std::optional<Result<Principal>> Identity::Impl::recognise(std::string_view name, std::string_view secret) {
  for (const auto& one : recognisers)
    if (!one.prefix.empty() && secret.starts_with(one.prefix)) return one.recognise(name, secret);
  return std::nullopt;
}

Status Identity::may_try(std::string_view subject, std::string_view address) {
  auto wait = impl_->lockout.locked_for(subject.substr(0, kUserNameBytesMax), address, impl_->clock.now());
  if (!wait) return {};
  return over_limit(format("too many wrong tries: wait {}", human_duration(*wait)));
}

void Identity::note_try(std::string_view subject, std::string_view address, Try outcome) {
  subject = subject.substr(0, kUserNameBytesMax);
  if (outcome == Try::Right)
    impl_->lockout.note_success(subject, address, impl_->clock.now());
  else
    impl_->lockout.note_failure(subject, address, impl_->clock.now());
}

std::optional<StoredUser> Identity::Impl::check(const std::optional<StoredUser>& user, std::string_view name,
                                                std::string_view password) {
  if (!user) {
    hasher.spend_the_same(password);
    return std::nullopt;
  }
  Time now = clock.now();
  if (verified.remembers(name, password, user->password_hash, now)) return user;
  if (!hasher.matches(password, user->password_hash)) return std::nullopt;
  if (!user->user.is_disabled) verified.remember(name, password, user->password_hash, now);
  return user;
}

Result<Identity::Token> Identity::issue_token(const Principal& principal) {
  Time now = impl_->clock.now();
  Token token{.secret = std::string(kTokenPrefix) + to_base64url(as_bytes(random_bytes(kTokenRandomBytes))),
              .issued = now,
              .lifetime = impl_->options.token_lifetime};
  return impl_->database.write([&](db::Transaction& tx) -> Result<Token> {
    auto user = TRY(find_user(tx, principal.name()));
    if (!user || user->user.is_disabled) return denied("the user is gone or disabled");
    TRY(delete_expired_tokens(tx, now));
    TRY(insert_token(tx, user->id, {token.secret, now, now + token.lifetime}, principal));
    return token;
  });
}

Result<Principal> Identity::authenticate_token(std::string_view secret) {
  if (auto other = impl_->recognise("", secret)) return *other;
  if (secret.size() > kTokenBytesMax) return denied("the token is unknown or has expired");
  Time now = impl_->clock.now();
  return impl_->database.read([&](db::Transaction& tx) -> Result<Principal> {
    auto owner = TRY(find_token(tx, secret, now));
    if (!owner || owner->user.user.is_disabled) return denied("the token is unknown or has expired");
    Principal user(owner->user.user.name, owner->user.user.roles);
    if (owner->session.empty()) return owner->roles ? user.narrowed(*owner->roles, owner->push_only) : user;
    auto session = TRY(SessionTable(tx).find(owner->session));
    auto principal = session ? SessionTable::pusher(*session, now) : std::nullopt;
    if (!principal) return denied("the temporary credentials behind this token have ended");
    return *principal;
  });
}

}  // namespace pratique::identity
