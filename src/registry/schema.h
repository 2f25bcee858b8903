// The registry's tables. Private to the module.
#pragma once

#include <span>

#include "db/db.h"

namespace pratique::registry {

// manifest_references.kind
inline constexpr int kReferenceBlob = 0;   // config or layer
inline constexpr int kReferenceChild = 1;  // manifest of an index

std::span<const db::Migration> schema_migrations();

}  // namespace pratique::registry
