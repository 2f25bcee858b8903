// Where the advisory database of this machine is, and opening it.
#pragma once

#include <memory>
#include <string>

#include "advisory/advisory.h"
#include "cli/arguments.h"

namespace pratique::cli {

// --db, else $PRATIQUE_DB, else advisories.db in the data directory.
std::string advisory_path(const Arguments& arguments);
// That file; the starter set (with a note on standard error) when there is none. Corrupt when it is damaged.
Result<std::unique_ptr<advisory::Database>> open_advisories(const Arguments& arguments);
std::string describe_database(const advisory::DatabaseInfo& info, Time now);

}  // namespace pratique::cli
