// The history is the table schema_migration: one row an applied migration, written in the migration's own transaction.
// Foreign keys are not enforced while a migration runs (SQLite's documented way to rebuild a table) but are checked
// before its commit.
#include "db/migrate.h"

#include <map>

#include "base/format.h"
#include "base/text.h"

namespace pratique::db {

namespace {

// "PRTQ": tells file(1), and us, whose database this is.
constexpr int kApplicationId = 0x50525451;

using Versions = std::map<std::string, int, std::less<>>;

Versions known_versions(std::span<const Migration> migrations) {
  Versions known;
  for (const Migration& migration : migrations) {
    int& version = known[std::string(migration.module)];
    CHECK(migration.number == version + 1, "a module's migrations are numbered 1, 2, 3 …");
    version = migration.number;
  }
  return known;
}

Status roll_back(Connection& writer, Error why) {
  // A full disk may already have rolled back; a failure here changes nothing, the next open starts from the last
  // commit.
  if (writer.is_in_transaction()) (void)writer.execute("ROLLBACK").ok();
  return why;
}

template <typename F>
Status in_transaction(Connection& writer, F&& body) {
  TRY(writer.execute("BEGIN IMMEDIATE"));
  if (Status status = body(); !status.ok()) return roll_back(writer, status.error());
  if (Status status = writer.execute("COMMIT"); !status.ok()) return roll_back(writer, status.error());
  return {};
}

Status claim(Connection& writer) {
  return in_transaction(writer, [&]() -> Status {
    std::string id = TRY(writer.query_text("PRAGMA application_id"));
    if (id == format("{}", kApplicationId)) {
      std::string history = TRY(writer.query_text("SELECT 1 FROM sqlite_schema WHERE name = 'schema_migration'"));
      return history.empty() ? Status(corrupt("the schema history is missing")) : Status();
    }
    std::string tables = TRY(writer.query_text("SELECT count(*) FROM sqlite_schema"));
    if (id != "0" || tables != "0") return corrupt("the file is a database of another program");
    TRY(writer.execute(format("PRAGMA application_id = {}", kApplicationId)));
    return writer.execute(
        "CREATE TABLE schema_migration (module TEXT NOT NULL, number INTEGER NOT NULL, applied TEXT NOT NULL,"
        " PRIMARY KEY (module, number)) STRICT, WITHOUT ROWID");
  });
}

Result<Versions> applied_versions(Connection& writer) {
  Versions applied;
  PreparedStatement rows = TRY(
      writer.take_statement("SELECT module, max(number), count(*), min(number) FROM schema_migration GROUP BY module"));
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(rows.get())) == SQLITE_ROW) {
    std::string module = reinterpret_cast<const char*>(sqlite3_column_text(rows.get(), 0));
    int version = sqlite3_column_int(rows.get(), 1);
    if (sqlite3_column_int(rows.get(), 2) != version || sqlite3_column_int(rows.get(), 3) != 1)
      return corrupt(format("the schema history of module {} has holes", printable(module)));
    applied.emplace(std::move(module), version);
  }
  if (code != SQLITE_DONE) return writer.error(code, "reading the schema history");
  return applied;
}

Status refuse_newer(const Versions& applied, const Versions& known) {
  for (const auto& [module, version] : applied) {
    auto found = known.find(module);
    int here = found == known.end() ? 0 : found->second;
    if (version > here)
      return conflict(
          format("the database was written by a newer version of this program (its {} schema is at {}, this "
                 "program knows {}): run that version, or restore a backup made before the upgrade",
                 printable(module), version, here));
  }
  return {};
}

Status apply(Connection& writer, const Migration& migration) {
  return in_transaction(writer, [&]() -> Status {
    // Another process that opened the same file may have been faster; the lock is ours now, so this answer stands.
    std::string done = TRY(writer.query_text(format(
        "SELECT 1 FROM schema_migration WHERE module = '{}' AND number = {}", migration.module, migration.number)));
    if (!done.empty()) return {};
    TRY(writer.execute(migration.sql));
    TRY(writer.execute(format("INSERT INTO schema_migration VALUES ('{}', {}, strftime('%Y-%m-%dT%H:%M:%SZ'))",
                              migration.module, migration.number)));
    std::string dangling = TRY(writer.query_text("PRAGMA foreign_key_check"));
    if (!dangling.empty()) return corrupt(format("rows of table {} refer to rows that do not exist", dangling));
    return {};
  });
}

}  // namespace

Status migrate(Connection& writer, std::span<const Migration> migrations) {
  Versions known = known_versions(migrations);
  TRY(claim(writer));
  Versions applied = TRY(applied_versions(writer));
  TRY(refuse_newer(applied, known));
  for (const Migration& migration : migrations) {
    auto found = applied.find(migration.module);
    if (found != applied.end() && migration.number <= found->second) continue;
    TRY(apply(writer, migration).with_context(format("migrating {} to {}", migration.module, migration.number)));
  }
  return {};
}

}  // namespace pratique::db
