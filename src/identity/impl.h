// What the files of Identity share. Private to `identity`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "identity/attempts.h"
#include "identity/identity.h"
#include "identity/keys.h"
#include "identity/password.h"
#include "identity/users.h"

namespace pratique::identity {

// One sentence for every way to fail, so that nobody learns which names exist.
inline Error wrong_credentials() {
  return denied("unknown user name or wrong password");
}

struct Identity::Impl {
  db::Database& database;
  const Clock& clock;
  const Options options;
  PasswordHasher hasher;
  Lockout lockout;
  VerifiedPasswords verified;
  std::function<Status(db::Transaction&, const UserChange&)> on_change;      // constant once serving
  std::function<Status(db::Transaction&, const SessionChange&)> on_session;  // the same
  Guarded<std::optional<KeyRing>> keys;                                      // read when first needed
  Guarded<std::map<std::string, Time>> noted;  // entries the journal has had within the minute

  struct Recognition {
    std::string prefix;
    Recogniser recognise;
  };
  std::vector<Recognition> recognisers;  // constant once serving
  // Who has proved it another way; nullopt where none of those has a say about such a secret.
  std::optional<Result<Principal>> recognise(std::string_view name, std::string_view secret);
  Result<std::optional<Principal>> recognise_or_check(std::string_view name, std::string_view password);

  // The right user or nullopt; costs one yescrypt unless the password was right a moment ago.
  std::optional<StoredUser> check(const std::optional<StoredUser>& user, std::string_view name,
                                  std::string_view password);
  // Reads a user, lets `edit` change it, writes it back with the new password if there is one.
  struct Change {
    std::string_view event;
    const Principal& by;
    std::function<void(User&)> edit;
    std::optional<std::string> hash = {};
  };
  Status change(std::string_view name, const Change& change);
  Status tell(db::Transaction& tx, const UserChange& change) { return on_change ? on_change(tx, change) : Status(); }
  Status tell(db::Transaction& tx, const SessionChange& change) {
    return on_session ? on_session(tx, change) : Status();
  }

  Result<std::string> seal(std::string_view secret, std::string_view label);
  Result<std::string> unseal(std::string_view sealed, std::string_view label);
  // False when the journal has had this within the last minute.
  bool is_worth_noting(const std::string& what);
};

}  // namespace pratique::identity
