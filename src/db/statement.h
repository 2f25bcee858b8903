// What is behind a Transaction and its Statements. Private to `db`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "db/connection.h"
#include "db/db.h"

namespace pratique::db {

struct Transaction::Impl {
  Connection& connection;
  Connection::Role role;
  int open_statements = 0;
  std::vector<std::function<void()>> after_commit;
};

struct Statement::Impl {
  Transaction::Impl& transaction;
  std::string sql;
  PreparedStatement statement;
  std::optional<Error> failure;  // of preparing or binding, told by the next step
  int bound = 0;
  bool has_stepped = false;
  bool has_row = false;

  ~Impl();
};

}  // namespace pratique::db
