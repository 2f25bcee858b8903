// Who is asking, what they may do, for how long.
//
// Local users with memory-hard password hashes (yescrypt) and roles; short-lived bearer tokens for registry clients.
// Not here: what a role may do to a given repository — the callers ask a Principal. Thread-safe.
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

 private:
  friend class Identity;
  friend Principal make_system_principal();
  Principal(std::string name, std::set<Role> roles);
  std::string name_;
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

struct Options {
  seconds token_lifetime{900};
  // A password tried wrong this often in a row locks that name for `lockout` (guessing; each try also costs yescrypt).
  // Names that do not exist are locked alike. Counted in memory: a restart forgets.
  int failures_max = 10;
  seconds lockout{60};
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

  // Denied for an unknown name, wrong password or disabled user: the same words and the same time for each; Denied with
  // the time to wait while the name is locked. A right password is remembered (hashed, in memory, minutes) so that a
  // client's twenty requests cost one yescrypt.
  Result<Principal> authenticate(std::string_view name, std::string_view password);
  // Opaque bearer tokens, stored hashed; checked at the start of a request only, so that a long upload outlives its
  // token.
  struct Token {
    std::string secret;
    Time issued;
    seconds lifetime;
  };
  Result<Token> issue_token(const Principal& principal);  // Denied for a user who is gone or disabled
  // Denied for a token that is unknown, expired or whose user is disabled. Roles are the user's present ones.
  Result<Principal> authenticate_token(std::string_view secret);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pratique::identity
