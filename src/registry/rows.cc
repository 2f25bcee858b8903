#include "registry/rows.h"

#include "base/format.h"

namespace pratique::registry {

namespace {

Result<std::optional<std::uint64_t>> one_size(db::Statement statement) {
  if (!TRY(statement.next())) return std::optional<std::uint64_t>();
  return std::optional(static_cast<std::uint64_t>(statement.integer(0)));
}

db::Statement select_manifest(db::Transaction& tx, std::int64_t repository, const oci::ManifestReference& reference) {
  if (const auto* tag = std::get_if<oci::Tag>(&reference)) {
    auto statement = tx.prepare(
        "SELECT m.id, m.digest, m.media_type, m.size FROM tags t JOIN repository_manifests m ON m.id = t.manifest "
        "WHERE t.repository = ? AND t.name = ?");
    statement.bind(repository).bind(tag->text());
    return statement;
  }
  auto statement =
      tx.prepare("SELECT id, digest, media_type, size FROM repository_manifests WHERE repository = ? AND digest = ?");
  statement.bind(repository).bind(std::get<oci::Digest>(reference).to_string());
  return statement;
}

}  // namespace

Result<std::int64_t> repository_row(db::Transaction& tx, const oci::RepositoryName& repository) {
  auto statement = tx.prepare("SELECT id FROM repositories WHERE name = ?");
  statement.bind(repository.text());
  if (!TRY(statement.next())) return not_found(format("repository {} is not known here", repository.text()));
  return statement.integer(0);
}

Result<std::int64_t> ensure_repository(db::Transaction& tx, const oci::RepositoryName& repository, Time now) {
  auto statement = tx.prepare("INSERT INTO repositories (name, created) VALUES (?, ?) ON CONFLICT DO NOTHING");
  TRY(statement.bind(repository.text()).bind(now).run());
  return repository_row(tx, repository);
}

Result<std::optional<std::uint64_t>> linked_size(db::Transaction& tx, std::int64_t repository,
                                                 const oci::Digest& blob) {
  auto statement = tx.prepare(
      "SELECT b.size FROM repository_blobs l JOIN blobs b ON b.digest = l.blob WHERE l.repository = ? AND l.blob = ? "
      "AND b.damaged IS NULL");
  statement.bind(repository).bind(blob.to_string());
  return one_size(std::move(statement));
}

Result<std::optional<std::uint64_t>> possessed_size(db::Transaction& tx, std::string_view principal,
                                                    const oci::Digest& blob) {
  auto statement = tx.prepare(
      // CROSS JOIN keeps the order: possession first. Looked for in blobs first, a blob that another principal pushed
      // would take longer than one that nobody has, and the clock would tell what the answer does not.
      "SELECT b.size FROM possession p CROSS JOIN blobs b ON b.digest = p.blob WHERE p.principal = ? AND p.blob = ? "
      "AND b.damaged IS NULL");
  statement.bind(principal).bind(blob.to_string());
  return one_size(std::move(statement));
}

Status link_blob(db::Transaction& tx, std::int64_t repository, const oci::Digest& blob, Time now,
                 std::string_view owner) {
  auto statement = tx.prepare(
      "INSERT INTO repository_blobs (repository, blob, linked, owner) VALUES (?, ?, ?, ?) "
      "ON CONFLICT (repository, blob) DO UPDATE SET linked = excluded.linked, condemned = NULL");
  statement.bind(repository).bind(blob.to_string()).bind(now);
  return statement.bind(owner.empty() ? std::nullopt : std::optional(owner)).run();
}

Status drop_unused_content(db::Transaction& tx, const std::string& digest) {
  auto remove = tx.prepare(
      "DELETE FROM manifests WHERE digest = ?1 AND NOT EXISTS "
      "(SELECT 1 FROM repository_manifests WHERE digest = ?1)");
  return remove.bind(digest).run();
}

Status record_possession(db::Transaction& tx, std::string_view principal, const oci::Digest& blob) {
  auto statement = tx.prepare("INSERT INTO possession (principal, blob) VALUES (?, ?) ON CONFLICT DO NOTHING");
  return statement.bind(principal).bind(blob.to_string()).run();
}

Result<ManifestRow> manifest_row(db::Transaction& tx, std::int64_t repository,
                                 const oci::ManifestReference& reference) {
  auto statement = select_manifest(tx, repository, reference);
  if (!TRY(statement.next())) {
    return not_found(format("manifest {} is not in this repository", oci::to_string(reference)));
  }
  return ManifestRow{.id = statement.integer(0),
                     .digest = TRY(stored_digest(statement.text(1))),
                     .media_type = statement.text(2),
                     .size = static_cast<std::uint64_t>(statement.integer(3))};
}

Result<std::string> manifest_bytes(db::Transaction& tx, const oci::Digest& digest) {
  auto statement = tx.prepare("SELECT bytes FROM manifests WHERE digest = ?");
  statement.bind(digest.to_string());
  if (!TRY(statement.next())) return corrupt(format("the bytes of manifest {} are gone", digest.to_string()));
  return statement.text(0);
}

Status set_tag(db::Transaction& tx, std::int64_t repository, const oci::Tag& tag, std::int64_t manifest, Time now) {
  auto statement = tx.prepare(
      "INSERT INTO tags (repository, name, manifest, updated) VALUES (?, ?, ?, ?) "
      "ON CONFLICT (repository, name) DO UPDATE SET manifest = excluded.manifest, updated = excluded.updated");
  return statement.bind(repository).bind(tag.text()).bind(manifest).bind(now).run();
}

Result<oci::Digest> stored_digest(std::string_view text) {
  auto digest = oci::Digest::parse(text);
  if (!digest.ok()) return corrupt(format("the database holds a malformed digest: {}", digest.error().message()));
  return digest;
}

}  // namespace pratique::registry
