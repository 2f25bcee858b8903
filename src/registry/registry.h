// Names to digests: repositories, tags, manifests, referrers and uploads, in namespaces that each have a mode.
//
//   open       an ordinary registry
//   staging    submitters push, nobody pulls, lists or describes; what is pushed becomes a StagedImage
//   approved   read-only; filled by promotion, which copies rows, not bytes
//
// Every change is one transaction with its journal entry. Not here: HTTP (distribution), judgement (gate).
// Thread-safe; an Upload is used by one request at a time (a second gets Conflict).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "db/db.h"
#include "identity/identity.h"
#include "journal/journal.h"
#include "oci/oci.h"
#include "store/store.h"

namespace pratique::registry {

enum class Mode { Open, Staging, Approved };
std::string_view to_string(Mode mode);
struct Namespace {
  std::string name;  // the first component of repository names
  Mode mode = Mode::Open;
  std::string promotes_to;    // staging: the approved namespace
  bool takes_sparse = false;  // open: manifests may name what is not here, as a mirror of part of an index does
  // Patterns in which only "*" is special. Immutable: once set, a tag is neither moved to other bytes nor deleted (of
  // an approved namespace, what is pushed to be promoted there counts). Protected: for administrators only.
  std::vector<std::string> immutable_tags = {};
  std::vector<std::string> protected_tags = {};
  std::uint64_t bytes_max = 0;  // linked, a blob once a repository; 0, here and below: no limit
  std::size_t uploads_max = 0;
};

struct Options {
  std::uint64_t principal_bytes_max = 0;   // linked by pushes and mounts
  std::size_t principal_uploads_max = 64;  // open and in use at once: clients use at most ten
  // What garbage collection leaves alone (collect.cc).
  Duration unreferenced_kept = hours(24);  // a blob no manifest names: a push may still be under way
  Duration lease = hours(1);               // after a client was told that a blob is here
  Duration staged_kept = days(30);         // staging: what nothing will ask for again
  Duration uploads_kept = days(7);         // idle sessions
};

struct StoredManifest {
  oci::Digest digest;
  std::string media_type;
  std::string bytes;
};
struct ManifestInfo {
  oci::Digest digest;
  std::string media_type;
  std::uint64_t size = 0;
};

// An image that has arrived in a staging namespace and is complete. Only this module makes one.
class StagedImage {
 public:
  std::int64_t id() const { return id_; }
  const oci::RepositoryName& repository() const { return repository_; }
  const oci::Tag& tag() const { return tag_; }
  const oci::Digest& digest() const { return digest_; }
  const std::string& submitter() const { return submitter_; }
  Time staged() const { return staged_; }

 private:
  friend class Registry;
  StagedImage(std::int64_t id, oci::RepositoryName repository, oci::Tag tag, oci::Digest digest, std::string submitter,
              Time staged)
      : id_(id),
        repository_(std::move(repository)),
        tag_(std::move(tag)),
        digest_(std::move(digest)),
        submitter_(std::move(submitter)),
        staged_(staged) {}
  std::int64_t id_;
  oci::RepositoryName repository_;
  oci::Tag tag_;
  oci::Digest digest_;
  std::string submitter_;
  Time staged_;
};
struct PutResult {
  oci::Digest digest;
  std::optional<oci::Digest> subject;
  // Set when the push, by tag, into a staging namespace completed an image: the gate takes it from here.
  std::optional<StagedImage> staged;
  std::vector<StagedImage> also_staged;  // several tags at once (end-7b): one for each further tag
};

// An upload session: who opened it, for which repository, how far it is. Held by one request; dropping it parks the
// session for the next one. Must not outlive its Registry.
class Upload {
 public:
  const std::string& id() const;
  const oci::RepositoryName& repository() const;
  std::uint64_t size() const;
  Status append(Bytes bytes);  // as store::Ingest::append
  // After ok the bytes so far and the session survive a restart. A session without a checkpoint does not.
  Status checkpoint();

  ~Upload();
  Upload(Upload&&) noexcept;
  Upload& operator=(Upload&&) = delete;
  struct Impl;
  explicit Upload(std::unique_ptr<Impl> impl);

 private:
  friend class Registry;
  friend class Sessions;
  std::unique_ptr<Impl> impl_;
};
struct Page {
  std::vector<std::string> names;
  bool has_more = false;
};
struct ReferrersPage {
  std::vector<oci::Descriptor> descriptors;  // by digest, ascending
  bool has_more = false;                     // ask again with `after` = the last digest
};
// Garbage collection: how far a run is, and what it took (dry run: would take).
struct Collection {
  bool is_dry_run = false;
  std::string stage, cursor;  // "" before the first step, "done" after the last; where in the stage
  std::uint64_t looked_at = 0, manifests = 0, links = 0, blobs = 0, bytes = 0, uploads = 0, temporaries = 0;
  bool is_done() const { return stage == "done"; }
};
// A blob whose bytes no longer match its name, and what needs it.
struct Damage {
  oci::Digest blob;
  Time found;
  std::vector<std::pair<std::string, oci::Digest>> images;  // repository and manifest; at most a hundred
};
struct Scrub {  // a walk over all blobs; where it stands is kept in the database
  std::uint64_t blobs = 0, bytes = 0, damaged = 0;
  bool is_done = false;
};
struct Usage {
  bool is_namespace = false;  // else a principal
  std::string name;
  std::uint64_t bytes = 0, bytes_max = 0, links = 0, uploads = 0, uploads_max = 0;
};

class Registry {
 public:
  Registry(db::Database& database, store::Store& store, journal::Journal& journal, const Clock& clock,
           std::vector<Namespace> namespaces, Options options = {});
  ~Registry();
  static std::span<const db::Migration> migrations();
  const std::vector<Namespace>& namespaces() const;
  // NotFound when the first component names no namespace.
  Result<Namespace> namespace_of(const oci::RepositoryName& repository) const;

  // -- keeping: each call one bounded step, beside pushes and pulls. The registry is the store's only writer.
  // ---------- Garbage collection; goes on where `run` stands.
  Status collect(Collection& run);
  // Re-hashes the next blob. One that does not match is moved aside and journalled. `pace`: as
  // store::Store::verify.
  Status scrub(Scrub& run, const std::function<bool(std::size_t)>& pace = {});
  Result<std::vector<Damage>> damages();
  Result<std::vector<Usage>> usage();  // of each quota, by name

  // -- blobs -------------------------------------------------------------------------------------------------------
  // Denied in an approved namespace and beyond a quota of bytes; Busy beyond one of uploads in use. At 256 open
  // sessions a principal loses the idlest one.
  Result<Upload> start_upload(const identity::Principal& who, const oci::RepositoryName& repository);
  // NotFound for an unknown id, another repository or another principal; Conflict while another request holds it.
  Result<Upload> resume_upload(const identity::Principal& who, const oci::RepositoryName& repository,
                               const std::string& id);
  Status cancel_upload(const identity::Principal& who, const oci::RepositoryName& repository, const std::string& id);
  // Verifies and links the blob into the repository; records that `who` possesses it. Invalid when the bytes hash to
  // something else: the session is then gone.
  Result<oci::Descriptor> finish_upload(const identity::Principal& who, Upload upload, const oci::Digest& expected);
  // Links a blob into `repository` without its bytes being sent; false when it cannot: for absent and for unreadable
  // alike, no oracle. `from` must have been judged readable by the caller (nullopt
  // otherwise): its blobs may be linked anywhere. Without it, only what `who` possesses, and into an open namespace
  // only what an open namespace already holds, so that nothing leaves staging this way.
  Result<bool> mount(const identity::Principal& who, const oci::RepositoryName& repository, const oci::Digest& blob,
                     const std::optional<oci::RepositoryName>& from);
  // Size of a blob linked in the repository; NotFound.
  Result<std::uint64_t> blob_size(const oci::RepositoryName& repository, const oci::Digest& blob);
  Result<store::Blob> open_blob(const oci::RepositoryName& repository, const oci::Digest& blob);
  // True when this principal has pushed or mounted it (in any repository): all a staging HEAD may say.
  Result<bool> possesses(const identity::Principal& who, const oci::Digest& blob);
  // NotFound when it is not linked there. The bytes go with the last link, and with them all possession.
  Status unlink_blob(const identity::Principal& who, const oci::RepositoryName& repository, const oci::Digest& blob);

  // -- manifests ---------------------------------------------------------------------------------------------------
  // Invalid for malformed bytes, a digest that is not theirs or a size that is not the blob's; Limit as
  // oci::parse_manifest; NotFound("manifest names blobs …") for missing references (foreign layers with urls excepted);
  // Denied in an approved namespace, beyond a quota and for a protected tag; Conflict for an immutable tag that stands
  // for other bytes; Busy while too much waits. In staging, blobs that `who` possesses count as present and are linked.
  // `more_tags` are set with it (end-7b).
  Result<PutResult> put_manifest(const identity::Principal& who, const oci::RepositoryName& repository,
                                 const oci::ManifestReference& reference, std::string_view bytes,
                                 std::string_view content_type, std::span<const oci::Tag> more_tags = {});
  Result<StoredManifest> get_manifest(const oci::RepositoryName& repository, const oci::ManifestReference& reference);
  Result<ManifestInfo> describe_manifest(const oci::RepositoryName& repository,
                                         const oci::ManifestReference& reference);
  // By tag removes the tag only; by digest the manifest and every tag to it.
  Status delete_manifest(const identity::Principal& who, const oci::RepositoryName& repository,
                         const oci::ManifestReference& reference);
  // The manifests of that repository that directly name `blob` (config or layer) or `blob` (child manifest).
  Result<std::vector<oci::Digest>> manifests_holding(const oci::RepositoryName& repository, const oci::Digest& blob);
  // In byte order, after `last`, at most `limit` (10,000 where not said). NotFound for an unknown repository.
  Result<Page> tags(const oci::RepositoryName& repository, const std::optional<std::string>& last,
                    std::optional<std::size_t> limit);
  Result<Time> created(const oci::RepositoryName& repository);  // NotFound when it never took anything in
  // Of namespaces in one of `modes`, in byte order.
  Result<Page> repositories(const std::optional<std::string>& last, std::optional<std::size_t> limit,
                            const std::set<Mode>& modes = {Mode::Open, Mode::Staging, Mode::Approved});
  // Descriptors of manifests whose subject is `digest`, with artifactType and annotations; those that a client listed
  // under the fallback tag ("sha256-…") are folded in. A page is at most 2 MiB of descriptors.
  Result<ReferrersPage> referrers(const oci::RepositoryName& repository, const oci::Digest& digest,
                                  const std::optional<std::string>& artifact_type,
                                  const std::optional<oci::Digest>& after = std::nullopt);

  // -- for the gate: inside its transaction --------------------------------------------------------------------------
  // Links manifest, children and blobs of a staged image into the approved repository under the same tag. Zero-copy.
  // Gives the approved repository. NotFound when the image is no longer in its repository.
  Result<oci::RepositoryName> promote(db::Transaction& tx, const StagedImage& image);
  // Takes the manifest, its tags and what only it held out of an approved repository, except the manifests in `kept`.
  // Absent is ok.
  Status unpromote(db::Transaction& tx, const oci::RepositoryName& approved, const oci::Digest& digest,
                   std::span<const oci::Digest> kept = {});
  // The staged image again, after a restart. NotFound.
  Result<StagedImage> staged_image(std::int64_t id);
  // Hooks are set once, before serving. This one runs inside put_manifest's transaction when an image is staged, so
  // that the gate's row commits with it.
  void on_staged(std::function<Status(db::Transaction&, const StagedImage&)> hook);
  // Asked by collect(): will anything ask for that staged image again, or did, since `before`? Unset: always.
  void on_needed(std::function<Result<bool>(db::Transaction&, std::int64_t staged, Time before)> hook);
  // Asked before a push into staging is taken in: Busy while too much waits to be judged.
  void on_pressure(std::function<Status()> hook);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};
}  // namespace pratique::registry
