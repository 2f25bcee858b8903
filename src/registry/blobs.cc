// Blobs: from an upload's last byte to a link, and from the last link to the unlink.
//
// Order that a crash may cut anywhere: bytes durable → row; row gone → bytes removed. What is left over is bytes that
// no row names; the collector takes them.
#include "base/format.h"
#include "registry/impl.h"
#include "registry/quota.h"
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

Result<bool> is_linked_at(db::Transaction& tx, std::int64_t repository, const oci::Digest& blob) {
  auto link = tx.prepare("SELECT 1 FROM repository_blobs WHERE repository = ? AND blob = ?");
  link.bind(repository).bind(blob.to_string());
  return link.next();
}

// Bytes that were found damaged and have come again are sound again.
Status record_blob(db::Transaction& tx, const oci::Digest& blob, std::uint64_t size) {
  auto insert = tx.prepare(
      "INSERT INTO blobs (digest, size) VALUES (?, ?) ON CONFLICT (digest) DO UPDATE SET damaged = NULL, "
      "size = excluded.size WHERE damaged IS NOT NULL");
  return insert.bind(blob.to_string()).bind(size).run();
}

Status link_for(db::Transaction& tx, const identity::Principal& who, const oci::RepositoryName& repository,
                const oci::Digest& blob, Time now) {
  const auto row = TRY(ensure_repository(tx, repository, now));
  TRY(link_blob(tx, row, blob, now, who.name()));
  return record_possession(tx, who.name(), blob);
}

}  // namespace

Result<Upload> Registry::start_upload(const identity::Principal& who, const oci::RepositoryName& repository) {
  const Namespace* space = TRY(impl_->writable(repository));
  TRY(impl_->check_pressure(*space));
  const auto limits = TRY(impl_->upload_limits(*space, who.name()));
  return impl_->sessions.start(who.name(), repository, limits);
}

Result<Upload> Registry::resume_upload(const identity::Principal& who, const oci::RepositoryName& repository,
                                       const std::string& id) {
  const Namespace* space = impl_->find(repository.first_component());
  if (space == nullptr) return impl_->sessions.resume(who.name(), repository, id);
  const auto limits = TRY(impl_->upload_limits(*space, who.name()));
  return impl_->sessions.resume(who.name(), repository, id, limits);
}

Status Registry::cancel_upload(const identity::Principal& who, const oci::RepositoryName& repository,
                               const std::string& id) {
  return impl_->sessions.cancel(who.name(), repository, id);
}

Result<oci::Descriptor> Registry::finish_upload(const identity::Principal& who, Upload upload,
                                                const oci::Digest& expected) {
  const std::string id = upload.id();
  const oci::RepositoryName repository = upload.repository();
  const Namespace* space = TRY(impl_->writable(repository));
  const Claims::Naming naming(impl_->claims, expected);
  auto committed = upload.impl_->ingest->commit(expected);
  // Any other failure leaves the session to be parked: the bytes may still be committed once the disk is back.
  if (!committed.ok() && committed.error().kind() != ErrorKind::Invalid) return committed.error();
  upload.impl_->ingest.reset();
  Status written = impl_->database.write([&](db::Transaction& tx) -> Status {
    TRY(impl_->sessions.forget_row(tx, id));
    if (!committed.ok()) return {};
    TRY(record_blob(tx, expected, committed->size));
    TRY(link_for(tx, who, repository, expected, impl_->clock.now()));
    TRY(within_quota(tx, impl_->options, *space, who.name()));
    auto details = Json::object({{"repository", repository.text()}, {"size", committed->size}});
    return impl_->journal.append(tx, who.name(), "blob-pushed", expected.to_string(), std::move(details));
  });
  if (written.ok()) {
    impl_->sessions.forget(id);
    return committed;
  }
  // The bytes have left the session. Whatever row of it is left is no use to anybody, and the collector would find it.
  static_cast<void>(impl_->sessions.drop(id).ok());
  impl_->sessions.forget(id);
  return written.error();
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
    TRY(within_quota(tx, impl_->options, *target, who.name()));
    auto details = Json::object({{"repository", repository.text()}, {"from", from ? from->text() : ""}});
    TRY(impl_->journal.append(tx, who.name(), "blob-mounted", blob.to_string(), std::move(details)));
    return true;
  });
}

Result<std::uint64_t> Registry::blob_size(const oci::RepositoryName& repository, const oci::Digest& blob) {
  std::int64_t row = 0;
  bool is_condemned = false;
  const auto size = TRY(impl_->database.read([&](db::Transaction& tx) -> Result<std::uint64_t> {
    row = TRY(repository_row(tx, repository));
    auto link = tx.prepare(
        "SELECT b.size, l.condemned IS NOT NULL FROM repository_blobs l JOIN blobs b ON b.digest = l.blob "
        "WHERE l.repository = ? AND l.blob = ? AND b.damaged IS NULL");
    link.bind(row).bind(blob.to_string());
    if (!TRY(link.next())) return unknown_blob(blob);
    is_condemned = link.integer(1) != 0;
    return static_cast<std::uint64_t>(link.integer(0));
  }));
  if (is_condemned) {
    TRY(impl_->renew("UPDATE repository_blobs SET condemned = NULL WHERE repository = ? AND blob = ?", row, blob));
  }
  return size;
}

Result<store::Blob> Registry::open_blob(const oci::RepositoryName& repository, const oci::Digest& blob) {
  auto size = blob_size(repository, blob);
  if (!size.ok()) {
    // To whom may read it "damaged" is the truth; a HEAD says "not here", so that a pusher sends it again.
    if (size.error().kind() == ErrorKind::NotFound) TRY(impl_->check_undamaged(repository, blob));
    return size.error();
  }
  return impl_->store.open_blob(blob);
}

Status Registry::Impl::check_undamaged(const oci::RepositoryName& repository, const oci::Digest& blob) {
  return database.read([&](db::Transaction& tx) -> Status {
    auto row = tx.prepare(
        "SELECT b.damaged FROM repositories r JOIN repository_blobs l ON l.repository = r.id JOIN blobs b "
        "ON b.digest = l.blob WHERE r.name = ? AND l.blob = ? AND b.damaged IS NOT NULL");
    row.bind(repository.text()).bind(blob.to_string());
    if (!TRY(row.next())) return {};
    return corrupt(format("blob {} was found damaged on {} and taken aside; pushing it again heals it",
                          blob.to_string(), row.time(0).to_rfc3339()));
  });
}

Status Registry::Impl::renew(std::string_view sql, std::int64_t repository, const oci::Digest& blob) {
  return database.write([&](db::Transaction& tx) -> Status {
    auto update = tx.prepare(sql);
    TRY(update.bind(repository).bind(blob.to_string()).run());
    return tx.changes() > 0 ? Status() : Status(unknown_blob(blob));
  });
}

Result<bool> Registry::possesses(const identity::Principal& who, const oci::Digest& blob) {
  bool is_condemned = false;
  const bool is_there = TRY(impl_->database.read([&](db::Transaction& tx) -> Result<bool> {
    if (!TRY(possessed_size(tx, who.name(), blob)).has_value()) return false;
    auto link = tx.prepare("SELECT 1 FROM repository_blobs WHERE blob = ? AND condemned IS NOT NULL LIMIT 1");
    link.bind(blob.to_string());
    is_condemned = TRY(link.next());
    return true;
  }));
  if (!is_there || !is_condemned) return is_there;
  // Wherever it is linked: a manifest in staging may name it because it is possessed.
  return impl_->database.write([&](db::Transaction& tx) -> Result<bool> {
    auto spare = tx.prepare("UPDATE repository_blobs SET condemned = NULL WHERE blob = ? AND condemned IS NOT NULL");
    TRY(spare.bind(blob.to_string()).run());
    return TRY(possessed_size(tx, who.name(), blob)).has_value();
  });
}

Status Registry::unlink_blob(const identity::Principal& who, const oci::RepositoryName& repository,
                             const oci::Digest& blob) {
  TRY(impl_->writable(repository));
  auto unlink_and_say_if_last = [&](db::Transaction& tx) -> Result<bool> {
    const auto row = TRY(repository_row(tx, repository));
    if (!TRY(is_linked_at(tx, row, blob))) return unknown_blob(blob);
    auto details = Json::object({{"repository", repository.text()}});
    TRY(impl_->journal.append(tx, who.name(), "blob-deleted", blob.to_string(), std::move(details)));
    return impl_->remove_link(tx, row, blob.to_string());
  };
  const bool was_last = TRY(impl_->database.write(unlink_and_say_if_last));
  if (was_last) TRY(impl_->remove_unnamed(blob));
  return {};
}

Result<bool> Registry::Impl::remove_link(db::Transaction& tx, std::int64_t repository, const std::string& blob) {
  auto unlink = tx.prepare("DELETE FROM repository_blobs WHERE repository = ? AND blob = ?");
  TRY(unlink.bind(repository).bind(blob).run());
  auto others = tx.prepare("SELECT 1 FROM repository_blobs WHERE blob = ? LIMIT 1");
  others.bind(blob);
  if (TRY(others.next())) return false;
  for (const char* sql : {"DELETE FROM possession WHERE blob = ?", "DELETE FROM blobs WHERE digest = ?"})
    TRY(tx.prepare(sql).bind(blob).run());
  return true;
}

Result<bool> Registry::Impl::remove_unnamed(const oci::Digest& blob) {
  const Claims::Removal removing(claims, blob);
  if (!removing.is_granted()) return false;
  const bool is_named = TRY(database.read([&](db::Transaction& tx) -> Result<bool> {
    auto row = tx.prepare("SELECT 1 FROM blobs WHERE digest = ?");
    row.bind(blob.to_string());
    return row.next();
  }));
  if (is_named) return false;
  TRY(store.remove(blob));
  return true;
}

Status Registry::Impl::check_pressure(const Namespace& space) const {
  return space.mode == Mode::Staging && pressure_hook ? pressure_hook() : Status();
}

Result<UploadLimits> Registry::Impl::upload_limits(const Namespace& space, const std::string& principal) {
  UploadLimits limits{.held_by_principal_max = options.principal_uploads_max,
                      .held_in_namespace_max = space.uploads_max};
  if (options.principal_bytes_max == 0 && space.bytes_max == 0) return limits;
  limits.allowance = TRY(database.read([&](db::Transaction& tx) { return bytes_left(tx, options, space, principal); }));
  return limits;
}

}  // namespace pratique::registry
