// SQL with transactions you cannot forget. SQLite underneath: WAL, foreign keys on, FULL sync for what is acknowledged.
//
// One writer at a time (write() queues, first come first served; writes that wait at the same time share a commit, and
// with it the disk's one sync), many readers (read() takes a connection from a
// bounded pool and waits when all are out). Not here: what is stored; each module owns its tables and brings its
// migrations. Thread-safe: Database. One thread: Transaction, Statement; neither may outlive the body it was made for.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace pratique::db {

class Statement;

// An open transaction, handed to the body of read() or write().
class Transaction {
 public:
  // Prepared once a connection and cached. CHECKs that the SQL compiles, and that it only reads inside read(): SQL is
  // code. A broken disk shows in the statement's first step.
  Statement prepare(std::string_view sql);
  // For SQL without parameters or rows; several statements are run in order.
  Status execute(std::string_view sql);
  std::int64_t last_insert_id() const;
  std::int64_t changes() const;  // rows changed by the last statement
  // Runs after the commit is durable, in order; never after a rollback. For waking waiters.
  void after_commit(std::function<void()> action);

  struct Impl;
  explicit Transaction(Impl& impl) : impl_(impl) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

 private:
  Impl& impl_;
};

// bind(), then step() until it says Done, or run(). Columns count from 0, parameters are bound in order and all of them
// (CHECKed). A bind() after a step starts the statement anew with its first parameter.
class Statement {
 public:
  Statement(Statement&&) noexcept;
  ~Statement();  // resets; the connection keeps it prepared

  Statement& bind(std::int64_t value);
  Statement& bind(int value) { return bind(static_cast<std::int64_t>(value)); }
  Statement& bind(std::uint64_t value);  // beyond 2^63 - 1: Limit from the next step
  Statement& bind(std::string_view text);
  Statement& bind(const char* text) { return bind(std::string_view(text)); }
  Statement& bind(const std::string& text) { return bind(std::string_view(text)); }
  Statement& bind(Time time) { return bind(time.unix_micros()); }
  Statement& bind(std::nullopt_t);
  template <typename T>
  Statement& bind(const std::optional<T>& value) {
    return value ? bind(*value) : bind(std::nullopt);
  }
  Statement& bind_blob(std::string_view bytes);

  enum class Step { Row, Done };
  // Conflict for a violated constraint (also a trigger's RAISE); Unavailable for a full or broken disk or when another
  // process holds the write lock for too long; Corrupt for a damaged file; Limit for a value over 1 GB.
  Result<Step> step();
  Status run();  // steps to the end
  // The next row, or false.
  Result<bool> next();

  std::int64_t integer(int column) const;
  std::string text(int column) const;  // also blobs
  Time time(int column) const;
  bool is_null(int column) const;
  std::optional<std::string> optional_text(int column) const;

  struct Impl;
  explicit Statement(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

// A step of the schema's history: applied once, in order, each in its own transaction. Never edited once released.
struct Migration {
  std::string_view module;  // each module numbers its own: 1, 2, 3 … (CHECKed)
  int number;
  std::string_view sql;
};

struct Options {
  std::string path;                // a file in an existing directory; created with mode 0600
  std::size_t readers_max = 8;     // connections, each with its own page cache
  milliseconds lock_wait{10'000};  // for another process (a command-line tool beside the server), then Unavailable
};

class Database {
 public:
  // Opens or creates, and migrates. Corrupt when the file is no database or another program's, Conflict when it is
  // newer than this program (a migration or module it does not know).
  static Result<std::unique_ptr<Database>> open(const Options& options, std::span<const Migration> migrations);
  ~Database();

  // Runs `body` in a write transaction: commits when it returns ok, rolls back on an error (which is returned).
  // After ok the change survives a power cut. The body may run on another thread that writes at the same moment. A
  // read() or write() inside either on the same thread CHECKs: it would see an older state, or wait for itself.
  // (after_commit actions run outside and may start their own.)
  template <typename F>
  auto write(F&& body) -> decltype(body(std::declval<Transaction&>())) {
    return in_transaction(Kind::Write, std::forward<F>(body));
  }
  // Runs `body` against one snapshot.
  template <typename F>
  auto read(F&& body) -> decltype(body(std::declval<Transaction&>())) {
    return in_transaction(Kind::Read, std::forward<F>(body));
  }
  // Walks every page and foreign key: minutes for a large file. Corrupt with the first problem.
  Status check_integrity();

 private:
  struct Impl;
  enum class Kind { Read, Write };
  explicit Database(std::unique_ptr<Impl> impl);
  using Body = std::function<Status(Transaction&)>;
  using Actions = std::vector<std::function<void()>>;
  Status run(Kind kind, const Body& body);
  Status run_write(const Body& body, Actions& actions);
  Status run_read(const Body& body, Actions& actions);

  template <typename F>
  auto in_transaction(Kind kind, F&& body) -> decltype(body(std::declval<Transaction&>())) {
    using Outcome = decltype(body(std::declval<Transaction&>()));
    if constexpr (std::is_same_v<Outcome, Status>) {
      return run(kind, std::ref(body));
    } else {
      std::optional<Outcome> outcome;
      Status status = run(kind, [&](Transaction& tx) -> Status {
        outcome.emplace(body(tx));
        return outcome->ok() ? Status() : Status(outcome->error());
      });
      if (!status.ok()) return status.error();
      return std::move(*outcome);
    }
  }
  std::unique_ptr<Impl> impl_;
};

}  // namespace pratique::db
