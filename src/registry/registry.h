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
#include "store/store.h"

namespace pratique::registry {

enum class Mode { Open, Staging, Approved };
std::string_view to_string(Mode mode);

struct Namespace {
  std::string name;  // the first component of repository names
  Mode mode = Mode::Open;
  std::string promotes_to;  // staging: the approved namespace
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
  StagedImage(std::int64_t id, oci::RepositoryName repository, oci::Tag tag, oci::Digest digest, std::string submitter, Time staged)
      : id_(id), repository_(std::move(repository)), tag_(std::move(tag)), digest_(std::move(digest)), submitter_(std::move(submitter)), staged_(staged) {}
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
};

// An upload session: who opened it, for which repository, how far it is.
class Upload {
 public:
  const std::string& id() const;
  const oci::RepositoryName& repository() const;
  std::uint64_t size() const;
  Status append(Bytes bytes);
  Status checkpoint();

  ~Upload();
  Upload(Upload&&) noexcept;
  struct Impl;
  explicit Upload(std::unique_ptr<Impl> impl);

 private:
  friend class Registry;
  std::unique_ptr<Impl> impl_;
};

struct Page {
  std::vector<std::string> names;
  bool has_more = false;
};

class Registry {
 public:
  Registry(db::Database& database, store::Store& store, journal::Journal& journal, const Clock& clock, std::vector<Namespace> namespaces);
  ~Registry();
  static std::span<const db::Migration> migrations();

  const std::vector<Namespace>& namespaces() const;
  // NotFound when the first component names no namespace.
  Result<Namespace> namespace_of(const oci::RepositoryName& repository) const;

  // -- blobs -------------------------------------------------------------------------------------------------------
  Result<Upload> start_upload(const identity::Principal& who, const oci::RepositoryName& repository);
  // NotFound for an unknown id, another repository or another principal; Conflict while another request holds it.
  Result<Upload> resume_upload(const identity::Principal& who, const oci::RepositoryName& repository, const std::string& id);
  Status cancel_upload(const identity::Principal& who, const oci::RepositoryName& repository, const std::string& id);
  // Verifies and links the blob into the repository; records that `who` possesses it.
  Result<oci::Descriptor> finish_upload(const identity::Principal& who, Upload upload, const oci::Digest& expected);
  // Links a blob of `from` into `repository`; false when it cannot (the caller must then upload). No oracle: false for
  // absent and for unreadable alike.
  Result<bool> mount(const identity::Principal& who, const oci::RepositoryName& repository, const oci::Digest& blob,
                     const std::optional<oci::RepositoryName>& from);
  // Size of a blob linked in the repository; NotFound.
  Result<std::uint64_t> blob_size(const oci::RepositoryName& repository, const oci::Digest& blob);
  Result<store::Blob> open_blob(const oci::RepositoryName& repository, const oci::Digest& blob);
  // True when this principal has pushed that blob (to any repository): all a staging HEAD may say.
  Result<bool> possesses(const identity::Principal& who, const oci::Digest& blob);
  Status unlink_blob(const identity::Principal& who, const oci::RepositoryName& repository, const oci::Digest& blob);

  // -- manifests ---------------------------------------------------------------------------------------------------
  // Invalid for malformed bytes or a digest that is not theirs; NotFound("manifest names blobs …") for missing
  // references (foreign layers with urls excepted).
  Result<PutResult> put_manifest(const identity::Principal& who, const oci::RepositoryName& repository,
                                 const oci::ManifestReference& reference, std::string_view bytes, std::string_view content_type);
  Result<StoredManifest> get_manifest(const oci::RepositoryName& repository, const oci::ManifestReference& reference);
  Result<ManifestInfo> describe_manifest(const oci::RepositoryName& repository, const oci::ManifestReference& reference);
  // By tag removes the tag only; by digest the manifest and every tag to it.
  Status delete_manifest(const identity::Principal& who, const oci::RepositoryName& repository, const oci::ManifestReference& reference);
  // Is `blob` (config or layer) or `blob` (child manifest) part of a manifest in that repository?
  Result<std::vector<oci::Digest>> manifests_holding(const oci::RepositoryName& repository, const oci::Digest& blob);
  Result<Page> tags(const oci::RepositoryName& repository, const std::optional<std::string>& last, std::optional<std::size_t> limit);
  Result<Page> repositories(const std::optional<std::string>& last, std::optional<std::size_t> limit);
  // Descriptors of manifests whose subject is `digest`, with artifactType and annotations.
  Result<std::vector<oci::Descriptor>> referrers(const oci::RepositoryName& repository, const oci::Digest& digest,
                                                 const std::optional<std::string>& artifact_type);

  // -- for the gate: inside its transaction --------------------------------------------------------------------------
  // Links manifest, children and blobs of a staged image into the approved repository under the same tag. Zero-copy.
  // Gives the approved repository.
  Result<oci::RepositoryName> promote(db::Transaction& tx, const StagedImage& image);
  Status unpromote(db::Transaction& tx, const oci::RepositoryName& approved, const oci::Digest& digest);
  // The staged image again, after a restart. NotFound.
  Result<StagedImage> staged_image(std::int64_t id);
  // Runs inside put_manifest's transaction when an image is staged, so that the gate's row commits with it.
  void on_staged(std::function<Status(db::Transaction&, const StagedImage&)> hook);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pratique::registry
