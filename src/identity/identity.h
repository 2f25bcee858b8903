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
  // The user's own component of repository names: the name escaped byte for byte so that it is legal, unique and
  // reversible ("Ann.B" → "-41nn-2e-42": see docs/formats/user-repository.md).
  const std::string& repository_component() const { return component_; }

 private:
  friend class Identity;
  friend Principal make_system_principal();
  Principal(std::string name, std::set<Role> roles);
  std::string name_;
  std::set<Role> roles_;
  std::string component_;
};
// Acts for the program itself (expiry, bootstrap); named "system", holds no role.
Principal make_system_principal();

std::string escape_user_name(std::string_view name);
Result<std::string> unescape_user_name(std::string_view component);

// What a registry token allows, in the distribution token specification's words.
struct Scope {
  std::string repository;
  std::set<std::string> actions;  // "pull", "push", "delete"
};
// "repository:name:pull,push"; nullopt for other resource types.
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
  int failures_max = 10;
  seconds lockout{60};
};

class Identity {
 public:
  Identity(db::Database& database, const Clock& clock, Options options = {});
  ~Identity();
  static std::span<const db::Migration> migrations();

  // Creates "admin" with every role when there is no user at all; gives the generated password, once.
  Result<std::optional<std::string>> bootstrap_admin();
  // Conflict when the name exists, Invalid for an empty or over-long (128 bytes) name or a password under 8 characters.
  Status add_user(std::string_view name, std::string_view password, const std::set<Role>& roles);
  Status set_password(std::string_view name, std::string_view password);
  Status set_roles(std::string_view name, const std::set<Role>& roles);
  Status disable_user(std::string_view name);
  Status enable_user(std::string_view name);
  Result<std::vector<User>> users();

  // Denied for an unknown name, wrong password or disabled user: the same words and the same time for each. A right
  // password is remembered (hashed, in memory, minutes) so that a client's twenty requests cost one yescrypt.
  Result<Principal> authenticate(std::string_view name, std::string_view password);
  // Opaque bearer tokens, stored hashed; checked at the start of a request only, so that a long upload outlives its token.
  struct Token {
    std::string secret;
    Time issued;
    seconds lifetime;
  };
  Result<Token> issue_token(const Principal& principal);
  Result<Principal> authenticate_token(std::string_view secret);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pratique::identity
