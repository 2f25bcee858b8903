// The table of requests. Every function runs in its caller's transaction. Private to the module.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "grants/grants.h"

namespace pratique::grants {

struct Row {
  std::int64_t number = 0;
  Request request;
};

Status insert(db::Transaction& tx, const Request& request);
Result<Row> load(db::Transaction& tx, const std::string& id);  // NotFound
Result<std::optional<Row>> load_by_link(db::Transaction& tx, std::string_view link_secret);
Result<std::vector<Row>> load_open_of(db::Transaction& tx, std::string_view requester);
Result<std::vector<Row>> load_due(db::Transaction& tx, Time now, std::size_t limit);
Result<std::vector<Row>> load_waiting_for_push(db::Transaction& tx, std::string_view repository);
Result<std::vector<Row>> load_all(db::Transaction& tx, const Grants::Filter& filter);
// Writes everything that changes in a request's life. Conflict when its state is not `from` any more.
Status update(db::Transaction& tx, const Row& row, State from);
Status set_link(db::Transaction& tx, std::int64_t number, std::string_view link_secret);

}  // namespace pratique::grants
