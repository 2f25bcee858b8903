// What every file of the registry shares. Private to the module.
#pragma once

#include "base/json.h"
#include "registry/claims.h"
#include "registry/registry.h"
#include "registry/sessions.h"

namespace pratique::registry {

struct Registry::Impl {
  Impl(db::Database& database_in, store::Store& store_in, journal::Journal& journal_in, const Clock& clock_in,
       std::vector<Namespace> namespaces_in, Options options_in)
      : database(database_in),
        store(store_in),
        journal(journal_in),
        clock(clock_in),
        namespaces(std::move(namespaces_in)),
        options(options_in),
        sessions(database_in, store_in, clock_in, options_in.uploads_kept) {}

  // Constant once serving.
  db::Database& database;
  store::Store& store;
  journal::Journal& journal;
  const Clock& clock;
  const std::vector<Namespace> namespaces;
  const Options options;
  std::function<Status(db::Transaction&, const StagedImage&)> staged_hook;
  std::function<Result<bool>(db::Transaction&, std::int64_t, Time)> needed_hook;
  std::function<Status()> pressure_hook;

  // Self-synchronised.
  Sessions sessions;
  Claims claims;

  const Namespace* find(std::string_view name) const;
  // The namespace if clients may change it: Denied for an approved one.
  Result<const Namespace*> writable(const oci::RepositoryName& repository) const;
  // Makes the image known to the submission path: row, journal entry, the gate's hook.
  Result<StagedImage> stage(db::Transaction& tx, const identity::Principal& who, const oci::RepositoryName& repository,
                            const oci::Tag& tag, const oci::Digest& digest);
  // Unlinks the bytes unless a row names them (again) or a push is about to; true when they went.
  Result<bool> remove_unnamed(const oci::Digest& blob);
  // Takes a link away, and the blob's row with the last one: then true, and the bytes are for remove_unnamed().
  Result<bool> remove_link(db::Transaction& tx, std::int64_t repository, const std::string& blob);
  // Of a push into staging: Busy while too much waits.
  Status check_pressure(const Namespace& space) const;
  // What a request may upload into `space`; Denied when a quota is used up.
  Result<UploadLimits> upload_limits(const Namespace& space, const std::string& principal);
  // The answer "it is here" is about to be given: whoever gets it may rely on it for a lease. NotFound when it went.
  Status check_undamaged(const oci::RepositoryName& repository, const oci::Digest& blob);
  Status renew(std::string_view sql, std::int64_t repository, const oci::Digest& blob);

  // -- collect.cc, scrub.cc ------------------------------------------------------------------------------------------
  static void next_stage(Collection& run, std::string_view stage);
  Result<bool> is_needed(db::Transaction& tx, const std::string& repository, std::int64_t manifest,
                         const std::string& digest, Time before);
  Status collect_manifests(Collection& run);
  Status collect_manifest(Collection& run, std::int64_t manifest, const std::string& repository, Time before);
  Status condemn_links(Collection& run);
  Status remove_condemned(Collection& run);
  Status collect_files(Collection& run);
  // Marks a blob as damaged and moves its bytes away; false when it is being pushed or went meanwhile.
  Result<bool> set_aside(const oci::Digest& blob, std::uint64_t size, std::string_view why);
};

}  // namespace pratique::registry
