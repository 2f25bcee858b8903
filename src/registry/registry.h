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
  std::string promotes_to;  // staging: the approved namespace
  // Open: manifests may name blobs and manifests that are not here, as a mirror of part of an index does.
  bool takes_sparse = false;
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
  // Set when the push, by tag, into a staging namespace completed an image or index: the gate takes it from here.
  std::optional<StagedImage> staged;
  // A push of several tags at once (distribution-spec end-7b): one more for each further tag.
  std::vector<StagedImage> also_staged;
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

struct Swept {
  std::size_t blobs = 0;
  std::size_t uploads = 0;
};

class Registry {
 public:
  Registry(db::Database& database, store::Store& store, journal::Journal& journal, const Clock& clock,
           std::vector<Namespace> namespaces);
  ~Registry();
  static std::span<const db::Migration> migrations();

  const std::vector<Namespace>& namespaces() const;
  // NotFound when the first component names no namespace.
  Result<Namespace> namespace_of(const oci::RepositoryName& repository) const;

  // Removes what no row names (a crash between two steps leaves bytes, never a row without bytes) and uploads idle for
  // a week. The registry is the store's only writer. For the daemon's start and its timer.
  Result<Swept> sweep();

  // -- blobs -------------------------------------------------------------------------------------------------------
  // Denied in an approved namespace. At 256 open sessions a principal loses the idlest one.
  Result<Upload> start_upload(const identity::Principal& who, const oci::RepositoryName& repository);
  // NotFound for an unknown id, another repository or another principal; Conflict while another request holds it.
  Result<Upload> resume_upload(const identity::Principal& who, const oci::RepositoryName& repository,
                               const std::string& id);
  Status cancel_upload(const identity::Principal& who, const oci::RepositoryName& repository, const std::string& id);
  // Verifies and links the blob into the repository; records that `who` possesses it. Invalid when the bytes hash to
  // something else: the session is then gone.
  Result<oci::Descriptor> finish_upload(const identity::Principal& who, Upload upload, const oci::Digest& expected);
  // Links a blob into `repository` without its bytes being sent; false when it cannot (the caller must then upload). No
  // oracle: false for absent and for unreadable alike. `from` must have been judged readable by the caller (nullopt
  // otherwise): its blobs may be linked anywhere. Without it, only what `who` possesses, and into an open namespace
  // only what an open namespace already holds, so that nothing leaves staging this way.
  Result<bool> mount(const identity::Principal& who, const oci::RepositoryName& repository, const oci::Digest& blob,
                     const std::optional<oci::RepositoryName>& from);
  // Size of a blob linked in the repository; NotFound.
  Result<std::uint64_t> blob_size(const oci::RepositoryName& repository, const oci::Digest& blob);
  Result<store::Blob> open_blob(const oci::RepositoryName& repository, const oci::Digest& blob);
  // True when this principal has pushed or mounted that blob (in any repository): all a staging HEAD may say.
  Result<bool> possesses(const identity::Principal& who, const oci::Digest& blob);
  // NotFound when it is not linked there. The bytes go with the last link, and with them all possession.
  Status unlink_blob(const identity::Principal& who, const oci::RepositoryName& repository, const oci::Digest& blob);

  // -- manifests ---------------------------------------------------------------------------------------------------
  // Invalid for malformed bytes, a digest that is not theirs or a size that is not the blob's; Limit as
  // oci::parse_manifest; NotFound("manifest names blobs …") for missing references (foreign layers with urls excepted);
  // Denied in an approved namespace. In staging, blobs that `who` possesses count as present and are linked.
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
  // When it first took something in. NotFound for a repository that never did.
  Result<Time> created(const oci::RepositoryName& repository);
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
  // Runs inside put_manifest's transaction when an image is staged, so that the gate's row commits with it. Set once,
  // before serving.
  void on_staged(std::function<Status(db::Transaction&, const StagedImage&)> hook);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pratique::registry
