#include "identity/users.h"

#include "base/format.h"
#include "base/hash.h"
#include "base/text.h"
#include "identity/roles.h"

namespace pratique::identity {

namespace {

constexpr std::string_view kUserFields = "identity_user.id, name, password, identity_user.roles, disabled, created";
constexpr std::string_view kUserColumns =
    "SELECT identity_user.id, name, password, roles, disabled, created FROM identity_user ";

StoredUser user_of(const db::Statement& row) {
  return {.id = row.integer(0),
          .password_hash = row.text(2),
          .user = {.name = row.text(1),
                   .roles = roles_from_text(row.text(3)),
                   .is_disabled = row.integer(4) != 0,
                   .created = row.time(5)}};
}

Result<bool> has_administrator(db::Transaction& tx) {
  for (const User& user : TRY(list_users(tx)))
    if (!user.is_disabled && user.roles.contains(Role::Admin)) return true;
  return false;
}

}  // namespace

std::string stored_form(std::string_view secret) {
  auto sum = sha256(as_bytes(secret));
  return std::string(as_text(sum));
}

Result<std::optional<StoredUser>> find_user(db::Transaction& tx, std::string_view name) {
  db::Statement row = tx.prepare(std::string(kUserColumns) + "WHERE name = ?");
  if (!TRY(row.bind(name).next())) return std::optional<StoredUser>();
  return std::optional(user_of(row));
}

Result<std::vector<User>> list_users(db::Transaction& tx) {
  std::vector<User> users;
  db::Statement row = tx.prepare(std::string(kUserColumns) + "ORDER BY name");
  while (TRY(row.next())) users.push_back(user_of(row).user);
  return users;
}

Result<bool> has_users(db::Transaction& tx) {
  return tx.prepare("SELECT 1 FROM identity_user LIMIT 1").next();
}

Status insert_user(db::Transaction& tx, const User& user, std::string_view password_hash) {
  if (TRY(find_user(tx, user.name))) return conflict(format("there is a user \"{}\" already", printable(user.name)));
  return tx.prepare("INSERT INTO identity_user (name, password, roles, disabled, created) VALUES (?, ?, ?, ?, ?)")
      .bind(user.name)
      .bind(password_hash)
      .bind(roles_to_text(user.roles))
      .bind(user.is_disabled ? 1 : 0)
      .bind(user.created)
      .run();
}

Status update_user(db::Transaction& tx, const User& user, const std::optional<std::string>& password_hash) {
  bool had_administrator = TRY(has_administrator(tx));
  TRY(tx.prepare("UPDATE identity_user SET roles = ?, disabled = ?, password = coalesce(?, password) WHERE name = ?")
          .bind(roles_to_text(user.roles))
          .bind(user.is_disabled ? 1 : 0)
          .bind(password_hash)
          .bind(user.name)
          .run());
  if (tx.changes() == 0) return not_found(format("there is no user \"{}\"", printable(user.name)));
  if (had_administrator && !TRY(has_administrator(tx)))
    return conflict(format("\"{}\" is the last administrator: make another one first", printable(user.name)));
  return {};
}

Status insert_token(db::Transaction& tx, std::int64_t user_id, const NewToken& token, const Principal& who) {
  bool is_of_session = !who.session().empty();
  return tx
      .prepare(
          "INSERT INTO identity_token (hash, user, issued, expires, session, roles, push_only) "
          "VALUES (?, ?, ?, ?, ?, ?, ?)")
      .bind_blob(stored_form(token.secret))
      .bind(user_id)
      .bind(token.issued)
      .bind(token.expires)
      .bind(is_of_session ? std::optional(who.session()) : std::nullopt)
      .bind(who.is_narrowed() ? std::optional(roles_to_text(who.roles())) : std::nullopt)
      .bind(who.push_only())
      .run();
}

Status delete_expired_tokens(db::Transaction& tx, Time now) {
  return tx.prepare("DELETE FROM identity_token WHERE expires <= ?").bind(now).run();
}

Status delete_tokens_of(db::Transaction& tx, std::string_view name) {
  return tx.prepare("DELETE FROM identity_token WHERE user = (SELECT id FROM identity_user WHERE name = ?)")
      .bind(name)
      .run();
}

Result<std::optional<TokenOwner>> find_token(db::Transaction& tx, std::string_view secret, Time now) {
  db::Statement row =
      tx.prepare(format("SELECT {}, identity_token.session, identity_token.roles, push_only FROM identity_user "
                        "JOIN identity_token ON identity_token.user = identity_user.id WHERE hash = ? AND expires > ?",
                        kUserFields));
  if (!TRY(row.bind_blob(stored_form(secret)).bind(now).next())) return std::optional<TokenOwner>();
  TokenOwner owner{.user = user_of(row), .session = row.optional_text(6).value_or(""), .push_only = row.text(8)};
  if (!row.is_null(7)) owner.roles = roles_from_text(row.text(7));
  return std::optional(std::move(owner));
}

}  // namespace pratique::identity
