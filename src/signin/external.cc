// People whom an identity provider knows, as local users. Two providers, or a provider and an administrator, may give
// the same name to two people: whoever has it here first keeps it, and nobody signs in as somebody else's account.
#include "base/format.h"
#include "base/random.h"
#include "base/text.h"
#include "signin/signin.h"

namespace pratique::signin {

namespace {

constexpr db::Migration kMigrations[] = {{"signin_external", 1, R"sql(
CREATE TABLE signin_external (
  issuer  TEXT NOT NULL,
  subject TEXT NOT NULL,
  user    TEXT NOT NULL UNIQUE,
  created INTEGER NOT NULL,
  PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
)sql"}};

constexpr std::size_t kSubjectBytesMax = 255;  // OpenID Connect Core section 2
// Nobody knows it: these people sign in with their provider.
constexpr std::size_t kPasswordLength = 40;

}  // namespace

ExternalUsers::ExternalUsers(db::Database& database, identity::Identity& identity, const Clock& clock)
    : database_(database), identity_(identity), clock_(clock) {}

std::span<const db::Migration> ExternalUsers::migrations() {
  return kMigrations;
}

Result<identity::Principal> ExternalUsers::sign_in(const ExternalUser& person) {
  if (person.subject.empty() || person.subject.size() > kSubjectBytesMax)
    return denied("the identity provider's name for this person is missing or too long");
  auto known = TRY(database_.read([&](db::Transaction& tx) -> Result<std::optional<std::string>> {
    auto row = tx.prepare("SELECT user FROM signin_external WHERE issuer = ? AND subject = ?");
    if (!TRY(row.bind(person.issuer).bind(person.subject).next())) return std::optional<std::string>();
    return std::optional(row.text(0));
  }));
  if (known) return identity_.vouch_for(*known);
  // The user first: were the process to end between the two, an unlinked user is one that nobody can sign in as.
  auto added = identity_.add_user(person.name, random_password(kPasswordLength), person.roles);
  if (!added.ok() && added.error().kind() == ErrorKind::Conflict)
    return denied(
        format("there is another account named {}; ask the people who run this gate", printable(person.name)));
  TRY(std::move(added));
  TRY(database_.write([&](db::Transaction& tx) {
    return tx.prepare("INSERT INTO signin_external (issuer, subject, user, created) VALUES (?, ?, ?, ?)")
        .bind(person.issuer)
        .bind(person.subject)
        .bind(person.name)
        .bind(clock_.now())
        .run();
  }));
  return identity_.vouch_for(person.name);
}

}  // namespace pratique::signin
