#include "identity/sessions.h"

#include "base/format.h"
#include "identity/roles.h"
#include "identity/users.h"

namespace pratique::identity {

namespace {

constexpr std::string_view kColumns =
    "SELECT s.access_key_id, u.name, u.disabled, s.repository, s.access_grant, s.sealed_secret, s.token_hash, "
    "s.issued, "
    "s.expires, s.revoked, s.push_started, s.push_seen, u.roles FROM identity_session s JOIN identity_user u ON u.id = "
    "s.user ";
// A client asks for a password a login; what piles up beyond this is a loop, and its oldest go.
constexpr int kPasswordsMax = 64;

std::optional<Time> optional_time(const db::Statement& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.time(column));
}

StoredSession session_of(const db::Statement& row) {
  return {.access_key_id = row.text(0),
          .user = row.text(1),
          .is_user_disabled = row.integer(2) != 0,
          .roles = roles_from_text(row.text(12)),
          .repository = row.text(3),
          .grant = row.text(4),
          .sealed_secret = row.text(5),
          .token_hash = row.text(6),
          .issued = row.time(7),
          .expires = row.time(8),
          .is_revoked = !row.is_null(9),
          .push_started = optional_time(row, 10),
          .push_seen = optional_time(row, 11)};
}

Result<std::optional<StoredSession>> single(db::Statement row) {
  if (!TRY(row.next())) return std::optional<StoredSession>();
  return std::optional(session_of(row));
}

Result<std::vector<StoredSession>> every(db::Statement row) {
  std::vector<StoredSession> sessions;
  while (TRY(row.next())) sessions.push_back(session_of(row));
  return sessions;
}

}  // namespace

SessionState StoredSession::state(Time now) const {
  if (is_revoked || is_user_disabled) return SessionState::Revoked;
  return now < expires ? SessionState::Valid : SessionState::Expired;
}

bool StoredSession::is_finishing(Time now) const {
  return state(now) == SessionState::Expired && push_started && push_seen && now < expires + kPushGrace &&
         now < *push_seen + kPushIdleMax;
}

std::optional<Principal> SessionTable::principal(const StoredSession& session, Time now) {
  if (session.state(now) != SessionState::Valid) return std::nullopt;
  // A grant is the right to push: it needs no role, and carries none that the user has otherwise. The account's own
  // keys carry what the user has.
  const bool is_account = session.repository.empty();
  Principal who(session.user, is_account ? session.roles : std::set<Role>{Role::Submitter});
  who.push_only_ = session.repository;
  who.session_ = session.access_key_id;
  who.is_narrowed_ = true;
  return who;
}

std::optional<Principal> SessionTable::pusher(const StoredSession& session, Time now) {
  return principal(session, session.is_finishing(now) ? session.issued : now);
}

Status SessionTable::insert(const StoredSession& session, std::int64_t user_id) {
  return tx_
      .prepare(
          "INSERT INTO identity_session (access_key_id, user, repository, access_grant, sealed_secret, token_hash, "
          "issued, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(session.access_key_id)
      .bind(user_id)
      .bind(session.repository)
      .bind(session.grant)
      .bind_blob(session.sealed_secret)
      .bind_blob(session.token_hash)
      .bind(session.issued)
      .bind(session.expires)
      .run();
}

Result<std::optional<StoredSession>> SessionTable::find(std::string_view access_key_id) {
  db::Statement row = tx_.prepare(format("{}WHERE s.access_key_id = ?", kColumns));
  row.bind(access_key_id);
  return single(std::move(row));
}

Status SessionTable::revoke(std::string_view access_key_id, Time now) {
  return tx_.prepare("UPDATE identity_session SET revoked = ? WHERE access_key_id = ?")
      .bind(now)
      .bind(access_key_id)
      .run();
}

Status SessionTable::revoke_all_of(std::string_view user, Time now) {
  return tx_
      .prepare(
          "UPDATE identity_session SET revoked = ? WHERE revoked IS NULL AND user = (SELECT id FROM identity_user "
          "WHERE name = ?)")
      .bind(now)
      .bind(user)
      .run();
}

Status SessionTable::reseal(std::string_view access_key_id, std::string_view sealed_secret) {
  return tx_.prepare("UPDATE identity_session SET sealed_secret = ? WHERE access_key_id = ?")
      .bind_blob(sealed_secret)
      .bind(access_key_id)
      .run();
}

Result<std::vector<StoredSession>> SessionTable::all() {
  return every(tx_.prepare(kColumns));
}

Status SessionTable::insert_password(std::string_view access_key_id, std::string_view password, Time now) {
  TRY(tx_.prepare("INSERT INTO identity_session_password (hash, session, issued) VALUES (?, ?, ?)")
          .bind_blob(stored_form(password))
          .bind(access_key_id)
          .bind(now)
          .run());
  return tx_
      .prepare(
          "DELETE FROM identity_session_password WHERE session = ?1 AND hash NOT IN (SELECT hash FROM "
          "identity_session_password WHERE session = ?1 ORDER BY issued DESC, hash LIMIT ?2)")
      .bind(access_key_id)
      .bind(kPasswordsMax)
      .run();
}

Result<std::optional<StoredSession>> SessionTable::find_by_password(std::string_view password) {
  db::Statement row = tx_.prepare(
      format("{}JOIN identity_session_password p ON p.session = s.access_key_id WHERE p.hash = ?", kColumns));
  row.bind_blob(stored_form(password));
  return single(std::move(row));
}

Status SessionTable::set_push(std::string_view access_key_id, std::optional<Time> started, std::optional<Time> seen) {
  return tx_.prepare("UPDATE identity_session SET push_started = ?, push_seen = ? WHERE access_key_id = ?")
      .bind(started)
      .bind(seen)
      .bind(access_key_id)
      .run();
}

Result<std::vector<StoredSession>> SessionTable::ended_untold(Time now, std::size_t limit) {
  db::Statement row =
      tx_.prepare(format("{}WHERE s.expires <= ? AND s.is_end_told = 0 ORDER BY s.expires LIMIT ?", kColumns));
  row.bind(now).bind(std::uint64_t{limit});
  return every(std::move(row));
}

Status SessionTable::mark_told(std::string_view access_key_id) {
  return tx_.prepare("UPDATE identity_session SET is_end_told = 1 WHERE access_key_id = ?").bind(access_key_id).run();
}

Status SessionTable::forget_before(Time expired) {
  return tx_.prepare("DELETE FROM identity_session WHERE expires <= ? AND is_end_told = 1").bind(expired).run();
}

}  // namespace pratique::identity
