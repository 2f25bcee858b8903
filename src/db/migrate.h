// Brings a database from whatever version it has to the program's. Private to `db`.
#pragma once

#include <span>

#include "db/connection.h"
#include "db/db.h"

namespace pratique::db {

// Corrupt for another program's database or a history with holes; Conflict for one that is newer than `migrations`.
Status migrate(Connection& writer, std::span<const Migration> migrations);

}  // namespace pratique::db
