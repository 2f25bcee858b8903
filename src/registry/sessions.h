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

// What one request may take up. 0 held: no limit.
struct UploadLimits {
  std::size_t held_by_principal_max = 0;
  std::size_t held_in_namespace_max = 0;
  // Bytes that all uploads of the principal may hold: what is left of the quotas.
  std::uint64_t allowance = UINT64_MAX;
};

class Sessions {
 public:
  // `idle_max`: how long a session nobody asks for is kept.
  Sessions(db::Database& database, store::Store& store, const Clock& clock, Duration idle_max);

  // Busy beyond the limits.
  Result<Upload> start(const std::string& principal, const oci::RepositoryName& repository,
                       const UploadLimits& limits = {});
  // NotFound, Conflict: as Registry::resume_upload; Busy beyond the limits.
  Result<Upload> resume(const std::string& principal, const oci::RepositoryName& repository, const std::string& id,
                        const UploadLimits& limits = {});
  Status cancel(const std::string& principal, const oci::RepositoryName& repository, const std::string& id);
  // Removes sessions idle for too long and bytes that belong to none. Gives how many.
  Result<std::size_t> sweep(bool is_dry_run);

  // Uploads that a request is at.
  std::size_t held_by(const std::string& principal);
  std::size_t held_in(const std::string& space);
  std::size_t held();
  // What the open uploads of a principal hold.
  std::uint64_t bytes_of(const std::string& principal);

  // What an Upload calls back.
  Status record(const std::string& id);  // the session is in the database from here on
  void let_go(const std::string& id);    // not held any more; the bytes stay where they are
  // `size` is what the upload will hold. Denied when that is more than is allowed.
  Status grow(const std::string& id, std::uint64_t size, std::uint64_t allowance);
  Status drop(const std::string& id);  // row and bytes go, or the session is free again
  void forget(const std::string& id);  // the bytes are committed or gone; the row is the caller's
  Status forget_row(db::Transaction& tx, const std::string& id);

 private:
  struct Session {
    std::string principal;
    oci::RepositoryName repository;
    Time touched;
    std::uint64_t size = 0;
    bool is_held = false;
    bool is_recorded = false;
  };
  struct Owner {
    std::set<std::string> ids;
    std::size_t held = 0;
    std::uint64_t bytes = 0;
  };
  struct State {
    std::map<std::string, Session> sessions;
    std::map<std::string, Owner> by_principal;
    std::map<std::string, std::size_t, std::less<>> held_by_namespace;
    std::size_t held = 0;
  };

  static Status within(State& state, const std::string& principal, const oci::RepositoryName& repository,
                       const UploadLimits& limits);
  static void hold(State& state, Session& session);
  static void release(State& state, Session& session);
  static void resize(State& state, Session& session, std::uint64_t size);
  static void erase(State& state, const std::string& id);
  Status make_room(const std::string& principal);
  Status load(const std::string& id);
  Status remove(const std::string& id);
  Result<std::set<std::string>> expired_rows();
  Result<std::set<std::string>> unclaimed();

  db::Database& database_;
  store::Store& store_;
  const Clock& clock_;
  const Duration idle_max_;
  // Held shared while an ingest exists that no session names yet, exclusively for one look at what there is.
  std::shared_mutex birth_;
  Guarded<State> state_;
};

struct Upload::Impl {
  Sessions& sessions;
  std::string id;
  oci::RepositoryName repository;
  std::optional<store::Ingest> ingest;  // empty once finished
  std::uint64_t allowance = UINT64_MAX;
  bool is_doomed = false;  // over its quota: what it holds goes with it
};

}  // namespace pratique::registry
