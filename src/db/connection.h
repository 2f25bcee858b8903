// One SQLite connection, configured, with its prepared statements. Used by one thread at a time; private to `db`.
#pragma once

#include <sqlite3.h>

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "db/db.h"

namespace pratique::db {

struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using PreparedStatement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

class Connection {
 public:
  enum class Role { Writer, Reader };
  // Opens an existing file and configures it; the writer also turns it into a WAL database.
  static Result<std::unique_ptr<Connection>> open(const Options& options, Role role);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  sqlite3* handle() const { return handle_; }
  // A statement out of the cache, or freshly prepared. CHECKs that it compiles.
  Result<PreparedStatement> take_statement(std::string_view sql);
  // Resets it and keeps it for the next take; the least recently used one over the limit is finalized.
  void give_back(std::string sql, PreparedStatement statement);
  // Runs SQL of one or more statements, rows ignored.
  Status execute(std::string_view sql);
  // One statement that is run often and gives no rows: BEGIN, COMMIT.
  Status execute_cached(std::string_view sql);
  // The first column of the first row of a PRAGMA or query; empty text where there is no row.
  Result<std::string> query_text(const std::string& sql);
  bool is_in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

  // The Error for SQLite's result code, with its message. CHECKs for codes that only our misuse can cause.
  Error error(int code, std::string_view doing) const;

 private:
  using Cached = std::list<std::pair<std::string, PreparedStatement>>;
  Connection() = default;
  Status configure(Role role, milliseconds lock_wait);
  Result<PreparedStatement> compile(std::string_view sql, unsigned flags, std::string_view* rest);

  sqlite3* handle_ = nullptr;
  Cached cached_;                                                  // most recently used first
  std::unordered_map<std::string_view, Cached::iterator> by_sql_;  // keys live in cached_
};

}  // namespace pratique::db
