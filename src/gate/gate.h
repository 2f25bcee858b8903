// The life of an image: staged → scanned → approved | waiting | rejected, and what may follow. The only module that
// knows what comes next, and the only author of admission.
//
//   staged ─scan→ scanned ─decide→ approved | waiting | rejected
//   waiting ─reviewer→ approved | rejected        rejected ─waiver→ approved
//   approved ─30 days→ expired                    approved ─later decision→ revoked
//   any ─new push of the tag→ superseded
//
// Every arrow is one transaction with its journal entry; a crash anywhere resumes at the last commit. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "db/db.h"
#include "identity/identity.h"
#include "journal/journal.h"
#include "oci/oci.h"
#include "policy/policy.h"
#include "registry/registry.h"
#include "scan/scan.h"

namespace pratique::gate {

enum class State { Staged, Scanned, Approved, Waiting, Rejected, Expired, Revoked, Superseded };
std::string_view to_string(State state);  // "waiting"

// The right to read one image's bytes from an approved repository, or to run it. Bound to a digest, never to a tag.
class AdmittedImage {
 public:
  const oci::RepositoryName& repository() const { return repository_; }
  const oci::Digest& digest() const { return digest_; }
  Time expires() const { return expires_; }

 private:
  friend class Gate;
  friend Result<AdmittedImage> admission_from_json(const Json& json, const Clock& clock);
  AdmittedImage(oci::RepositoryName repository, oci::Digest digest, Time expires)
      : repository_(std::move(repository)), digest_(std::move(digest)), expires_(expires) {}
  oci::RepositoryName repository_;
  oci::Digest digest_;
  Time expires_;
};
// A gate's own answer to "may this run?", read back on another machine. Denied when it has expired.
Json admission_to_json(const AdmittedImage& image);
Result<AdmittedImage> admission_from_json(const Json& json, const Clock& clock);

// What a person sees of one submission.
struct Submission {
  std::string id;  // 12 hex digits; in every address and message
  State state = State::Staged;
  std::string submitter;
  oci::RepositoryName repository;
  oci::Tag tag;
  oci::Digest digest;
  std::optional<policy::Decision> decision;
  std::optional<oci::RepositoryName> approved_repository;
  Time staged;
  std::optional<Time> decided;
  std::optional<Time> expires;
  std::string reviewer;       // who decided, where a person did
  std::string note;           // what they said
  std::map<vuln::Severity, std::size_t> counts;
};

struct Options {
  policy::Policy policy;
  // How long a manifest PUT waits for its verdict. Clients have no time-out here (measured: 100 s is fine).
  std::chrono::milliseconds verdict_wait{60'000};
  std::string scratch;  // unused space for scans
};

class Gate {
 public:
  // `database` is asked for anew at each scan, so an update takes effect without a restart.
  using DatabaseProvider = std::function<std::shared_ptr<const advisory::Database>()>;
  Gate(db::Database& database, registry::Registry& registry, store::Store& store, journal::Journal& journal,
       scan::Cataloguer& cataloguer, scan::InventoryStore& inventories, DatabaseProvider advisories, const Clock& clock, Options options);
  ~Gate();  // stops its workers; unfinished work resumes at the next start
  static std::span<const db::Migration> migrations();
  // Takes up what a crash or stop left unfinished. Called once, before serving.
  Status resume();

  // -- the pusher ------------------------------------------------------------------------------------------------
  // Waits for the verdict of an image just staged, up to `wait`; the state then may still be Staged.
  Result<Submission> await_verdict(const registry::StagedImage& image, std::chrono::milliseconds wait);
  // The reference a person types to use it, once approved: "<approved>/<user>:<tag>".

  // -- people ------------------------------------------------------------------------------------------------------
  Result<Submission> submission(const std::string& id);
  struct Filter {
    std::optional<State> state;
    std::optional<std::string> submitter;
    std::size_t limit = 100;
  };
  Result<std::vector<Submission>> submissions(const Filter& filter);
  Result<scan::ScanReport> report(const std::string& id);
  // Denied unless `who` is a reviewer; Conflict unless the state allows it; Invalid without a note for a rejection.
  Result<Submission> approve(const identity::Principal& who, const std::string& id, const std::string& note);
  Result<Submission> reject(const identity::Principal& who, const std::string& id, const std::string& note);
  // Adds a waiver and decides again every waiting or rejected image it may concern.
  Result<std::string> waive(const identity::Principal& who, policy::Waiver waiver);
  Result<std::vector<policy::Waiver>> waivers();

  // -- pulling and running -------------------------------------------------------------------------------------------
  // Refused with the reason and what to do when it has expired, was revoked or never approved; NotFound for strangers.
  Result<AdmittedImage> admit(const oci::RepositoryName& repository, const oci::ManifestReference& reference);
  // May this blob or child manifest be read from this approved repository now?
  Result<AdmittedImage> admit_part(const oci::RepositoryName& repository, const oci::Digest& part);

  // -- time ----------------------------------------------------------------------------------------------------------
  // Moves approvals whose time is over to expired. Gives how many. Called by the daemon's timer.
  Result<std::size_t> expire_due();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pratique::gate
