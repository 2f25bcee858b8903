#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <exception>
#include <filesystem>
#include <mutex>
#include <vector>

#include "base/format.h"
#include "db/connection.h"
#include "db/db.h"
#include "db/migrate.h"
#include "db/statement.h"
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

// A write that waits for its turn, or for the thread that does it.
struct Waiting {
  const std::function<Status(Transaction&)>& body;
  Status outcome;
  std::exception_ptr foreign;  // what the body threw: for the thread it belongs to
  std::vector<std::function<void()>> actions;
  bool is_done = false;
};

// How many writes share a commit. More would save next to nothing of the one sync and keep the first of them waiting.
constexpr std::size_t kGroupMax = 32;

}  // namespace

struct Database::Impl {
  const Options options;
  std::unique_ptr<Connection> writer;  // belongs to the leader

  // Group commit. Whoever comes first leads: it takes the whole queue, in order, into one transaction with a savepoint
  // for each, and one commit (and one sync of the disk) makes them all durable. Who comes meanwhile forms the next
  // group.
  std::mutex queue_mutex;
  std::condition_variable turn_came;
  std::deque<Waiting*> queue;  // guarded by queue_mutex
  bool is_led = false;         // guarded by queue_mutex

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

namespace {

// One write of a group: what it did is kept or undone without touching the others'. False when the whole transaction is
// gone (a full disk makes SQLite roll back by itself).
bool do_one(Connection& connection, Waiting& one) {
  Transaction::Impl transaction{.connection = connection, .role = Connection::Role::Writer};
  one.outcome = connection.execute_cached("SAVEPOINT one");
  if (!one.outcome.ok()) return connection.is_in_transaction();
  try {
    Transaction handed(transaction);
    one.outcome = one.body(handed);
  } catch (...) {
    one.foreign = std::current_exception();
    one.outcome = unavailable("the write was given up");
  }
  CHECK(transaction.open_statements == 0, "a statement outlived its transaction");
  if (!connection.is_in_transaction()) return false;
  if (!one.outcome.ok() && !connection.execute_cached("ROLLBACK TO one").ok()) return false;
  if (!connection.execute_cached("RELEASE one").ok()) return false;
  one.actions = std::move(transaction.after_commit);
  return true;
}

Status do_group(Connection& connection, const std::vector<Waiting*>& group) {
  TRY(connection.execute_cached("BEGIN IMMEDIATE"));
  for (auto* one : group) {
    if (!do_one(connection, *one)) return unavailable("the transaction was rolled back: the disk is full or broken");
  }
  return connection.execute_cached("COMMIT").with_context("committing");
}

// Nothing of a group counts unless all of it is durable.
void lead(Connection& connection, const std::vector<Waiting*>& group) {
  if (group.size() == 1) {
    Waiting& one = *group.front();
    Transaction::Impl transaction{.connection = connection, .role = Connection::Role::Writer};
    try {
      one.outcome = Scope(connection).run(transaction, "BEGIN IMMEDIATE", one.body);
    } catch (...) {
      one.foreign = std::current_exception();
    }
    one.actions = std::move(transaction.after_commit);
    return;
  }
  Status committed = do_group(connection, group);
  if (committed.ok()) return;
  // As in Scope: it fails only where the disk does.
  if (connection.is_in_transaction()) (void)connection.execute("ROLLBACK").ok();
  for (auto* one : group)
    if (one->outcome.ok()) one->outcome = committed;
}

}  // namespace

Status Database::run_write(const Body& body, Actions& actions) {
  Nesting nesting(impl_.get());
  Waiting own{.body = body, .outcome = {}, .foreign = {}, .actions = {}};
  {
    std::unique_lock lock(impl_->queue_mutex);
    impl_->queue.push_back(&own);
    impl_->turn_came.wait(lock, [&] { return own.is_done || (!impl_->is_led && impl_->queue.front() == &own); });
    if (!own.is_done) {
      impl_->is_led = true;
      const auto count = std::min(impl_->queue.size(), kGroupMax);
      const auto end = impl_->queue.begin() + static_cast<std::ptrdiff_t>(count);
      const std::vector<Waiting*> group(impl_->queue.begin(), end);
      impl_->queue.erase(impl_->queue.begin(), end);
      lock.unlock();
      lead(*impl_->writer, group);
      lock.lock();
      for (auto* one : group) one->is_done = true;
      impl_->is_led = false;
      impl_->turn_came.notify_all();
    }
  }
  if (own.foreign) std::rethrow_exception(own.foreign);
  if (!own.outcome.ok()) return own.outcome;
  actions = std::move(own.actions);
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
