// What every file of the registry shares. Private to the module.
#pragma once

#include <shared_mutex>

#include "base/json.h"
#include "registry/registry.h"
#include "registry/sessions.h"

namespace pratique::registry {

struct Registry::Impl {
  Impl(db::Database& database_in, store::Store& store_in, journal::Journal& journal_in, const Clock& clock_in,
       std::vector<Namespace> namespaces_in)
      : database(database_in),
        store(store_in),
        journal(journal_in),
        clock(clock_in),
        namespaces(std::move(namespaces_in)),
        sessions(database_in, store_in, clock_in) {}

  // Constant once serving.
  db::Database& database;
  store::Store& store;
  journal::Journal& journal;
  const Clock& clock;
  const std::vector<Namespace> namespaces;
  std::function<Status(db::Transaction&, const StagedImage&)> staged_hook;

  // Self-synchronised.
  Sessions sessions;
  // Held shared from a blob's rename in the store to the commit of its row, exclusively from the question "does a row
  // name it?" to its unlink. Without it a delete could take bytes that a finishing upload is about to name.
  std::shared_mutex removal;

  const Namespace* find(std::string_view name) const;
  // The namespace if clients may change it: Denied for an approved one.
  Result<const Namespace*> writable(const oci::RepositoryName& repository) const;
  // Makes the image known to the submission path: row, journal entry, the gate's hook.
  Result<StagedImage> stage(db::Transaction& tx, const identity::Principal& who, const oci::RepositoryName& repository,
                            const oci::Tag& tag, const oci::Digest& digest);
  // Unlinks the bytes unless a row names them (again).
  Status remove_unnamed(const oci::Digest& blob);
};

}  // namespace pratique::registry
