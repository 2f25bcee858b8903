// The life of an image: staged → scanned → approved | waiting | rejected, and what may follow. The only module that
// knows what comes next, and the only author of admission.
//
//   staged ─scan→ scanned ─decide→ approved | waiting | rejected
//   waiting ─reviewer→ approved | rejected        rejected ─waiver→ approved | waiting
//   waiting ─decided again→ approved | waiting | rejected
//   approved ─30 days→ expired                    approved ─later decision→ revoked
//   staged, scanned, waiting, rejected ─new push of the tag→ superseded
//   approved ─approval of a newer push of the tag→ superseded (its digest stays admitted until its own time is over,
//                                                  so that a pipeline pinned to it does not break in mid-run)
//
// Every arrow is one transaction with its journal entry; a crash anywhere resumes at the last commit. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "bases/bases.h"
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
std::optional<State> parse_state(std::string_view text);

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
Json admission_to_json(const AdmittedImage& image);  // {"repository","digest","expires"}
Result<AdmittedImage> admission_from_json(const Json& json, const Clock& clock);

// What a policy is told of one image's report, for judging where no gate is at hand; name and waivers are the caller's.
policy::Facts facts_of(const scan::ScanReport& report, Time now);

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
  std::string reviewer;                 // who decided, where a person did
  std::string note;                     // what they said
  std::vector<std::string> conditions;  // under which they approved
  std::map<vuln::Severity, std::size_t> counts;

  // The reference a person types to use it, without the host: "nextflow-approved/ann:1.0"; "" unless it is approved.
  std::string approved_reference() const;
};

struct Options {
  policy::Policy policy;
  // How long a manifest PUT waits for its verdict. Clients have no time-out here (measured: 100 s is fine).
  std::chrono::milliseconds verdict_wait{60'000};
  // Scans at once. A scan is mostly one look-up a package; a second one keeps a huge image from blocking a small one.
  // 0: nothing is judged, everything stays where it is.
  std::size_t workers = 2;
  // Pushes into staging are told to come back later while so many images wait for their verdict: some minutes of work.
  std::size_t waiting_max = 1'000;
  // The registered base images. Borrowed; nullptr: none are kept here, and no image has to prove its own.
  bases::Bases* bases = nullptr;
  // Whoever else must know of a new image in the transaction in which it arrives.
  std::function<Status(db::Transaction&, const registry::StagedImage&)> when_staged = {};
};

// On what a reviewer approves.
struct Terms {
  std::string note;
  std::vector<std::string> conditions;  // sentences; who runs it reads them
  std::optional<days> lifetime;         // at most the policy's
};

// What another policy would do to one image.
struct PolicyChange {
  Submission submission;
  policy::Decision now, then;
};
struct PolicyTrial {
  std::size_t judged = 0;
  std::vector<PolicyChange> changes;  // whose verdict would be another
};

class Gate {
 public:
  // `database` is asked for anew at each scan, so an update takes effect without a restart.
  using DatabaseProvider = std::function<std::shared_ptr<const advisory::Database>()>;
  // Registers itself as `registry`'s on_staged hook and must outlive every push.
  Gate(db::Database& database, registry::Registry& registry, store::Store& store, journal::Journal& journal,
       scan::Cataloguer& cataloguer, scan::InventoryStore& inventories, DatabaseProvider advisories, const Clock& clock,
       Options options);
  ~Gate();  // stops its workers; unfinished work resumes at the next start
  static std::span<const db::Migration> migrations();
  // Takes up what a crash or stop left unfinished. Called once, before serving.
  Status resume();

  // -- the pusher ------------------------------------------------------------------------------------------------
  // Waits for the verdict of an image just staged, up to `wait`; the state then may still be Staged.
  Result<Submission> await_verdict(const registry::StagedImage& image, std::chrono::milliseconds wait);
  // The same for a submission that is followed by its id. NotFound.
  Result<Submission> await_verdict(const std::string& id, std::chrono::milliseconds wait);
  const Options& options() const;

  // -- people ------------------------------------------------------------------------------------------------------
  Result<Submission> submission(const std::string& id);
  struct Filter {
    std::optional<State> state;
    std::optional<std::string> submitter;
    std::optional<std::string> repository = std::nullopt;  // where it was pushed, or where it was approved to
    std::size_t limit = 100;
  };
  Result<std::vector<Submission>> submissions(const Filter& filter);
  // How many submissions are in each state; states without any are absent. For metrics.
  Result<std::map<State, std::size_t>> counts();
  // One report an image; an index has one for each of its platforms. NotFound before the scan is done.
  Result<std::vector<scan::ScanReport>> reports(const std::string& id);
  // Denied unless `who` is a reviewer, or for the reviewer's own submission (unless an admin); Conflict unless the
  // state is Waiting; Invalid without a note for a rejection. An image a reviewer rejected stays so: it has to be
  // pushed anew.
  Result<Submission> approve(const identity::Principal& who, const std::string& id, const std::string& note);
  // The same with conditions and an earlier end; Invalid for a lifetime beyond the policy's.
  Result<Submission> approve(const identity::Principal& who, const std::string& id, const Terms& terms);
  Result<Submission> reject(const identity::Principal& who, const std::string& id, const std::string& note);
  // Adds a waiver (its id and owner are set here) and decides again every waiting or rejected image it may concern;
  // gives its id, "W-…". A waiver does not count for its owner's own images unless the owner is an admin.
  // Denied unless a reviewer; Invalid without finding and reason, or when it ends in the past or beyond a year.
  Result<std::string> waive(const identity::Principal& who, policy::Waiver waiver);
  Result<std::vector<policy::Waiver>> waivers();

  // Which rule saw what, by the policy of now and the latest report. NotFound before the scan is done.
  Result<std::vector<policy::Explained>> explain(const std::string& id);
  // What `policy` would say of every image that waits, was rejected or is approved. Changes nothing.
  Result<PolicyTrial> try_policy(const policy::Policy& policy);

  // -- base images
  // ----------------------------------------------------------------------------------------------------- Registers
  // what a tag of our own registry holds now, as a base that people write as `reference`; again: another generation of
  // it. Denied unless an admin; NotFound; Invalid for what is no linux/amd64 image.
  Result<bases::Base> register_base(const identity::Principal& who, const oci::RepositoryName& repository,
                                    const oci::Tag& tag, const std::string& reference, std::size_t keep);
  // Takes up tags that were rebuilt, and looks at what is known of each base: one that the policy would reject is
  // starred, and its journal entry names who builds on it. Gives how many changed.
  Result<std::size_t> refresh_bases();
  // What this submission is built on, by its latest report; "" where that is not known.
  Result<std::string> base_of(const std::string& id);

  // -- pulling and running -------------------------------------------------------------------------------------------
  // Refused with the reason and what to do when it has expired, was revoked or is not approved (yet); NotFound for a
  // name nobody ever submitted. By tag: what the tag was last approved as. By digest: an image, or a child of an index.
  // What was never approved is NotFound, too, for an `asker` other than its submitter, reviewers, runners and admins;
  // without one it is the program that asks.
  Result<AdmittedImage> admit(const oci::RepositoryName& repository, const oci::ManifestReference& reference,
                              const identity::Principal* asker = nullptr);
  // May this blob or child manifest be read from this approved repository now? The answer names the manifest it is
  // part of. Refused and NotFound as above.
  Result<AdmittedImage> admit_part(const oci::RepositoryName& repository, const oci::Digest& part);
  // Journals that `who` read an admitted image's manifest.
  Status record_pull(const identity::Principal& who, const AdmittedImage& image);
  // Journals what `who` says of a run of an image: the runner's own record, an object.
  Status record_run(const identity::Principal& who, const oci::Digest& digest, Json record);

  // -- time ----------------------------------------------------------------------------------------------------------
  // Moves approvals whose time is over to expired. Gives how many. Called by the daemon's timer.
  Result<std::size_t> expire_due();
  // New advisories: judges again, from the kept inventories, everything that is waiting or admitted. An admitted image
  // that the policy now rejects is revoked; a milder doubt is recorded and leaves it. Gives how many were revoked.
  Result<std::size_t> judge_again();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pratique::gate
