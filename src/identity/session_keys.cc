// Temporary keys: issue, use, end. docs/formats/temporary-keys.md.
//
//   valid ──expires──> expired (a push that began before may finish, for a bounded while)
//   valid ──revoked, or the user disabled──> revoked
#include <algorithm>

#include "base/encoding.h"
#include "base/format.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/text.h"
#include "identity/impl.h"
#include "identity/sessions.h"

namespace pratique::identity {

namespace {

// AWS's own shapes: clients and secret scanners know temporary keys by them.
constexpr std::string_view kKeyPrefix = "ASIA";
constexpr std::size_t kKeyCharacters = 16;
constexpr std::string_view kKeyAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::size_t kSecretBytes = 30;  // 40 characters of base64
constexpr std::size_t kTokenBytes = 96;   // 128 characters, no padding
constexpr std::size_t kTokenCharactersMax = 4096;
// The registry password: base64url has no colon, which the AWS command line would split at.
constexpr std::string_view kPasswordPrefix = "prp_";
constexpr std::size_t kPasswordBytes = 32;
constexpr std::size_t kPasswordCharactersMax = 128;
// A client that comes back a while later still hears "expired" instead of "unknown".
constexpr days kRemembered{30};
constexpr std::size_t kExpiredAtOnce = 100;
constexpr seconds kNoteInterval{60};
constexpr std::size_t kNotesMax = 10'000;
// A push's row is written at most this often while it goes on.
constexpr seconds kPushNoteInterval{60};

std::string make_access_key_id() {
  std::string id(kKeyPrefix);
  for (char c : random_bytes(kKeyCharacters)) id += kKeyAlphabet[static_cast<unsigned char>(c) & 31u];
  return id;
}

std::string label_of(std::string_view access_key_id) {
  return format("session-secret:{}", access_key_id);
}

Status check_lifetime(seconds lifetime) {
  if (lifetime >= kSessionLifetimeMin && lifetime <= kSessionLifetimeMax) return {};
  return invalid(format("temporary keys live {} to {} seconds, not {}", kSessionLifetimeMin.count(),
                        kSessionLifetimeMax.count(), lifetime.count()));
}

SessionChange change_of(std::string_view event, const StoredSession& session, std::string_view actor) {
  return {.event = event,
          .actor = actor,
          .access_key_id = session.access_key_id,
          .user = session.user,
          .repository = session.repository,
          .grant = session.grant,
          .address = "",
          .reason = ""};
}

SessionChange with(SessionChange change, std::string_view address, std::string_view reason) {
  change.address = address;
  change.reason = reason;
  return change;
}

}  // namespace

bool Session::is_token(std::string_view session_token) const {
  if (session_token.size() > kTokenCharactersMax) return false;
  return equals_in_constant_time(stored_form(session_token), token_hash);
}

void Identity::on_session(std::function<Status(db::Transaction&, const SessionChange&)> hook) {
  impl_->on_session = std::move(hook);
}

Result<SessionKeys> Identity::issue_session(db::Transaction& tx, const SessionRequest& request) {
  TRY(check_lifetime(request.lifetime));
  auto user = TRY(find_user(tx, request.user));
  if (!user) return not_found(format("there is no user \"{}\"", printable(request.user)));
  if (user->user.is_disabled) return denied(format("the user \"{}\" is disabled", printable(request.user)));
  Time now = impl_->clock.now();
  SessionKeys keys{.access_key_id = make_access_key_id(),
                   .secret = to_base64(as_bytes(random_bytes(kSecretBytes))),
                   .session_token = to_base64(as_bytes(random_bytes(kTokenBytes))),
                   .issued = now,
                   .expires = now + request.lifetime};
  std::string sealed = TRY(impl_->seal(keys.secret, label_of(keys.access_key_id)));
  StoredSession session{.access_key_id = keys.access_key_id,
                        .user = request.user,
                        .repository = request.repository,
                        .grant = request.grant,
                        .sealed_secret = std::move(sealed),
                        .token_hash = stored_form(keys.session_token),
                        .issued = keys.issued,
                        .expires = keys.expires};
  TRY(SessionTable(tx).insert(session, user->id));
  std::string_view by = request.by.empty() ? request.user : request.by;
  TRY(impl_->tell(tx, with(change_of("session-issued", session, by), request.address, "")));
  return keys;
}

Result<SessionKeys> Identity::issue_session(const SessionRequest& request) {
  return impl_->database.write([&](db::Transaction& tx) { return issue_session(tx, request); });
}

Result<std::optional<Session>> Identity::find_session(std::string_view access_key_id) {
  auto read = [&](db::Transaction& tx) { return SessionTable(tx).find(access_key_id); };
  auto stored = TRY(impl_->database.read(read));
  if (!stored) return std::optional<Session>();
  std::string secret = TRY(impl_->unseal(stored->sealed_secret, label_of(stored->access_key_id)));
  Time now = impl_->clock.now();
  return std::optional(Session{.access_key_id = stored->access_key_id,
                               .secret = std::move(secret),
                               .state = stored->state(now),
                               .principal = SessionTable::principal(*stored, now),
                               .user = stored->user,
                               .repository = stored->repository,
                               .grant = stored->grant,
                               .issued = stored->issued,
                               .expires = stored->expires,
                               .token_hash = stored->token_hash});
}

Status Identity::revoke_session(db::Transaction& tx, std::string_view access_key_id, std::string_view by,
                                std::string_view reason) {
  SessionTable table(tx);
  auto session = TRY(table.find(access_key_id));
  if (!session) return not_found(format("there are no temporary keys {}", printable(access_key_id, 40)));
  Time now = impl_->clock.now();
  // A push may go on after expiry: revoking is how to end it.
  if (session->is_revoked || (session->state(now) == SessionState::Expired && !session->is_finishing(now))) return {};
  TRY(table.revoke(access_key_id, now));
  return impl_->tell(tx, with(change_of("session-revoked", *session, by), "", reason));
}

Status Identity::revoke_session(std::string_view access_key_id, std::string_view by, std::string_view reason) {
  return impl_->database.write([&](db::Transaction& tx) { return revoke_session(tx, access_key_id, by, reason); });
}

Result<std::string> Identity::issue_registry_password(std::string_view access_key_id, std::string_view address) {
  std::string password = std::string(kPasswordPrefix) + to_base64url(as_bytes(random_bytes(kPasswordBytes)));
  return impl_->database.write([&](db::Transaction& tx) -> Result<std::string> {
    SessionTable table(tx);
    Time now = impl_->clock.now();
    auto session = TRY(table.find(access_key_id));
    if (!session || session->state(now) != SessionState::Valid)
      return denied("the temporary credentials are unknown or have ended");
    TRY(table.insert_password(access_key_id, password, now));
    auto change = with(change_of("session-password-issued", *session, session->user), address, "");
    TRY(impl_->tell(tx, change));
    return password;
  });
}

Result<Identity::RegistryLogin> Identity::authenticate_registry_password(std::string_view password,
                                                                         std::string_view address) {
  // Too long to be guessed, but whoever tries is not one of ours.
  if (auto allowed = may_try("", address); !allowed.ok()) return denied(allowed.error().message());
  bool is_possible = password.starts_with(kPasswordPrefix) && password.size() <= kPasswordCharactersMax;
  auto read = [&](db::Transaction& tx) { return SessionTable(tx).find_by_password(password); };
  auto session = is_possible ? TRY(impl_->database.read(read)) : std::nullopt;
  if (!session) {
    note_try("", address, Try::Wrong);
    return wrong_credentials();
  }
  Time now = impl_->clock.now();
  return RegistryLogin{.state = session->state(now), .principal = SessionTable::pusher(*session, now)};
}

namespace {

// Where the push stands after this step; nullopt: as it did.
struct PushTimes {
  std::optional<Time> started;
  std::optional<Time> seen;
};
std::optional<PushTimes> after_step(const StoredSession& session, PushStep step, Time now) {
  bool is_open = session.push_started.has_value();
  if (step == PushStep::Finished) return is_open ? std::optional(PushTimes{}) : std::nullopt;
  // What begins after the keys' end is no push of theirs.
  if (!is_open && session.state(now) != SessionState::Valid) return std::nullopt;
  if (is_open && session.push_seen && now < *session.push_seen + kPushNoteInterval) return std::nullopt;
  return PushTimes{is_open ? session.push_started : now, now};
}

}  // namespace

Status Identity::note_push(const Principal& who, PushStep step) {
  if (who.session().empty()) return {};
  auto next = [&](db::Transaction& tx) -> Result<std::optional<PushTimes>> {
    auto session = TRY(SessionTable(tx).find(who.session()));
    return session ? after_step(*session, step, impl_->clock.now()) : std::nullopt;
  };
  // Asked first without the write lock: most steps change nothing.
  if (!TRY(impl_->database.read(next))) return {};
  return impl_->database.write([&](db::Transaction& tx) -> Status {
    auto times = TRY(next(tx));
    return times ? SessionTable(tx).set_push(who.session(), times->started, times->seen) : Status();
  });
}

Result<bool> Identity::is_push_going_on(db::Transaction& tx, std::string_view access_key_id) {
  auto session = TRY(SessionTable(tx).find(access_key_id));
  return session && session->is_finishing(impl_->clock.now());
}

Status Identity::note_session(std::string_view event, std::string_view access_key_id, std::string_view address,
                              std::string_view reason) {
  if (!impl_->is_worth_noting(format("{} {} {}", event, access_key_id, reason))) return {};
  return impl_->database.write([&](db::Transaction& tx) -> Status {
    auto session = TRY(SessionTable(tx).find(access_key_id));
    if (!session) session = StoredSession{.access_key_id = printable(access_key_id, 40)};
    return impl_->tell(tx, with(change_of(event, *session, session->user), address, reason));
  });
}

Result<std::size_t> Identity::expire_sessions() {
  return impl_->database.write([&](db::Transaction& tx) -> Result<std::size_t> {
    SessionTable table(tx);
    Time now = impl_->clock.now();
    auto ended = TRY(table.ended_untold(now, kExpiredAtOnce));
    for (const StoredSession& session : ended) {
      TRY(table.mark_told(session.access_key_id));
      if (!session.is_revoked) TRY(impl_->tell(tx, change_of("session-expired", session, "system")));
    }
    TRY(table.forget_before(now - kRemembered));
    return ended.size();
  });
}

Status Identity::rotate_key(const Principal& by) {
  {
    auto keys = impl_->keys.lock();
    if (!*keys) *keys = TRY(KeyRing::open(impl_->options.key_file));
    TRY((*keys)->add_key());
  }
  TRY(impl_->database.write([&](db::Transaction& tx) -> Status {
    SessionTable table(tx);
    for (const StoredSession& session : TRY(table.all())) {
      std::string label = label_of(session.access_key_id);
      std::string secret = TRY(impl_->unseal(session.sealed_secret, label));
      std::string sealed = TRY(impl_->seal(secret, label));
      TRY(table.reseal(session.access_key_id, sealed));
    }
    return impl_->tell(tx, SessionChange{.event = "key-rotated", .actor = by.name()});
  }));
  auto keys = impl_->keys.lock();
  return (*keys)->drop_old_keys_from_file();
}

Result<std::string> Identity::Impl::seal(std::string_view secret, std::string_view label) {
  auto locked = keys.lock();
  if (!*locked) *locked = TRY(KeyRing::open(options.key_file));
  return (*locked)->seal(secret, label);
}

Result<std::string> Identity::Impl::unseal(std::string_view sealed, std::string_view label) {
  auto locked = keys.lock();
  if (!*locked) *locked = TRY(KeyRing::open(options.key_file));
  return (*locked)->unseal(sealed, label);
}

bool Identity::Impl::is_worth_noting(const std::string& what) {
  auto locked = noted.lock();
  Time now = clock.now();
  auto found = locked->find(what);
  if (found != locked->end() && now < found->second + kNoteInterval) return false;
  // Full of what attackers send: everything starts anew, which costs a few more entries.
  if (found == locked->end() && locked->size() >= kNotesMax) locked->clear();
  locked->insert_or_assign(what, now);
  return true;
}

}  // namespace pratique::identity
