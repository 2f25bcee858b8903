// Garbage collection, beside pushes and pulls. In steps, each bounded by kRowsPerStep rows or one directory of the
// store:
//
//   uploads      sessions idle for too long, and their bytes
//   manifests    of staging namespaces: rejected, superseded and withdrawn images, and parts nothing leads to
//   links        blobs that no manifest of their repository names are condemned
//   blobs        links condemned for a lease go; with its last link a blob goes
//   files        bytes that no row names: what a crash left between two steps
//   temporaries  files that a process was writing when it died
//
// Why no push can lose by it. A client relies on a blob because it was told that it is here: by the 201 of an upload or
// mount, or by the 200 of a HEAD. Each of these sets the link's clock back: an upload or mount links anew (`linked` is
// now, `condemned` is cleared), and a HEAD clears `condemned` before it answers. A link goes only when no manifest
// named it, it was linked `unreferenced_kept` ago, and it has been condemned for a whole `lease`, looked at again in
// the transaction that deletes it. So from its last answer a client has a lease to send the manifest. That push is one
// transaction which finds the link or does not; there is one writer, so it comes before the deletion, and its
// references keep the link, or after, and it is told which blobs to send: never acknowledged and broken. The bytes: a
// row is deleted before its bytes are, and Claims (claims.h) keeps the unlink away from an upload that is between its
// rename and its row. Whoever reads a blob at that moment holds it open. A clock set forward only shortens a lease: a
// push in that moment is told to send again.
#include "base/format.h"
#include "base/log.h"
#include "registry/impl.h"
#include "registry/rows.h"

namespace pratique::registry {

namespace {

// Some milliseconds of look-ups. What has to be written takes the database's one writer for less than that.
constexpr std::size_t kRowsPerStep = 256;
// How many of them one write transaction deletes: each may take the possession of many principals with it.
constexpr std::size_t kDeletesPerStep = 64;

struct Link {
  std::int64_t repository = 0;
  std::string blob;
  std::uint64_t size = 0;
};

// A cursor "number text" as the collection carries it.
std::pair<std::int64_t, std::string> read_cursor(const std::string& cursor) {
  const auto space = cursor.find(' ');
  if (space == std::string::npos) return {0, ""};
  return {std::stoll(cursor.substr(0, space)), cursor.substr(space + 1)};
}

Result<bool> is_referenced(db::Transaction& tx, std::int64_t repository, const std::string& blob) {
  auto row = tx.prepare("SELECT 1 FROM manifest_references WHERE repository = ? AND digest = ? AND kind = 0 LIMIT 1");
  row.bind(repository).bind(blob);
  return row.next();
}

// For a dry run: would the blob go with this link? Counted once, at the first of its links.
Result<bool> goes_with(db::Transaction& tx, const Link& link) {
  auto others = tx.prepare("SELECT repository FROM repository_blobs WHERE blob = ? ORDER BY repository");
  others.bind(link.blob);
  while (TRY(others.next())) {
    const auto repository = others.integer(0);
    if (repository < link.repository || TRY(is_referenced(tx, repository, link.blob))) return false;
  }
  return true;
}

// What the collector asks of one staging manifest.
struct StagedManifest {
  std::int64_t id = 0;
  std::string digest;
  std::optional<std::string> subject;
};

Result<bool> exists(db::Statement statement) {
  return statement.next();
}

Result<bool> is_part_of_another(db::Transaction& tx, std::int64_t repository, const StagedManifest& manifest) {
  auto parent =
      tx.prepare("SELECT 1 FROM manifest_references WHERE repository = ? AND digest = ? AND kind = 1 LIMIT 1");
  parent.bind(repository).bind(manifest.digest);
  if (TRY(exists(std::move(parent)))) return true;
  if (!manifest.subject) return false;
  auto subject = tx.prepare("SELECT 1 FROM repository_manifests WHERE repository = ? AND digest = ?");
  subject.bind(repository).bind(*manifest.subject);
  return exists(std::move(subject));
}

}  // namespace

// True while a submission of this image may still need it, or nothing was ever submitted and a tag leads to it.
Result<bool> Registry::Impl::is_needed(db::Transaction& tx, const std::string& repository, std::int64_t manifest,
                                       const std::string& digest, Time before) {
  bool was_staged = false;
  auto images = tx.prepare("SELECT id FROM staged_images WHERE repository = ? AND digest = ?");
  images.bind(repository).bind(digest);
  while (TRY(images.next())) {
    was_staged = true;
    if (!needed_hook || TRY(needed_hook(tx, images.integer(0), before))) return true;
  }
  if (was_staged) return false;
  auto tag = tx.prepare("SELECT 1 FROM tags WHERE manifest = ? LIMIT 1");
  tag.bind(manifest);
  return tag.next();
}

Status Registry::Impl::collect_manifests(Collection& run) {
  const Time before = clock.now() - options.staged_kept;
  std::vector<std::pair<std::int64_t, std::string>> doomed;  // with its repository's name
  // One repository a step, a page of its manifests at a time.
  auto [row, after] = read_cursor(run.cursor);
  const bool is_at_end = TRY(database.read([&](db::Transaction& tx) -> Result<bool> {
    auto next = tx.prepare("SELECT id, name FROM repositories WHERE id >= ? ORDER BY id LIMIT 1");
    next.bind(row);
    if (!TRY(next.next())) return true;
    const auto repository = next.integer(0);
    const std::string name = next.text(1);
    if (repository != row) after.clear();
    const Namespace* space = find(std::string_view(name).substr(0, name.find('/')));
    std::size_t seen = 0;
    if (space != nullptr && space->mode == Mode::Staging) {
      auto rows = tx.prepare(
          "SELECT id, digest, subject, pushed FROM repository_manifests WHERE repository = ? AND digest > ? "
          "ORDER BY digest LIMIT ?");
      rows.bind(repository).bind(after).bind(static_cast<std::uint64_t>(kRowsPerStep));
      while (TRY(rows.next())) {
        ++seen;
        StagedManifest manifest{rows.integer(0), rows.text(1), rows.optional_text(2)};
        after = manifest.digest;
        if (rows.time(3) >= before || TRY(is_part_of_another(tx, repository, manifest))) continue;
        if (!TRY(is_needed(tx, name, manifest.id, manifest.digest, before))) doomed.emplace_back(manifest.id, name);
      }
    }
    run.looked_at += seen;
    run.cursor = seen == kRowsPerStep ? format("{} {}", repository, after) : format("{} ", repository + 1);
    return false;
  }));
  for (const auto& [manifest, name] : doomed) TRY(collect_manifest(run, manifest, name, before));
  if (is_at_end) next_stage(run, "links");
  return {};
}

// Looked at again inside the transaction: a push may have taken it up meanwhile.
Status Registry::Impl::collect_manifest(Collection& run, std::int64_t manifest, const std::string& repository,
                                        Time before) {
  if (run.is_dry_run) return ++run.manifests, Status();
  return database.write([&](db::Transaction& tx) -> Status {
    auto row = tx.prepare("SELECT digest, pushed, repository, subject FROM repository_manifests WHERE id = ?");
    row.bind(manifest);
    if (!TRY(row.next()) || row.time(1) >= before) return {};
    StagedManifest found{manifest, row.text(0), row.optional_text(3)};
    if (TRY(is_part_of_another(tx, row.integer(2), found))) return {};
    if (TRY(is_needed(tx, repository, manifest, found.digest, before))) return {};
    TRY(tx.prepare("DELETE FROM repository_manifests WHERE id = ?").bind(manifest).run());
    TRY(drop_unused_content(tx, found.digest));
    ++run.manifests;
    auto details = Json::object({{"repository", repository}});
    return journal.append(tx, "system", "manifest-collected", found.digest, std::move(details));
  });
}

Status Registry::Impl::condemn_links(Collection& run) {
  const Time now = clock.now();
  std::vector<Link> unused;
  std::size_t seen = 0;
  auto [repository, blob] = read_cursor(run.cursor);
  TRY(database.read([&](db::Transaction& tx) -> Status {
    auto rows = tx.prepare(
        "SELECT l.repository, l.blob, b.size, l.linked, l.condemned FROM repository_blobs l JOIN blobs b "
        "ON b.digest = l.blob WHERE (l.repository, l.blob) > (?, ?) ORDER BY l.repository, l.blob LIMIT ?");
    rows.bind(repository).bind(blob).bind(static_cast<std::uint64_t>(kRowsPerStep));
    while (TRY(rows.next())) {
      ++seen;
      Link link{rows.integer(0), rows.text(1), static_cast<std::uint64_t>(rows.integer(2))};
      run.cursor = format("{} {}", link.repository, link.blob);
      if (rows.time(3) > now - options.unreferenced_kept || (!rows.is_null(4) && !run.is_dry_run)) continue;
      if (TRY(is_referenced(tx, link.repository, link.blob))) continue;
      if (run.is_dry_run) {
        ++run.links;
        if (!TRY(goes_with(tx, link))) continue;
        ++run.blobs;
        run.bytes += link.size;
      } else {
        unused.push_back(std::move(link));
      }
    }
    return {};
  }));
  run.looked_at += seen;
  if (seen < kRowsPerStep) next_stage(run, "blobs");
  if (unused.empty()) return {};
  return database.write([&](db::Transaction& tx) -> Status {
    for (const auto& link : unused) {
      auto mark = tx.prepare(
          "UPDATE repository_blobs SET condemned = ? WHERE repository = ? AND blob = ? AND condemned IS NULL "
          "AND linked <= ?");
      TRY(mark.bind(now).bind(link.repository).bind(link.blob).bind(now - options.unreferenced_kept).run());
    }
    return {};
  });
}

Status Registry::Impl::remove_condemned(Collection& run) {
  if (run.is_dry_run) return next_stage(run, "files"), Status();
  const Time due = clock.now() - options.lease;
  std::vector<Link> gone;
  std::size_t seen = 0;
  TRY(database.write([&](db::Transaction& tx) -> Status {
    std::vector<Link> candidates;
    auto rows = tx.prepare(
        "SELECT l.repository, l.blob, b.size FROM repository_blobs l JOIN blobs b ON b.digest = l.blob "
        "WHERE l.condemned <= ? LIMIT ?");
    rows.bind(due).bind(static_cast<std::uint64_t>(kDeletesPerStep));
    while (TRY(rows.next()))
      candidates.push_back({rows.integer(0), rows.text(1), static_cast<std::uint64_t>(rows.integer(2))});
    seen = candidates.size();
    std::size_t links = 0;
    Json names = Json::array();
    for (auto& link : candidates) {
      if (TRY(is_referenced(tx, link.repository, link.blob))) {
        auto spare = tx.prepare("UPDATE repository_blobs SET condemned = NULL WHERE repository = ? AND blob = ?");
        TRY(spare.bind(link.repository).bind(link.blob).run());
        continue;
      }
      ++links;
      if (!TRY(remove_link(tx, link.repository, link.blob))) continue;
      names.push(link.blob);
      gone.push_back(std::move(link));
    }
    run.links += links;
    if (links == 0) return {};
    auto details = Json::object({{"links", links}, {"blobs", std::move(names)}});
    return journal.append(tx, "system", "blobs-collected", "store", std::move(details));
  }));
  run.looked_at += seen;
  for (const auto& link : gone) {
    TRY(remove_unnamed(TRY(stored_digest(link.blob))));
    ++run.blobs;
    run.bytes += link.size;
  }
  if (seen < kDeletesPerStep) next_stage(run, "files");
  return {};
}

// One directory of the store. Bytes that a push is just bringing have no row yet: Claims keeps them.
Status Registry::Impl::collect_files(Collection& run) {
  const std::size_t shard = run.cursor.empty() ? 0 : std::stoull(run.cursor);
  std::vector<std::pair<oci::Digest, std::uint64_t>> unnamed;
  const auto files = TRY(store.blobs_in(shard));
  run.looked_at += files.size();
  TRY(database.read([&](db::Transaction& tx) -> Status {
    for (const auto& [blob, size] : files) {
      auto row = tx.prepare("SELECT 1 FROM blobs WHERE digest = ?");
      row.bind(blob.to_string());
      if (!TRY(row.next())) unnamed.emplace_back(blob, size);
    }
    return {};
  }));
  for (const auto& [blob, size] : unnamed) {
    if (!run.is_dry_run && !TRY(remove_unnamed(blob))) continue;
    ++run.blobs;
    run.bytes += size;
  }
  run.cursor = format("{}", shard + 1);
  if (shard + 1 == store::kShards) next_stage(run, "temporaries");
  return {};
}

void Registry::Impl::next_stage(Collection& run, std::string_view stage) {
  run.stage = stage;
  run.cursor.clear();
}

Status Registry::collect(Collection& run) {
  CHECK(!run.is_done(), "collect() after the end");
  if (run.stage.empty()) impl_->next_stage(run, "uploads");
  if (run.stage == "manifests") return impl_->collect_manifests(run);
  if (run.stage == "links") return impl_->condemn_links(run);
  if (run.stage == "blobs") return impl_->remove_condemned(run);
  if (run.stage == "files") return impl_->collect_files(run);
  if (run.stage == "temporaries") {
    if (!run.is_dry_run) run.temporaries += impl_->store.clean_temporaries();
    impl_->next_stage(run, "done");
    return {};
  }
  run.uploads += TRY(impl_->sessions.sweep(run.is_dry_run));
  impl_->next_stage(run, "manifests");
  return {};
}

void Registry::on_needed(std::function<Result<bool>(db::Transaction&, std::int64_t, Time)> hook) {
  impl_->needed_hook = std::move(hook);
}

}  // namespace pratique::registry
