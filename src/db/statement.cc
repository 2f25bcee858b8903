#include "db/statement.h"

#include <limits>

#include "base/format.h"
#include "base/text.h"

namespace pratique::db {

Statement Transaction::prepare(std::string_view sql) {
  std::unique_ptr<Statement::Impl> made(new Statement::Impl{.transaction = impl_, .sql = std::string(sql)});
  ++impl_.open_statements;
  auto statement = impl_.connection.take_statement(sql);
  if (!statement.ok()) {
    made->failure = statement.error();
    return Statement(std::move(made));
  }
  made->statement = std::move(*statement);
  CHECK(impl_.role == Connection::Role::Writer || sqlite3_stmt_readonly(made->statement.get()) != 0,
        format("a statement that writes inside read(): {}", printable(sql)));
  return Statement(std::move(made));
}

Status Transaction::execute(std::string_view sql) {
  return impl_.connection.execute(sql);
}

std::int64_t Transaction::last_insert_id() const {
  return sqlite3_last_insert_rowid(impl_.connection.handle());
}

std::int64_t Transaction::changes() const {
  return sqlite3_changes64(impl_.connection.handle());
}

void Transaction::after_commit(std::function<void()> action) {
  impl_.after_commit.push_back(std::move(action));
}

Statement::Impl::~Impl() {
  --transaction.open_statements;
  if (statement) transaction.connection.give_back(std::move(sql), std::move(statement));
}

Statement::Statement(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Statement::Statement(Statement&&) noexcept = default;
Statement::~Statement() = default;

namespace {

// The index for the next parameter; a bind after a step starts over.
int next_parameter(Statement::Impl& impl) {
  if (impl.has_stepped) {
    sqlite3_reset(impl.statement.get());
    sqlite3_clear_bindings(impl.statement.get());
    impl.has_stepped = false;
    impl.has_row = false;
    impl.bound = 0;
  }
  return ++impl.bound;
}

template <typename F>
void bind_next(Statement::Impl& impl, F&& bind) {
  if (impl.failure) return;
  int code = bind(impl.statement.get(), next_parameter(impl));
  if (code != SQLITE_OK) impl.failure = impl.transaction.connection.error(code, "binding a value");
}

const Statement::Impl& with_row(const std::unique_ptr<Statement::Impl>& impl, int column) {
  CHECK(impl->has_row, "a column is read without a row");
  CHECK(column >= 0 && column < sqlite3_column_count(impl->statement.get()), "no such column");
  return *impl;
}

// SQLite takes a null pointer for NULL; an empty text is not NULL.
const char* data_of(std::string_view text) {
  return text.empty() ? "" : text.data();
}

}  // namespace

Statement& Statement::bind(std::int64_t value) {
  bind_next(*impl_, [&](sqlite3_stmt* statement, int at) { return sqlite3_bind_int64(statement, at, value); });
  return *this;
}

Statement& Statement::bind(std::uint64_t value) {
  if (value <= std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return bind(static_cast<std::int64_t>(value));
  if (!impl_->failure) impl_->failure = over_limit(format("{} is larger than the database can hold", value));
  return *this;
}

Statement& Statement::bind(std::string_view text) {
  bind_next(*impl_, [&](sqlite3_stmt* statement, int at) {
    return sqlite3_bind_text64(statement, at, data_of(text), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  });
  return *this;
}

Statement& Statement::bind(std::nullopt_t) {
  bind_next(*impl_, [](sqlite3_stmt* statement, int at) { return sqlite3_bind_null(statement, at); });
  return *this;
}

Statement& Statement::bind_blob(std::string_view bytes) {
  bind_next(*impl_, [&](sqlite3_stmt* statement, int at) {
    return sqlite3_bind_blob64(statement, at, data_of(bytes), bytes.size(), SQLITE_TRANSIENT);
  });
  return *this;
}

Result<Statement::Step> Statement::step() {
  if (impl_->failure) return *impl_->failure;
  sqlite3_stmt* statement = impl_->statement.get();
  CHECK(impl_->bound == sqlite3_bind_parameter_count(statement), "a parameter was not bound");
  // SQLite would run a finished statement again; a second step after Done is a mistake of ours.
  CHECK(!impl_->has_stepped || impl_->has_row, "step() after Done");
  impl_->has_stepped = true;
  int code = sqlite3_step(statement);
  impl_->has_row = code == SQLITE_ROW;
  if (code == SQLITE_ROW) return Step::Row;
  if (code == SQLITE_DONE) return Step::Done;
  Error error = impl_->transaction.connection.error(code, "running a statement");
  sqlite3_reset(statement);
  return error;
}

Status Statement::run() {
  while (TRY(step()) == Step::Row) {
  }
  return {};
}

Result<bool> Statement::next() {
  return TRY(step()) == Step::Row;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(with_row(impl_, column).statement.get(), column);
}

std::string Statement::text(int column) const {
  sqlite3_stmt* statement = with_row(impl_, column).statement.get();
  // Asked first: it converts numbers to text and so decides the length.
  const void* data = sqlite3_column_type(statement, column) == SQLITE_BLOB
                         ? sqlite3_column_blob(statement, column)
                         : static_cast<const void*>(sqlite3_column_text(statement, column));
  auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
  return data ? std::string(static_cast<const char*>(data), size) : std::string();
}

Time Statement::time(int column) const {
  return Time::from_unix_micros(integer(column));
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(with_row(impl_, column).statement.get(), column) == SQLITE_NULL;
}

std::optional<std::string> Statement::optional_text(int column) const {
  if (is_null(column)) return std::nullopt;
  return text(column);
}

}  // namespace pratique::db
