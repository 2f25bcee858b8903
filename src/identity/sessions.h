// The table of temporary keys. Every function runs in its caller's transaction. Private to `identity`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/db.h"
#include "identity/identity.h"

namespace pratique::identity {

struct StoredSession {
  std::string access_key_id;
  std::string user;
  bool is_user_disabled = false;
  std::set<Role> roles = {};  // the user's, now
  std::string repository;
  std::string grant;
  std::string sealed_secret;
  std::string token_hash;
  Time issued;
  Time expires;
  bool is_revoked = false;
  std::optional<Time> push_started;
  std::optional<Time> push_seen;

  SessionState state(Time now) const;
  // A push that began before the keys expired, is not finished and has not gone quiet.
  bool is_finishing(Time now) const;
};

class SessionTable {
 public:
  explicit SessionTable(db::Transaction& tx) : tx_(tx) {}

  Status insert(const StoredSession& session, std::int64_t user_id);
  Result<std::optional<StoredSession>> find(std::string_view access_key_id);
  Status revoke(std::string_view access_key_id, Time now);
  Status revoke_all_of(std::string_view user, Time now);
  Status reseal(std::string_view access_key_id, std::string_view sealed_secret);
  Result<std::vector<StoredSession>> all();

  Status insert_password(std::string_view access_key_id, std::string_view password, Time now);
  Result<std::optional<StoredSession>> find_by_password(std::string_view password);

  Status set_push(std::string_view access_key_id, std::optional<Time> started, std::optional<Time> seen);

  Result<std::vector<StoredSession>> ended_untold(Time now, std::size_t limit);
  Status mark_told(std::string_view access_key_id);
  Status forget_before(Time expired);

  // Who these keys are: somebody who may push to their repository while the keys are Valid; nullopt otherwise.
  static std::optional<Principal> principal(const StoredSession& session, Time now);
  // The same, and also while Expired for the push that goes on.
  static std::optional<Principal> pusher(const StoredSession& session, Time now);

 private:
  db::Transaction& tx_;
};

}  // namespace pratique::identity
