// The tables of users and tokens. Every function runs in its caller's transaction. Private to `identity`.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "db/db.h"
#include "identity/identity.h"

namespace pratique::identity {

struct StoredUser {
  std::int64_t id = 0;
  std::string password_hash;
  User user;
};

Result<std::optional<StoredUser>> find_user(db::Transaction& tx, std::string_view name);
Result<std::vector<User>> list_users(db::Transaction& tx);
Result<bool> has_users(db::Transaction& tx);
Status insert_user(db::Transaction& tx, const User& user, std::string_view password_hash);
// NotFound for an unknown name; Conflict when no enabled administrator would be left although there was one.
Status update_user(db::Transaction& tx, const User& user, const std::optional<std::string>& password_hash);

// Tokens are kept as SHA-256: they are random, so a fast hash hides them as well as a slow one.
struct NewToken {
  std::string_view secret;
  Time issued;
  Time expires;
};
// What narrows `who` narrows the token as well.
Status insert_token(db::Transaction& tx, std::int64_t user_id, const NewToken& token, const Principal& who);
Status delete_expired_tokens(db::Transaction& tx, Time now);
Status delete_tokens_of(db::Transaction& tx, std::string_view name);
struct TokenOwner {
  StoredUser user;                      // disabled or not
  std::string session;                  // the temporary keys that bought it, or ""
  std::optional<std::set<Role>> roles;  // where it is worth less than its user
  std::string push_only;
};
// nullopt for an unknown or expired token.
Result<std::optional<TokenOwner>> find_token(db::Transaction& tx, std::string_view secret, Time now);
// What is stored of a secret that is random.
std::string stored_form(std::string_view secret);

}  // namespace pratique::identity
