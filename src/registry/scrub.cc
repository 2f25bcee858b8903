// Bytes at rest against their names. The walk goes by digest and keeps its place in the database, so that a restart
// does not begin again and the last blobs of a large store are reached, too.
#include "base/format.h"
#include "base/log.h"
#include "registry/impl.h"
#include "registry/rows.h"

namespace pratique::registry {

namespace {

constexpr std::string_view kCursor = "scrub";
// How many images an entry of the journal and an answer name: enough to act on, and bounded for a base layer.
constexpr std::size_t kImagesNamed = 100;

struct Next {
  oci::Digest digest;
  std::uint64_t size = 0;
};

Result<std::optional<Next>> next_blob(db::Transaction& tx) {
  auto place = tx.prepare("SELECT value FROM registry_cursors WHERE name = ?");
  place.bind(kCursor);
  const std::string after = TRY(place.next()) ? place.text(0) : "";
  auto row = tx.prepare("SELECT digest, size FROM blobs WHERE digest > ? AND damaged IS NULL ORDER BY digest LIMIT 1");
  row.bind(after);
  if (!TRY(row.next())) return std::optional<Next>();
  return std::optional(Next{TRY(stored_digest(row.text(0))), static_cast<std::uint64_t>(row.integer(1))});
}

Status keep_place(db::Transaction& tx, const std::string& place) {
  auto keep = tx.prepare(
      "INSERT INTO registry_cursors (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET "
      "value = excluded.value");
  return keep.bind(kCursor).bind(place).run();
}

Result<std::vector<std::pair<std::string, oci::Digest>>> images_with(db::Transaction& tx, const std::string& blob) {
  std::vector<std::pair<std::string, oci::Digest>> images;
  auto rows = tx.prepare(
      "SELECT r.name, m.digest FROM repository_blobs l JOIN repositories r ON r.id = l.repository "
      "JOIN manifest_references f ON f.repository = l.repository AND f.digest = l.blob AND f.kind = 0 "
      "JOIN repository_manifests m ON m.id = f.manifest WHERE l.blob = ? LIMIT ?");
  rows.bind(blob).bind(static_cast<std::uint64_t>(kImagesNamed));
  while (TRY(rows.next())) images.emplace_back(rows.text(0), TRY(stored_digest(rows.text(1))));
  return images;
}

}  // namespace

// The row first: once it says "damaged" nobody is told that the blob is here, whatever becomes of the file.
Result<bool> Registry::Impl::set_aside(const oci::Digest& blob, std::uint64_t size, std::string_view why) {
  Claims::Removal removing(claims, blob);
  if (!removing.is_granted()) return false;  // it is being pushed at this moment: looked at again at the next walk
  const bool is_marked = TRY(database.write([&](db::Transaction& tx) -> Result<bool> {
    auto mark = tx.prepare("UPDATE blobs SET damaged = ? WHERE digest = ? AND damaged IS NULL");
    TRY(mark.bind(clock.now()).bind(blob.to_string()).run());
    if (tx.changes() == 0) return false;  // collected meanwhile
    Json images = Json::array();
    for (const auto& [repository, digest] : TRY(images_with(tx, blob.to_string())))
      images.push(format("{}@{}", repository, digest.to_string()));
    auto details = Json::object({{"size", size}, {"why", why}, {"images", std::move(images)}});
    TRY(journal.append(tx, "system", "blob-damaged", blob.to_string(), std::move(details)));
    return true;
  }));
  if (!is_marked) return false;
  log::error("blob damaged", {{"digest", blob.to_string()}, {"reason", why}});
  TRY(store.quarantine(blob));
  return true;
}

Status Registry::scrub(Scrub& run, const std::function<bool(std::size_t)>& pace) {
  const auto next = TRY(impl_->database.read([](db::Transaction& tx) { return next_blob(tx); }));
  if (!next) {
    TRY(impl_->database.write([](db::Transaction& tx) { return keep_place(tx, ""); }));
    run.is_done = true;
    return {};
  }
  Status sound = impl_->store.verify(next->digest, pace);
  ++run.blobs;
  run.bytes += next->size;
  // A disk that does not answer is no rot: the walk stops and comes back.
  const bool is_bad =
      !sound.ok() && (sound.error().kind() == ErrorKind::Corrupt || sound.error().kind() == ErrorKind::NotFound);
  if (!sound.ok() && !is_bad) return sound;
  if (is_bad && TRY(impl_->set_aside(next->digest, next->size, sound.error().message()))) ++run.damaged;
  return impl_->database.write([&](db::Transaction& tx) { return keep_place(tx, next->digest.to_string()); });
}

Result<std::vector<Damage>> Registry::damages() {
  return impl_->database.read([&](db::Transaction& tx) -> Result<std::vector<Damage>> {
    std::vector<Damage> all;
    auto rows = tx.prepare("SELECT digest, damaged FROM blobs WHERE damaged IS NOT NULL ORDER BY digest LIMIT 1000");
    while (TRY(rows.next())) {
      const std::string blob = rows.text(0);
      const Time found = rows.time(1);
      auto images = TRY(images_with(tx, blob));
      all.push_back({.blob = TRY(stored_digest(blob)), .found = found, .images = std::move(images)});
    }
    return all;
  });
}

}  // namespace pratique::registry
