// Promotion: the same bytes under a second name. Rows are copied, bytes are not touched.
#include <algorithm>
#include <set>

#include "base/format.h"
#include "registry/impl.h"
#include "registry/rows.h"
#include "registry/schema.h"
#include "registry/tag_rules.h"

namespace pratique::registry {

namespace {

// The manifest ?2 of repository ?1 and every manifest below it. UNION drops repeats, so it ends on any graph.
constexpr std::string_view kTree =
    "WITH RECURSIVE tree(id) AS ("
    " SELECT id FROM repository_manifests WHERE repository = ?1 AND digest = ?2"
    " UNION"
    " SELECT m.id FROM tree JOIN manifest_references f ON f.manifest = tree.id AND f.kind = 1"
    " JOIN repository_manifests m ON m.repository = ?1 AND m.digest = f.digest) ";

Status copy_tree(db::Transaction& tx, std::int64_t from, const oci::Digest& root, std::int64_t to, Time now) {
  auto manifests = tx.prepare(
      format("{}INSERT INTO repository_manifests "
             "(repository, digest, media_type, size, artifact_type, annotations, subject, pushed) "
             "SELECT ?3, digest, media_type, size, artifact_type, annotations, subject, ?4 FROM repository_manifests "
             "WHERE id IN tree ON CONFLICT (repository, digest) DO UPDATE SET media_type = excluded.media_type",
             kTree));
  TRY(manifests.bind(from).bind(root.to_string()).bind(to).bind(now).run());
  auto references =
      tx.prepare(format("{}INSERT INTO manifest_references (manifest, repository, kind, digest) "
                        "SELECT copy.id, ?3, f.kind, f.digest FROM manifest_references f "
                        "JOIN repository_manifests original ON original.id = f.manifest "
                        "JOIN repository_manifests copy ON copy.repository = ?3 AND copy.digest = original.digest "
                        "WHERE f.manifest IN tree ON CONFLICT DO NOTHING",
                        kTree));
  TRY(references.bind(from).bind(root.to_string()).bind(to).run());
  auto links =
      tx.prepare(format("{}INSERT INTO repository_blobs (repository, blob, linked) SELECT DISTINCT ?3, f.digest, ?4 "
                        "FROM manifest_references f WHERE f.manifest IN tree AND f.kind = 0 ON CONFLICT DO NOTHING",
                        kTree));
  return links.bind(from).bind(root.to_string()).bind(to).bind(now).run();
}

struct Member {
  std::int64_t id = 0;
  std::string digest;
};

// Every manifest under `root`, parents before children.
Result<std::vector<Member>> tree_of(db::Transaction& tx, std::int64_t repository, const oci::Digest& root) {
  std::vector<Member> members;
  auto statement = tx.prepare(
      format("{}SELECT tree.id, m.digest FROM tree CROSS JOIN repository_manifests m ON m.id = tree.id", kTree));
  statement.bind(repository).bind(root.to_string());
  while (TRY(statement.next())) members.push_back({statement.integer(0), statement.text(1)});
  return members;
}

// A manifest that nothing leads to any more: no tag, no index.
Status remove_if_orphaned(db::Transaction& tx, std::int64_t repository, std::int64_t manifest) {
  auto remove = tx.prepare(
      "DELETE FROM repository_manifests WHERE id = ?1 "
      "AND NOT EXISTS (SELECT 1 FROM tags WHERE manifest = ?1) "
      "AND NOT EXISTS (SELECT 1 FROM manifest_references f "
      "WHERE f.repository = ?2 AND f.kind = 1 AND f.digest = repository_manifests.digest)");
  return remove.bind(manifest).bind(repository).run();
}

// The blobs that those manifests name: read before they go.
Result<std::set<std::string>> blobs_of(db::Transaction& tx, const std::vector<Member>& members) {
  std::set<std::string> blobs;
  for (const auto& member : members) {
    auto rows = tx.prepare("SELECT digest FROM manifest_references WHERE manifest = ? AND kind = 0");
    rows.bind(member.id);
    while (TRY(rows.next())) blobs.insert(rows.text(0));
  }
  return blobs;
}

Result<bool> is_named_here(db::Transaction& tx, std::int64_t repository, const std::string& blob) {
  auto row = tx.prepare("SELECT 1 FROM manifest_references WHERE repository = ? AND digest = ? AND kind = 0 LIMIT 1");
  row.bind(repository).bind(blob);
  return row.next();
}

}  // namespace

Result<oci::RepositoryName> Registry::promote(db::Transaction& tx, const StagedImage& image) {
  const Namespace* staging = impl_->find(image.repository().first_component());
  const Namespace* target = staging ? impl_->find(staging->promotes_to) : nullptr;
  if (target == nullptr || target->mode != Mode::Approved) {
    return not_found(format("no approved namespace is configured for {}", image.repository().text()));
  }
  const std::string_view rest = image.repository().after_first_component();
  if (rest.empty()) return invalid(format("{} names no repository below its namespace", image.repository().text()));
  const auto approved = TRY(oci::RepositoryName::parse(format("{}/{}", target->name, rest)));
  const Time now = impl_->clock.now();
  const auto from = TRY(repository_row(tx, image.repository()));
  TRY(manifest_row(tx, from, image.digest()));
  const auto to = TRY(ensure_repository(tx, approved, now));
  TRY(copy_tree(tx, from, image.digest(), to, now));
  TRY(may_promote_tag(tx, *target, approved, image.tag(), image.digest()));
  const auto copy = TRY(manifest_row(tx, to, image.digest()));
  TRY(set_tag(tx, to, image.tag(), copy.id, now));
  auto details = Json::object({{"from", image.repository().text()},
                               {"to", approved.text()},
                               {"tag", image.tag().text()},
                               {"staged", image.id()}});
  TRY(impl_->journal.append(tx, "system", "image-promoted", image.digest().to_string(), std::move(details)));
  return approved;
}

Status Registry::unpromote(db::Transaction& tx, const oci::RepositoryName& approved, const oci::Digest& digest,
                           std::span<const oci::Digest> kept) {
  const Namespace* space = impl_->find(approved.first_component());
  if (space == nullptr || space->mode != Mode::Approved) {
    return invalid(format("{} is not in an approved namespace", approved.text()));
  }
  auto repository = repository_row(tx, approved);
  if (!repository.ok()) return repository.error().kind() == ErrorKind::NotFound ? Status() : repository.error();
  const auto tree = TRY(tree_of(tx, *repository, digest));
  if (tree.empty()) return {};
  const auto blobs = TRY(blobs_of(tx, tree));
  auto untag = tx.prepare("DELETE FROM tags WHERE manifest = ?");
  TRY(untag.bind(tree.front().id).run());
  for (const auto& [id, name] : tree) {
    const bool is_kept = std::ranges::any_of(kept, [&](const oci::Digest& one) { return one.to_string() == name; });
    if (!is_kept) TRY(remove_if_orphaned(tx, *repository, id));
  }
  // In an approved repository a blob is linked only because a manifest needs it. Bytes that lose their last link here
  // have no row any more once this is committed, and the collector takes them.
  for (const auto& blob : blobs)
    if (!TRY(is_named_here(tx, *repository, blob))) TRY(impl_->remove_link(tx, *repository, blob));
  auto details = Json::object({{"repository", approved.text()}});
  return impl_->journal.append(tx, "system", "image-withdrawn", digest.to_string(), std::move(details));
}

}  // namespace pratique::registry
