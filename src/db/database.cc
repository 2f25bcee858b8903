#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <vector>

#include "base/format.h"
#include "db/connection.h"
#include "db/db.h"
#include "db/migrate.h"
#include "db/statement.h"
#include "db/turn.h"
#include "os/file.h"

namespace pratique::db {

namespace {

// Databases this thread has a transaction open in. A second one in the same database is refused (see write()).
thread_local std::vector<const void*> open_here;

class Nesting {
 public:
  explicit Nesting(const void* database) {
    CHECK(std::find(open_here.begin(), open_here.end(), database) == open_here.end(),
          "a transaction inside a transaction of the same thread");
    open_here.push_back(database);
  }
  ~Nesting() { open_here.pop_back(); }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;
};

// The file holds password hashes: nobody else may read it. SQLite gives its side files the same mode.
Status create_private_file(const std::string& path) {
  // O_EXCL also keeps us from closing a file that this process has open through SQLite, which would drop its locks.
  int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return errno == EEXIST ? Status() : from_errno("creating the database " + path, errno);
  ::close(fd);
  std::string parent = std::filesystem::path(path).parent_path().string();
  return os::sync_directory(parent.empty() ? "." : parent);
}

}  // namespace

struct Database::Impl {
  const Options options;
  Turn turn;
  std::unique_ptr<Connection> writer;  // belongs to whoever has the turn

  std::mutex mutex;
  std::condition_variable reader_returned;
  std::vector<std::unique_ptr<Connection>> idle_readers;  // guarded by mutex
  std::size_t readers_out = 0;                            // guarded by mutex

  Result<std::unique_ptr<Connection>> take_reader();
  void give_back_reader(std::unique_ptr<Connection> reader);
};

Result<std::unique_ptr<Connection>> Database::Impl::take_reader() {
  {
    std::unique_lock lock(mutex);
    reader_returned.wait(lock, [&] { return readers_out < options.readers_max; });
    ++readers_out;
    if (!idle_readers.empty()) {
      auto reader = std::move(idle_readers.back());
      idle_readers.pop_back();
      return reader;
    }
  }
  auto opened = Connection::open(options, Connection::Role::Reader);
  if (!opened.ok()) give_back_reader(nullptr);
  return opened;
}

void Database::Impl::give_back_reader(std::unique_ptr<Connection> reader) {
  {
    std::lock_guard lock(mutex);
    --readers_out;
    if (reader) idle_readers.push_back(std::move(reader));
  }
  reader_returned.notify_one();
}

namespace {

// BEGIN, the body, COMMIT; a rollback on every other way out, a foreign exception included.
class Scope {
 public:
  explicit Scope(Connection& connection) : connection_(connection) {}
  ~Scope() {
    // It fails only where the disk does, and then SQLite has rolled back already or will at the next open.
    if (connection_.is_in_transaction()) (void)connection_.execute("ROLLBACK").ok();
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  Status run(Transaction::Impl& impl, std::string_view begin, const std::function<Status(Transaction&)>& body) {
    TRY(connection_.execute_cached(begin));
    Transaction transaction(impl);
    Status status = body(transaction);
    CHECK(impl.open_statements == 0, "a statement outlived its transaction");
    if (!status.ok()) return status;
    // After a full disk SQLite may have rolled everything back by itself; a body that overlooked the error must not
    // make that look like success.
    if (!connection_.is_in_transaction())
      return unavailable("the transaction was rolled back: the disk is full or broken");
    return connection_.execute_cached("COMMIT").with_context("committing");
  }

 private:
  Connection& connection_;
};

}  // namespace

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const Options& options, std::span<const Migration> migrations) {
  CHECK(options.readers_max > 0);
  TRY(create_private_file(options.path));
  std::unique_ptr<Impl> impl(new Impl{.options = options});
  impl->writer = TRY(Connection::open(options, Connection::Role::Writer));
  TRY(migrate(*impl->writer, migrations).with_context("opening the database " + options.path));
  TRY(impl->writer->execute("PRAGMA foreign_keys = ON"));
  return std::unique_ptr<Database>(new Database(std::move(impl)));
}

Status Database::run(Kind kind, const Body& body) {
  Actions actions;
  Status status = kind == Kind::Write ? run_write(body, actions) : run_read(body, actions);
  if (status.ok())
    for (const auto& action : actions) action();
  return status;
}

Status Database::run_write(const Body& body, Actions& actions) {
  Nesting nesting(impl_.get());
  struct Holder {
    Turn& turn;
    explicit Holder(Turn& held) : turn(held) { turn.take(); }
    ~Holder() { turn.give_back(); }
  } holder(impl_->turn);
  Transaction::Impl transaction{.connection = *impl_->writer, .role = Connection::Role::Writer};
  TRY(Scope(*impl_->writer).run(transaction, "BEGIN IMMEDIATE", body));
  actions = std::move(transaction.after_commit);
  return {};
}

Status Database::run_read(const Body& body, Actions& actions) {
  Nesting nesting(impl_.get());
  auto reader = TRY(impl_->take_reader());
  struct Holder {
    Impl& impl;
    std::unique_ptr<Connection> connection;
    ~Holder() { impl.give_back_reader(std::move(connection)); }
  } holder{*impl_, std::move(reader)};
  Transaction::Impl transaction{.connection = *holder.connection, .role = Connection::Role::Reader};
  TRY(Scope(*holder.connection).run(transaction, "BEGIN DEFERRED", body));
  actions = std::move(transaction.after_commit);
  return {};
}

Status Database::check_integrity() {
  return read([&](Transaction& tx) -> Status {
    Statement pages = tx.prepare("PRAGMA integrity_check(1)");
    if (!TRY(pages.next())) return corrupt("the integrity check gave no answer");
    if (pages.text(0) != "ok") return corrupt("the database is damaged: " + pages.text(0));
    Statement keys = tx.prepare("PRAGMA foreign_key_check");
    if (TRY(keys.next())) return corrupt(format("a row of table {} refers to a row that does not exist", keys.text(0)));
    return {};
  });
}

}  // namespace pratique::db
