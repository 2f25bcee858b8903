// What a principal and a namespace may take up. Private to the module.
#pragma once

#include <string_view>

#include "registry/registry.h"

namespace pratique::registry {

// Inside the transaction that linked something: Denied, so that it rolls back, when that was too much.
Status within_quota(db::Transaction& tx, const Options& options, const Namespace& space, std::string_view principal);
// Before bytes come: what is left of both quotas; Denied when that is nothing.
Result<std::uint64_t> bytes_left(db::Transaction& tx, const Options& options, const Namespace& space,
                                 std::string_view principal);

}  // namespace pratique::registry
