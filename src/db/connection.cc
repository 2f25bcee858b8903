#include "db/connection.h"

#include "base/format.h"
#include "base/text.h"

namespace pratique::db {

namespace {

// The whole program has some 200 distinct statements; SQL that is put together at run time must not grow memory.
constexpr std::size_t kCachedStatementsMax = 256;

// mmap stays modest: a mapped page that the disk cannot deliver is a SIGBUS, and the hot part of the state is small.
// recursive_triggers: without it an INSERT OR REPLACE would delete rows past the triggers that forbid deleting.
// trusted_schema and cell_size_check: a file that somebody edited must not run functions or overrun pages.
constexpr std::string_view kPragmas =
    "PRAGMA synchronous = FULL;"
    "PRAGMA recursive_triggers = ON;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA cache_size = -8192;"
    "PRAGMA mmap_size = 67108864;"
    "PRAGMA journal_size_limit = 67108864;";

ErrorKind kind_of(int code) {
  switch (code & 0xFF) {
    case SQLITE_CONSTRAINT:
      return ErrorKind::Conflict;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorKind::Corrupt;
    case SQLITE_TOOBIG:
      return ErrorKind::Limit;
    default:
      return ErrorKind::Unavailable;
  }
}

// Codes that say that the SQL itself is wrong.
bool is_our_bug(int code) {
  int primary = code & 0xFF;
  return primary == SQLITE_ERROR || primary == SQLITE_AUTH || primary == SQLITE_MISUSE || primary == SQLITE_RANGE;
}

}  // namespace

Result<std::unique_ptr<Connection>> Connection::open(const Options& options, Role role) {
  const std::string& path = options.path;
  std::unique_ptr<Connection> connection(new Connection);
  // NOMUTEX: a connection is used by one thread at a time. EXRESCODE: what exactly failed on the disk is worth telling.
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE;
  int code = sqlite3_open_v2(path.c_str(), &connection->handle_, kFlags, nullptr);
  if (code != SQLITE_OK) return connection->error(code, "opening the database " + path);
  TRY(connection->configure(role, options.lock_wait).with_context("opening the database " + path));
  return connection;
}

Connection::~Connection() {
  by_sql_.clear();
  cached_.clear();
  int code = sqlite3_close(handle_);
  CHECK(code == SQLITE_OK, "a statement outlived its connection");
}

Status Connection::configure(Role role, milliseconds lock_wait) {
  sqlite3_busy_timeout(handle_, static_cast<int>(lock_wait.count()));
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  TRY(execute(kPragmas));
  if (role == Role::Reader) return execute("PRAGMA foreign_keys = ON; PRAGMA query_only = ON;");
  std::string mode = TRY(query_text("PRAGMA journal_mode = WAL"));
  if (mode != "wal")
    return unavailable(format("the file system does not support write-ahead logging (journal mode {})", mode));
  return {};
}

Result<PreparedStatement> Connection::compile(std::string_view sql, unsigned flags, std::string_view* rest) {
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), flags, &statement, &tail);
  CHECK(!is_our_bug(code), format("{}: {}", sqlite3_errmsg(handle_), printable(sql)));
  if (code != SQLITE_OK) return error(code, "preparing a statement");
  *rest = sql.substr(static_cast<std::size_t>(tail - sql.data()));
  return PreparedStatement(statement);
}

Result<PreparedStatement> Connection::take_statement(std::string_view sql) {
  if (auto found = by_sql_.find(sql); found != by_sql_.end()) {
    Cached::iterator entry = found->second;
    PreparedStatement statement = std::move(entry->second);
    by_sql_.erase(found);
    cached_.erase(entry);
    return statement;
  }
  std::string_view rest;
  PreparedStatement statement = TRY(compile(sql, SQLITE_PREPARE_PERSISTENT, &rest));
  CHECK(statement && trim(rest).empty(), "prepare() takes exactly one statement");
  return statement;
}

void Connection::give_back(std::string sql, PreparedStatement statement) {
  sqlite3_reset(statement.get());
  // Bound values may be secrets or large; neither should stay.
  sqlite3_clear_bindings(statement.get());
  if (by_sql_.contains(sql)) return;
  cached_.emplace_front(std::move(sql), std::move(statement));
  by_sql_.emplace(cached_.front().first, cached_.begin());
  if (cached_.size() <= kCachedStatementsMax) return;
  by_sql_.erase(cached_.back().first);
  cached_.pop_back();
}

Status Connection::execute(std::string_view sql) {
  while (!trim(sql).empty()) {
    PreparedStatement statement = TRY(compile(sql, 0, &sql));
    if (!statement) continue;  // a comment
    int code = SQLITE_ROW;
    while (code == SQLITE_ROW) code = sqlite3_step(statement.get());
    if (code != SQLITE_DONE) return error(code, "running a statement");
  }
  return {};
}

Status Connection::execute_cached(std::string_view sql) {
  PreparedStatement statement = TRY(take_statement(sql));
  int code = sqlite3_step(statement.get());
  Status status = code == SQLITE_DONE ? Status() : Status(error(code, "running a statement"));
  give_back(std::string(sql), std::move(statement));
  return status;
}

Result<std::string> Connection::query_text(const std::string& sql) {
  std::string_view rest;
  PreparedStatement statement = TRY(compile(sql, 0, &rest));
  int code = sqlite3_step(statement.get());
  if (code == SQLITE_DONE) return std::string();
  if (code != SQLITE_ROW) return error(code, "running a query");
  const unsigned char* text = sqlite3_column_text(statement.get(), 0);
  return std::string(text ? reinterpret_cast<const char*>(text) : "");
}

Error Connection::error(int code, std::string_view doing) const {
  CHECK((code & 0xFF) != SQLITE_MISUSE && (code & 0xFF) != SQLITE_RANGE, sqlite3_errmsg(handle_));
  std::string detail = handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  if ((code & 0xFF) == SQLITE_FULL) detail = "the disk is full";
  if ((code & 0xFF) == SQLITE_BUSY) detail = "another program holds the database's write lock";
  if ((code & 0xFF) == SQLITE_IOERR) detail = format("{} (SQLite code {})", detail, code);
  return Error(kind_of(code), format("{}: {}", doing, detail));
}

}  // namespace pratique::db
