// The step that turns a push into a submission. Only this file makes a StagedImage.
#include "base/format.h"
#include "registry/impl.h"
#include "registry/rows.h"

namespace pratique::registry {

Result<StagedImage> Registry::Impl::stage(db::Transaction& tx, const identity::Principal& who,
                                          const oci::RepositoryName& repository, const oci::Tag& tag,
                                          const oci::Digest& digest) {
  const Time now = clock.now();
  auto insert =
      tx.prepare("INSERT INTO staged_images (repository, tag, digest, submitter, staged) VALUES (?, ?, ?, ?, ?)");
  TRY(insert.bind(repository.text()).bind(tag.text()).bind(digest.to_string()).bind(who.name()).bind(now).run());
  StagedImage image(tx.last_insert_id(), repository, tag, digest, who.name(), now);
  auto details = Json::object({{"repository", repository.text()}, {"tag", tag.text()}, {"staged", image.id()}});
  TRY(journal.append(tx, who.name(), "image-staged", digest.to_string(), std::move(details)));
  if (staged_hook) TRY(staged_hook(tx, image));
  return image;
}

void Registry::on_staged(std::function<Status(db::Transaction&, const StagedImage&)> hook) {
  impl_->staged_hook = std::move(hook);
}

Result<StagedImage> Registry::staged_image(std::int64_t id) {
  return impl_->database.read([&](db::Transaction& tx) -> Result<StagedImage> {
    auto row = tx.prepare("SELECT repository, tag, digest, submitter, staged FROM staged_images WHERE id = ?");
    row.bind(id);
    if (!TRY(row.next())) return not_found(format("no image was staged under number {}", id));
    return StagedImage(id, TRY(oci::RepositoryName::parse(row.text(0))), TRY(oci::Tag::parse(row.text(1))),
                       TRY(stored_digest(row.text(2))), row.text(3), row.time(4));
  });
}

}  // namespace pratique::registry
