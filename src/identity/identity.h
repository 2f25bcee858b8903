// Who is asking, what they may do, for how long.
//
// Local users with yescrypt password hashes and roles; bearer tokens; temporary AWS-style keys that push into one
// repository. Not here: what a role may do to a given repository — the callers ask a Principal. Thread-safe.
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
#include "base/result.h"
#include "db/db.h"

namespace pratique::identity {

enum class Role { Submitter, Reviewer, Runner, Admin };
std::string_view to_string(Role role);  // "submitter"
std::optional<Role> parse_role(std::string_view text);

// Somebody who has proved who they are. Only this module makes one.
class Principal {
 public:
  const std::string& name() const { return name_; }
  bool has(Role role) const { return roles_.contains(role); }
  const std::set<Role>& roles() const { return roles_; }
  // The user's own component of repository names: the name escaped so that it is legal, unique and reversible
  // ("ann.b@x.org" → "ann-2eb-40x-2eorg", "Ann" → "u_41nn": see docs/formats/user-repository.md).
  const std::string& repository_component() const { return component_; }
  // Somebody who came with temporary keys may push to this one repository and do nothing else on any route; "" for
  // everybody else. A caller that serves something but that push refuses whoever has one.
  const std::string& push_only() const { return push_only_; }
  const std::string& session() const { return session_; }  // the access key id of those keys; "" for everybody else
  // The same person with less: of `roles` those they have, and no other repository than `push_only` if it is not "".
  Principal narrowed(const std::set<Role>& roles, const std::string& push_only) const;
  bool is_narrowed() const { return is_narrowed_; }  // acts for a person, and is not to be taken for them

 private:
  friend class Identity;
  friend class SessionTable;
  friend Principal make_system_principal();
  Principal(std::string name, std::set<Role> roles);
  std::string name_;
  std::string push_only_;
  std::string session_;
  bool is_narrowed_ = false;
  std::set<Role> roles_;
  std::string component_;
};
// Acts for the program itself (expiry, bootstrap); named "system", holds no role. No user can have that name.
Principal make_system_principal();

// A legal repository component of at most kComponentBytesMax bytes for any name of at most kUserNameBytesMax bytes.
std::string escape_user_name(std::string_view name);
// The name whose escape this is; Invalid for anything that escape_user_name does not give.
Result<std::string> unescape_user_name(std::string_view component);
inline constexpr std::size_t kUserNameBytesMax = 128;
// A repository name has 255 bytes: this leaves 44 for the namespace and its slash.
inline constexpr std::size_t kComponentBytesMax = 210;

// What a registry token asks for, in the distribution token specification's words.
struct Scope {
  std::string repository;         // characters of a repository name; whether it is one, oci::RepositoryName says
  std::set<std::string> actions;  // "pull", "push", "delete"; unknown words are not asked for
};
// "repository:name:pull,push" ("*" asks for all three); nullopt for other resource types and malformed text.
std::optional<Scope> parse_scope(std::string_view text);

struct User {
  std::string name;
  std::set<Role> roles;
  bool is_disabled = false;
  Time created;
};

// Temporary keys sign STS and ECR requests and buy registry passwords: docs/formats/temporary-keys.md.
inline constexpr seconds kSessionLifetimeMin{900};  // the ends of AWS's own range
inline constexpr seconds kSessionLifetimeMax{43'200};
inline constexpr seconds kSessionLifetimeDefault{3'600};
// Whoever signs in to the registry as this has a password that was bought with temporary keys. No user has that name.
inline constexpr std::string_view kRegistryUser = "AWS";

struct SessionRequest {
  std::string user;
  // "nextflow-staging/ann-40x-2eorg": the only one it may push to. "": the account's own keys, which may what the
  // user's present roles may.
  std::string repository;
  seconds lifetime = kSessionLifetimeDefault;
  std::string grant = "";    // the grant it serves, for the journal and for revoking
  std::string by = "";       // who issues it; "": the user
  std::string address = "";  // where they asked from
};

// Shown once; only the access key id can be found again.
struct SessionKeys {
  std::string access_key_id;  // "ASIA" and 16 of A-Z and 2-7
  std::string secret;         // 40 characters of base64
  std::string session_token;  // opaque
  Time issued, expires;
};

enum class SessionState { Valid, Expired, Revoked };

struct Session {
  std::string access_key_id;
  std::string secret;  // for checking a signature; goes nowhere else
  SessionState state = SessionState::Revoked;
  std::optional<Principal> principal;  // only while Valid; push_only() is the repository
  std::string user;
  std::string repository;
  std::string grant;
  Time issued, expires;
  std::string token_hash;

  bool is_token(std::string_view session_token) const;  // in constant time
};

// A change in the life of temporary keys as it is about to be committed.
struct SessionChange {
  std::string_view event;  // "session-issued", "-used", "-password-issued", "-refused", "-expired", "-revoked"
  std::string_view actor;
  std::string_view access_key_id, user, repository, grant;
  std::string_view address, reason;
};

enum class PushStep { Started, Continued, Finished };  // of a push with temporary keys
// A push that straddles expiry: as long again as the default keys live, and no longer idle than a slow client is
// between two layers.
inline constexpr seconds kPushGrace{3'600};
inline constexpr seconds kPushIdleMax{900};

struct Options {
  seconds token_lifetime{900};
  // Wrong tries, each of which also costs yescrypt, counted in memory: a restart forgets. One address that guesses one
  // name is locked out of it for `lockout`; one that guesses many is locked out of all; a name guessed from many is
  // locked for addresses that it never signed in from. Names that do not exist are locked alike.
  int failures_max = 10;
  int address_failures_max = 100;  // a room full of people behind one address mistypes less than this
  int name_addresses_max = 50;
  seconds failure_window{600};
  seconds lockout{60};
  // The keys that secrets are sealed with: created with mode 0600. "": made up, and gone with this object.
  std::string key_file = "";
};

// A change of a user as it is about to be committed: what the journal is told.
struct UserChange {
  std::string_view event;  // "user-added", "user-password-set", "user-roles-set", "user-disabled", "user-enabled"
  std::string_view actor;  // who does it
  const User& user;        // as it is afterwards
};

class Identity {
 public:
  Identity(db::Database& database, const Clock& clock, Options options = {});
  ~Identity();
  static std::span<const db::Migration> migrations();

  // Runs inside the transaction of every change of a user, so that its journal entry commits with it or neither does.
  // Set once, before serving.
  void on_change(std::function<Status(db::Transaction&, const UserChange&)> hook);

  // Creates "admin" with every role when there is no user at all; gives the generated password, once.
  Result<std::optional<std::string>> bootstrap_admin();
  // Conflict when the name exists. Invalid for a name that is empty, over kUserNameBytesMax, no UTF-8, "system" or
  // holds control characters or ":" (HTTP Basic cannot carry it), and for a password under 8 or over 256 bytes or with
  // NUL. `by`, here and below, is who does it; whether they may is the caller's question.
  Status add_user(std::string_view name, std::string_view password, const std::set<Role>& roles,
                  const Principal& by = make_system_principal());
  // These are NotFound for an unknown name. A new password and disabling end the user's tokens. Taking the last enabled
  // administrator away is a Conflict: nobody could undo it.
  Status set_password(std::string_view name, std::string_view password, const Principal& by = make_system_principal());
  Status set_roles(std::string_view name, const std::set<Role>& roles, const Principal& by = make_system_principal());
  Status disable_user(std::string_view name, const Principal& by = make_system_principal());
  Status enable_user(std::string_view name, const Principal& by = make_system_principal());
  Result<std::vector<User>> users();  // by name

  // Other ways to prove who one is, asked for a secret that begins with `prefix`, sent as a bearer token (then without
  // a name) or as a password. "": for passwords that are not the local ones. Set once, before serving.
  using Recogniser = std::function<Result<Principal>(std::string_view name, std::string_view secret)>;
  void add_recogniser(std::string prefix, Recogniser recogniser);
  // For those: the user they recognised. Denied for one who is not there or disabled.
  Result<Principal> vouch_for(std::string_view name);
  // Inside the transaction of every change of temporary keys, like on_change.
  void on_session(std::function<Status(db::Transaction&, const SessionChange&)> hook);

  // Denied for an unknown name, wrong password or disabled user: the same words and the same time for each; Denied with
  // the time to wait while the name is locked. A right password is remembered (hashed, in memory, minutes) so that a
  // client's twenty requests cost one yescrypt.
  // `address` is where the asker is: guesses are counted against it too.
  Result<Principal> authenticate(std::string_view name, std::string_view password, std::string_view address = "");
  // The same counting for credentials that are checked elsewhere, such as signatures: `subject` is the key, or "" to
  // count for the address alone. Limit with the time to wait.
  Status may_try(std::string_view subject, std::string_view address);
  enum class Try { Right, Wrong };
  void note_try(std::string_view subject, std::string_view address, Try outcome);
  // Opaque bearer tokens, stored hashed; checked at the start of a request only, so that a long upload outlives its
  // token.
  struct Token {
    std::string secret;
    Time issued;
    seconds lifetime;
  };
  Result<Token> issue_token(const Principal& principal);  // Denied for a user who is gone or disabled
  // Denied for a token that is unknown, expired or whose user is disabled. Roles are the user's present ones. A token
  // that was bought with temporary keys dies with them.
  Result<Principal> authenticate_token(std::string_view secret);

  // -- temporary keys ------------------------------------------------------------------------------------------------
  // NotFound for an unknown user, Denied for a disabled one, Invalid for a lifetime out of range. The first form joins
  // its caller's transaction.
  Result<SessionKeys> issue_session(db::Transaction& tx, const SessionRequest& request);
  Result<SessionKeys> issue_session(const SessionRequest& request);
  Result<std::optional<Session>> find_session(std::string_view access_key_id);  // nullopt: never issued, or long ago
  // From the next request on. NotFound for unknown keys; for what has ended already it changes nothing.
  Status revoke_session(db::Transaction& tx, std::string_view access_key_id, std::string_view by,
                        std::string_view reason);
  Status revoke_session(std::string_view access_key_id, std::string_view by, std::string_view reason);
  // The password that goes with the registry user "AWS": no colon in it, no life of its own. Denied unless Valid.
  Result<std::string> issue_registry_password(std::string_view access_key_id, std::string_view address);
  struct RegistryLogin {
    SessionState state = SessionState::Revoked;
    std::optional<Principal> principal;  // while Valid, and while Expired for the push that started before
  };
  // Denied for a password that was never issued.
  Result<RegistryLogin> authenticate_registry_password(std::string_view password, std::string_view address = "");
  // Nothing for a principal without temporary keys.
  Status note_push(const Principal& who, PushStep step);
  // Has a push begun with these keys that is not finished and may go on?
  Result<bool> is_push_going_on(db::Transaction& tx, std::string_view access_key_id);
  // A use or refusal for the journal: at most one a minute for the same keys, event and reason.
  Status note_session(std::string_view event, std::string_view access_key_id, std::string_view address,
                      std::string_view reason);
  // Tells the journal of keys that ended since the last call, and forgets those that ended a month ago.
  Result<std::size_t> expire_sessions();
  // Seals every secret anew under a new key, and takes the old ones out of the key file.
  Status rotate_key(const Principal& by);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pratique::identity
