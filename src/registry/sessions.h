// Upload sessions between requests. Private to the module.
//
//   free ──resume──> held by one Upload ──dropped──> free
//
// Who may go on with which upload is here; the bytes and where they stopped are the store's, under the same id. A
// session is in memory from its start and in the database from its first checkpoint. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>

#include "base/clock.h"
#include "base/guarded.h"
#include "registry/registry.h"

namespace pratique::registry {

// Clients open at most ten uploads at once; some leave a session behind for every mount that could not be done.
inline constexpr std::size_t kSessionsPerPrincipalMax = 256;
// No client resumes a push at all today; a week covers a person who comes back after a weekend.
inline constexpr days kSessionIdleMax{7};

class Sessions {
 public:
  Sessions(db::Database& database, store::Store& store, const Clock& clock);

  Result<Upload> start(const std::string& principal, const oci::RepositoryName& repository);
  // NotFound, Conflict: as Registry::resume_upload.
  Result<Upload> resume(const std::string& principal, const oci::RepositoryName& repository, const std::string& id);
  Status cancel(const std::string& principal, const oci::RepositoryName& repository, const std::string& id);
  // Removes sessions idle for too long and bytes that belong to none. Gives how many.
  Result<std::size_t> sweep();

  // What an Upload calls back.
  Status record(const std::string& id);  // the session is in the database from here on
  void let_go(const std::string& id);    // not held any more; the bytes stay where they are
  void forget(const std::string& id);    // the bytes are committed or gone; the row is the caller's
  Status forget_row(db::Transaction& tx, const std::string& id);

 private:
  struct Session {
    std::string principal;
    oci::RepositoryName repository;
    Time touched;
    bool is_held = true;
    bool is_recorded = false;
  };
  struct State {
    std::map<std::string, Session> sessions;
    std::map<std::string, std::set<std::string>> by_principal;
  };

  static void erase(State& state, const std::string& id);
  Status make_room(const std::string& principal);
  Status load(const std::string& id);
  Status drop(const std::string& id);
  Status remove(const std::string& id);
  Result<std::set<std::string>> expired_rows();

  db::Database& database_;
  store::Store& store_;
  const Clock& clock_;
  // Held shared while an ingest exists that no session names yet, exclusively while sweeping.
  std::shared_mutex birth_;
  Guarded<State> state_;
};

struct Upload::Impl {
  Sessions& sessions;
  std::string id;
  oci::RepositoryName repository;
  std::optional<store::Ingest> ingest;  // empty once finished
};

}  // namespace pratique::registry
