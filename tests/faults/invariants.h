// What must hold of a registry at rest, whatever happened to it.
#pragma once

#include <string>
#include <vector>

#include "db/db.h"
#include "journal/journal.h"
#include "registry/registry.h"
#include "store/store.h"

namespace pratique::faults {

struct Kept {
  db::Database& database;
  store::Store& store;
  journal::Journal& journal;
};

// Sentences about what does not hold; none when all does:
//   - every row of a blob that is not marked as damaged has its bytes, and they hash to its name;
//   - every reference of every manifest is linked in its repository, every child manifest is there;
//   - every tag leads to a manifest of its repository, every manifest has its bytes;
//   - the sums of the quotas are the sums of the links;
//   - the journal's chain holds, and the database's pages and keys do.
std::vector<std::string> violations(const Kept& kept);

// After a collection with nothing in work, besides: every file has its row, no upload and no temporary file is left.
std::vector<std::string> orphans(const Kept& kept, const std::string& directory);

}  // namespace pratique::faults
