// Blobs: from an upload's last byte to a link, and from the last link to the unlink.
//
// Order that a crash may cut anywhere: bytes durable → row; row gone → bytes removed. What is left over is bytes that
// no row names; sweep() takes them.
#include <mutex>

#include "base/format.h"
#include "registry/impl.h"
#include "registry/rows.h"

namespace pratique::registry {

namespace {

Error unknown_blob(const oci::Digest& blob) {
  return not_found(format("blob {} is not in this repository", blob.to_string()));
}

// May this blob be linked here although nobody vouches for its source?
Result<bool> is_mountable_by_possession(db::Transaction& tx, const std::vector<Namespace>& namespaces,
                                        std::string_view principal, Mode target, const oci::Digest& blob) {
  if (!TRY(possessed_size(tx, principal, blob))) return false;
  if (target == Mode::Staging) return true;
  // Into an open namespace only what an open one holds already: staged bytes leave by admission alone, even those that
  // their owner could send again.
  auto holders =
      tx.prepare("SELECT r.name FROM repository_blobs l JOIN repositories r ON r.id = l.repository WHERE l.blob = ?");
  holders.bind(blob.to_string());
  while (TRY(holders.next())) {
    const std::string name = holders.text(0);
    for (const auto& space : namespaces) {
      if (space.mode == Mode::Open && name.substr(0, name.find('/')) == space.name) return true;
    }
  }
  return false;
}

Result<bool> is_linked_in(db::Transaction& tx, const oci::RepositoryName& repository, const oci::Digest& blob) {
  auto row = repository_row(tx, repository);
  if (!row.ok()) {
    if (row.error().kind() == ErrorKind::NotFound) return false;
    return row.error();
  }
  return TRY(linked_size(tx, *row, blob)).has_value();
}

Status link_for(db::Transaction& tx, const identity::Principal& who, const oci::RepositoryName& repository,
                const oci::Digest& blob, Time now) {
  const auto row = TRY(ensure_repository(tx, repository, now));
  TRY(link_blob(tx, row, blob));
  return record_possession(tx, who.name(), blob);
}

}  // namespace

Result<Upload> Registry::start_upload(const identity::Principal& who, const oci::RepositoryName& repository) {
  TRY(impl_->writable(repository));
  return impl_->sessions.start(who.name(), repository);
}

Result<Upload> Registry::resume_upload(const identity::Principal& who, const oci::RepositoryName& repository,
                                       const std::string& id) {
  return impl_->sessions.resume(who.name(), repository, id);
}

Status Registry::cancel_upload(const identity::Principal& who, const oci::RepositoryName& repository,
                               const std::string& id) {
  return impl_->sessions.cancel(who.name(), repository, id);
}

Result<oci::Descriptor> Registry::finish_upload(const identity::Principal& who, Upload upload,
                                                const oci::Digest& expected) {
  const std::string id = upload.id();
  const oci::RepositoryName repository = upload.repository();
  std::shared_lock naming(impl_->removal);
  auto committed = upload.impl_->ingest->commit(expected);
  // Any other failure leaves the session to be parked: the bytes may still be committed once the disk is back.
  if (!committed.ok() && committed.error().kind() != ErrorKind::Invalid) return committed.error();
  upload.impl_->ingest.reset();
  Status written = impl_->database.write([&](db::Transaction& tx) -> Status {
    TRY(impl_->sessions.forget_row(tx, id));
    if (!committed.ok()) return {};
    auto insert = tx.prepare("INSERT INTO blobs (digest, size) VALUES (?, ?) ON CONFLICT DO NOTHING");
    TRY(insert.bind(expected.to_string()).bind(committed->size).run());
    TRY(link_for(tx, who, repository, expected, impl_->clock.now()));
    auto details = Json::object({{"repository", repository.text()}, {"size", committed->size}});
    return impl_->journal.append(tx, who.name(), "blob-pushed", expected.to_string(), std::move(details));
  });
  impl_->sessions.forget(id);
  if (!written.ok()) return written.error();
  return committed;
}

Result<bool> Registry::mount(const identity::Principal& who, const oci::RepositoryName& repository,
                             const oci::Digest& blob, const std::optional<oci::RepositoryName>& from) {
  const Namespace* target = TRY(impl_->writable(repository));
  auto may_link = [&](db::Transaction& tx) -> Result<bool> {
    if (from && TRY(is_linked_in(tx, *from, blob))) return true;
    return is_mountable_by_possession(tx, impl_->namespaces, who.name(), target->mode, blob);
  };
  // Asked first without the write lock: clients try to mount every layer, and most cannot be.
  if (!TRY(impl_->database.read(may_link))) return false;
  return impl_->database.write([&](db::Transaction& tx) -> Result<bool> {
    if (!TRY(may_link(tx))) return false;
    TRY(link_for(tx, who, repository, blob, impl_->clock.now()));
    auto details = Json::object({{"repository", repository.text()}, {"from", from ? from->text() : ""}});
    TRY(impl_->journal.append(tx, who.name(), "blob-mounted", blob.to_string(), std::move(details)));
    return true;
  });
}

Result<std::uint64_t> Registry::blob_size(const oci::RepositoryName& repository, const oci::Digest& blob) {
  return impl_->database.read([&](db::Transaction& tx) -> Result<std::uint64_t> {
    const auto row = TRY(repository_row(tx, repository));
    auto size = TRY(linked_size(tx, row, blob));
    if (!size) return unknown_blob(blob);
    return *size;
  });
}

Result<store::Blob> Registry::open_blob(const oci::RepositoryName& repository, const oci::Digest& blob) {
  TRY(blob_size(repository, blob));
  return impl_->store.open_blob(blob);
}

Result<bool> Registry::possesses(const identity::Principal& who, const oci::Digest& blob) {
  return impl_->database.read(
      [&](db::Transaction& tx) -> Result<bool> { return TRY(possessed_size(tx, who.name(), blob)).has_value(); });
}

Status Registry::unlink_blob(const identity::Principal& who, const oci::RepositoryName& repository,
                             const oci::Digest& blob) {
  TRY(impl_->writable(repository));
  auto unlink_and_say_if_last = [&](db::Transaction& tx) -> Result<bool> {
    const auto row = TRY(repository_row(tx, repository));
    auto unlink = tx.prepare("DELETE FROM repository_blobs WHERE repository = ? AND blob = ?");
    TRY(unlink.bind(row).bind(blob.to_string()).run());
    if (tx.changes() == 0) return unknown_blob(blob);
    auto details = Json::object({{"repository", repository.text()}});
    TRY(impl_->journal.append(tx, who.name(), "blob-deleted", blob.to_string(), std::move(details)));
    auto others = tx.prepare("SELECT 1 FROM repository_blobs WHERE blob = ? LIMIT 1");
    others.bind(blob.to_string());
    if (TRY(others.next())) return false;
    for (const char* sql : {"DELETE FROM possession WHERE blob = ?", "DELETE FROM blobs WHERE digest = ?"}) {
      auto remove = tx.prepare(sql);
      TRY(remove.bind(blob.to_string()).run());
    }
    return true;
  };
  const bool was_last = TRY(impl_->database.write(unlink_and_say_if_last));
  return was_last ? impl_->remove_unnamed(blob) : Status();
}

Status Registry::Impl::remove_unnamed(const oci::Digest& blob) {
  std::unique_lock removing(removal);
  const bool is_named = TRY(database.read([&](db::Transaction& tx) -> Result<bool> {
    auto row = tx.prepare("SELECT 1 FROM blobs WHERE digest = ?");
    row.bind(blob.to_string());
    return row.next();
  }));
  return is_named ? Status() : store.remove(blob);
}

Result<Swept> Registry::sweep() {
  Swept swept;
  swept.uploads = TRY(impl_->sessions.sweep());
  std::vector<oci::Digest> unnamed;
  TRY(impl_->database.read([&](db::Transaction& tx) -> Status {
    return impl_->store.for_each([&](const oci::Digest& blob, std::uint64_t) -> Status {
      auto row = tx.prepare("SELECT 1 FROM blobs WHERE digest = ?");
      row.bind(blob.to_string());
      if (!TRY(row.next())) unnamed.push_back(blob);
      return {};
    });
  }));
  for (const auto& blob : unnamed) {
    TRY(impl_->remove_unnamed(blob));
    ++swept.blobs;
  }
  return swept;
}

}  // namespace pratique::registry
