// The few questions and steps that every part of the registry takes inside its transaction. Private to the module.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "db/db.h"
#include "oci/oci.h"

namespace pratique::registry {

// NotFound("repository …") for a repository that never took anything in.
Result<std::int64_t> repository_row(db::Transaction& tx, const oci::RepositoryName& repository);
Result<std::int64_t> ensure_repository(db::Transaction& tx, const oci::RepositoryName& repository, Time now);

// Size of a blob that is linked in the repository; nullopt where it is not.
Result<std::optional<std::uint64_t>> linked_size(db::Transaction& tx, std::int64_t repository, const oci::Digest& blob);
Result<std::optional<std::uint64_t>> possessed_size(db::Transaction& tx, std::string_view principal,
                                                    const oci::Digest& blob);
// `owner`: who is charged for it; nobody when empty. Linked again, it is as new for the collector.
Status link_blob(db::Transaction& tx, std::int64_t repository, const oci::Digest& blob, Time now,
                 std::string_view owner);
Status record_possession(db::Transaction& tx, std::string_view principal, const oci::Digest& blob);

struct ManifestRow {
  std::int64_t id = 0;
  oci::Digest digest;
  std::string media_type;
  std::uint64_t size = 0;
};
// NotFound("manifest … ") with the reference as asked.
Result<ManifestRow> manifest_row(db::Transaction& tx, std::int64_t repository, const oci::ManifestReference& reference);
Result<std::string> manifest_bytes(db::Transaction& tx, const oci::Digest& digest);
// A manifest's bytes go with the last repository that knows it.
Status drop_unused_content(db::Transaction& tx, const std::string& digest);
Status set_tag(db::Transaction& tx, std::int64_t repository, const oci::Tag& tag, std::int64_t manifest, Time now);

// A digest read back from our own table: Corrupt when it no longer parses.
Result<oci::Digest> stored_digest(std::string_view text);

}  // namespace pratique::registry
