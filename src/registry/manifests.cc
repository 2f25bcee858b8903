// Manifests: exact bytes in, exact bytes out. References are checked against the links of the same repository, in the
// transaction that makes the manifest visible.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "registry/impl.h"
#include "registry/quota.h"
#include "registry/rows.h"
#include "registry/schema.h"
#include "registry/tag_rules.h"

namespace pratique::registry {

namespace {

// How many missing digests an error names: enough to see what is wrong, short enough to read.
constexpr std::size_t kMissingShown = 3;

// A push that has been read but not yet checked against what is here.
struct Candidate {
  oci::Digest digest;
  std::string media_type;
  std::string artifact_type;
  std::map<std::string, std::string> annotations;
  std::optional<oci::Digest> subject;
  oci::References references;
  std::vector<oci::Tag> tags;
  bool is_stageable = false;  // an image or an index; signatures and other artifacts are kept but not judged
};

oci::Digest digest_under(oci::Algorithm algorithm, std::string_view bytes) {
  if (algorithm == oci::Algorithm::Sha256) return oci::Digest::of(as_bytes(bytes));
  Sha512 hash;
  hash.update(as_bytes(bytes));
  return oci::Digest::from(hash.sum());
}

// distribution-spec "Listing Referrers": the manifest's own artifactType, else its config's media type; for an index
// only its own.
std::string listed_artifact_type(const oci::ParsedManifest& parsed) {
  if (const auto* index = std::get_if<oci::Index>(&parsed)) return index->artifact_type;
  const auto& manifest = std::get<oci::Manifest>(parsed);
  return manifest.artifact_type.empty() ? manifest.config.media_type : manifest.artifact_type;
}

Result<Candidate> read_candidate(const oci::ManifestReference& reference, std::string_view bytes,
                                 std::string_view content_type, std::span<const oci::Tag> more_tags) {
  const auto* by_digest = std::get_if<oci::Digest>(&reference);
  const oci::Digest digest = digest_under(by_digest ? by_digest->algorithm() : oci::Algorithm::Sha256, bytes);
  if (by_digest && *by_digest != digest) {
    return invalid(
        format("digest {} is not that of the manifest, which is {}", by_digest->to_string(), digest.to_string()));
  }
  const oci::ParsedManifest parsed = TRY(oci::parse_manifest(bytes, content_type));
  const auto* manifest = std::get_if<oci::Manifest>(&parsed);
  Candidate candidate{.digest = digest,
                      .media_type = manifest ? manifest->media_type : std::get<oci::Index>(parsed).media_type,
                      .artifact_type = listed_artifact_type(parsed),
                      .annotations = manifest ? manifest->annotations : std::get<oci::Index>(parsed).annotations,
                      .subject = std::nullopt,
                      .references = oci::references_of(parsed),
                      .tags = {more_tags.begin(), more_tags.end()},
                      .is_stageable = manifest == nullptr || manifest->is_image()};
  if (const auto& subject = oci::subject_of(parsed)) candidate.subject = subject->digest;
  if (!by_digest) candidate.tags.insert(candidate.tags.begin(), std::get<oci::Tag>(reference));
  return candidate;
}

Error missing_error(const std::vector<std::string>& missing) {
  std::vector<std::string> shown(
      missing.begin(), missing.begin() + static_cast<std::ptrdiff_t>(std::min(missing.size(), kMissingShown)));
  std::string more;
  if (missing.size() > kMissingShown) more = format(" and {} more", missing.size() - kMissingShown);
  return not_found(format("manifest names blobs or manifests that are not here: {}{}", join(shown, ", "), more));
}

Status check_size(const oci::Descriptor& named, std::uint64_t actual) {
  if (named.size == actual) return {};
  return invalid(
      format("manifest says that {} has {} bytes, but it has {}", named.digest.to_string(), named.size, actual));
}

// Present: linked here. In staging also what the pusher possesses, which is then linked: a client that was told "200"
// by HEAD does not send those bytes again.
Result<std::optional<std::uint64_t>> find_or_link(db::Transaction& tx, std::int64_t repository, Mode mode,
                                                  std::string_view principal, const oci::Digest& blob, Time now) {
  auto size = TRY(linked_size(tx, repository, blob));
  if (size || mode != Mode::Staging) return size;
  size = TRY(possessed_size(tx, principal, blob));
  if (size) TRY(link_blob(tx, repository, blob, now, principal));
  return size;
}

Status check_references(db::Transaction& tx, std::int64_t repository, const Namespace& space,
                        std::string_view principal, const oci::References& references, Time now) {
  std::vector<std::string> missing;
  for (const auto& named : references.blobs) {
    auto size = TRY(find_or_link(tx, repository, space.mode, principal, named.digest, now));
    if (!size) {
      missing.push_back(named.digest.to_string());
      continue;
    }
    TRY(check_size(named, *size));
  }
  for (const auto& named : references.manifests) {
    auto child = manifest_row(tx, repository, named.digest);
    if (!child.ok() && child.error().kind() != ErrorKind::NotFound) return child.error();
    if (!child.ok()) {
      missing.push_back(named.digest.to_string());
      continue;
    }
    TRY(check_size(named, child->size));
  }
  // Only where nothing is judged: what is staged is judged as a whole.
  if (space.mode == Mode::Open && space.takes_sparse) return {};
  return missing.empty() ? Status() : Status(missing_error(missing));
}

std::string annotations_text(const std::map<std::string, std::string>& annotations) {
  // 4 MiB hold some 400,000 of them: a set(), which looks for the key first, each would keep the database's writer for
  // minutes.
  Json::Object members;
  for (const auto& [key, value] : annotations) members.emplace_back(key, value);
  return Json::object(std::move(members)).dump();
}

Result<std::int64_t> write_manifest(db::Transaction& tx, std::int64_t repository, const Candidate& candidate,
                                    std::string_view bytes, Time now) {
  const std::string digest = candidate.digest.to_string();
  auto content = tx.prepare("INSERT INTO manifests (digest, bytes) VALUES (?, ?) ON CONFLICT DO NOTHING");
  TRY(content.bind(digest).bind_blob(bytes).run());
  // The same bytes again, perhaps under another type: the newest reading of them counts, with its references.
  auto row = tx.prepare(
      "INSERT INTO repository_manifests (repository, digest, media_type, size, artifact_type, annotations, subject, "
      "pushed) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (repository, digest) DO UPDATE SET "
      "media_type = excluded.media_type, artifact_type = excluded.artifact_type, "
      "annotations = excluded.annotations, subject = excluded.subject");
  row.bind(repository).bind(digest).bind(candidate.media_type).bind(bytes.size()).bind(candidate.artifact_type);
  row.bind(annotations_text(candidate.annotations));
  row.bind(candidate.subject ? std::optional(candidate.subject->to_string()) : std::nullopt).bind(now);
  TRY(row.run());
  const auto id = TRY(manifest_row(tx, repository, candidate.digest)).id;
  auto clear = tx.prepare("DELETE FROM manifest_references WHERE manifest = ?");
  TRY(clear.bind(id).run());
  auto refer = [&](int kind, const oci::Descriptor& named) -> Status {
    auto insert = tx.prepare(
        "INSERT INTO manifest_references (manifest, repository, kind, digest) VALUES (?, ?, ?, ?) ON CONFLICT DO "
        "NOTHING");
    return insert.bind(id).bind(repository).bind(kind).bind(named.digest.to_string()).run();
  };
  for (const auto& named : candidate.references.blobs) TRY(refer(kReferenceBlob, named));
  for (const auto& named : candidate.references.manifests) TRY(refer(kReferenceChild, named));
  return id;
}

Json tag_names(const std::vector<oci::Tag>& tags) {
  Json names = Json::array();
  for (const auto& tag : tags) names.push(tag.text());
  return names;
}

}  // namespace

Result<PutResult> Registry::put_manifest(const identity::Principal& who, const oci::RepositoryName& repository,
                                         const oci::ManifestReference& reference, std::string_view bytes,
                                         std::string_view content_type, std::span<const oci::Tag> more_tags) {
  const Namespace* space = TRY(impl_->writable(repository));
  const Namespace* target = space->mode == Mode::Staging ? impl_->find(space->promotes_to) : nullptr;
  TRY(impl_->check_pressure(*space));
  const Candidate candidate = TRY(read_candidate(reference, bytes, content_type, more_tags));
  return impl_->database.write([&](db::Transaction& tx) -> Result<PutResult> {
    const Time now = impl_->clock.now();
    const auto row = TRY(ensure_repository(tx, repository, now));
    TRY(check_references(tx, row, *space, who.name(), candidate.references, now));
    TRY(within_quota(tx, impl_->options, *space, who.name()));
    const auto manifest = TRY(write_manifest(tx, row, candidate, bytes, now));
    for (const auto& tag : candidate.tags) {
      TRY(may_set_tag(tx, *space, target, who, repository, tag, candidate.digest));
      TRY(set_tag(tx, row, tag, manifest, now));
    }
    auto details = Json::object({{"repository", repository.text()}, {"tags", tag_names(candidate.tags)}});
    TRY(impl_->journal.append(tx, who.name(), "manifest-pushed", candidate.digest.to_string(), std::move(details)));
    PutResult result{.digest = candidate.digest, .subject = candidate.subject, .staged = {}, .also_staged = {}};
    if (space->mode != Mode::Staging || !candidate.is_stageable) return result;
    for (const auto& tag : candidate.tags) {
      StagedImage image = TRY(impl_->stage(tx, who, repository, tag, candidate.digest));
      if (!result.staged) {
        result.staged = std::move(image);
      } else {
        result.also_staged.push_back(std::move(image));
      }
    }
    return result;
  });
}

Result<StoredManifest> Registry::get_manifest(const oci::RepositoryName& repository,
                                              const oci::ManifestReference& reference) {
  return impl_->database.read([&](db::Transaction& tx) -> Result<StoredManifest> {
    const auto repository_id = TRY(repository_row(tx, repository));
    auto row = TRY(manifest_row(tx, repository_id, reference));
    std::string bytes = TRY(manifest_bytes(tx, row.digest));
    return StoredManifest{.digest = row.digest, .media_type = row.media_type, .bytes = std::move(bytes)};
  });
}

Result<ManifestInfo> Registry::describe_manifest(const oci::RepositoryName& repository,
                                                 const oci::ManifestReference& reference) {
  return impl_->database.read([&](db::Transaction& tx) -> Result<ManifestInfo> {
    const auto repository_id = TRY(repository_row(tx, repository));
    auto row = TRY(manifest_row(tx, repository_id, reference));
    return ManifestInfo{.digest = row.digest, .media_type = row.media_type, .size = row.size};
  });
}

Status Registry::delete_manifest(const identity::Principal& who, const oci::RepositoryName& repository,
                                 const oci::ManifestReference& reference) {
  const Namespace* space = TRY(impl_->writable(repository));
  return impl_->database.write([&](db::Transaction& tx) -> Status {
    const auto repository_id = TRY(repository_row(tx, repository));
    const auto row = TRY(manifest_row(tx, repository_id, reference));
    auto details = Json::object({{"repository", repository.text()}});
    if (const auto* tag = std::get_if<oci::Tag>(&reference)) {
      TRY(may_delete_tag(*space, who, tag->text()));
      auto remove = tx.prepare("DELETE FROM tags WHERE repository = ? AND name = ?");
      TRY(remove.bind(repository_id).bind(tag->text()).run());
      details.set("tag", tag->text());
      return impl_->journal.append(tx, who.name(), "tag-deleted", row.digest.to_string(), std::move(details));
    }
    auto tags = tx.prepare("SELECT name FROM tags WHERE manifest = ?");
    tags.bind(row.id);
    while (TRY(tags.next())) TRY(may_delete_tag(*space, who, tags.text(0)));
    auto remove = tx.prepare("DELETE FROM repository_manifests WHERE id = ?");
    TRY(remove.bind(row.id).run());
    TRY(drop_unused_content(tx, row.digest.to_string()));
    return impl_->journal.append(tx, who.name(), "manifest-deleted", row.digest.to_string(), std::move(details));
  });
}

Result<std::vector<oci::Digest>> Registry::manifests_holding(const oci::RepositoryName& repository,
                                                             const oci::Digest& blob) {
  return impl_->database.read([&](db::Transaction& tx) -> Result<std::vector<oci::Digest>> {
    std::vector<oci::Digest> holders;
    const auto repository_id = TRY(repository_row(tx, repository));
    auto statement = tx.prepare(
        "SELECT DISTINCT m.digest FROM manifest_references f JOIN repository_manifests m ON m.id = f.manifest "
        "WHERE f.repository = ? AND f.digest = ? ORDER BY m.digest");
    statement.bind(repository_id).bind(blob.to_string());
    while (TRY(statement.next())) holders.push_back(TRY(stored_digest(statement.text(0))));
    return holders;
  });
}

}  // namespace pratique::registry
