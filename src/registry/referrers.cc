// The referrers list (distribution-spec "Listing Referrers"), with the entries that older clients kept by hand under
// the fallback tag folded in, so that switching between both ways loses nothing.
#include "base/format.h"
#include "registry/impl.h"
#include "registry/rows.h"

namespace pratique::registry {

namespace {

// A referrers list is an index, and clients read at most 4 MiB of one; half of that leaves room for the JSON around it.
constexpr std::size_t kPageBytesMax = 2 << 20;
// distribution-spec "Referrers Tag Schema": at most 32 characters of the algorithm and 64 of the hex digits.
constexpr std::size_t kFallbackEncodedMax = 64;

std::string fallback_tag(const oci::Digest& subject) {
  return format("{}-{}", subject.algorithm() == oci::Algorithm::Sha256 ? "sha256" : "sha512",
                subject.encoded().substr(0, kFallbackEncodedMax));
}

Result<oci::Descriptor> read_descriptor(const db::Statement& row) {
  oci::Descriptor descriptor{.media_type = row.text(1),
                             .digest = TRY(stored_digest(row.text(0))),
                             .size = static_cast<std::uint64_t>(row.integer(2))};
  descriptor.artifact_type = row.text(3);
  const Json annotations = TRY(parse_json(row.text(4)));
  for (const auto& [key, value] : annotations.members()) descriptor.annotations.emplace(key, value.text());
  return descriptor;
}

std::size_t weight(const oci::Descriptor& descriptor) {
  std::size_t bytes = 256;  // digest, size and the JSON around them
  bytes += descriptor.media_type.size() + descriptor.artifact_type.size();
  for (const auto& [key, value] : descriptor.annotations) bytes += key.size() + value.size() + 6;
  return bytes;
}

// Manifests that name the subject, and those without any subject that the index under the fallback tag names. All are
// described by what is here: that index was written by a client and may say anything.
// The two sets first, each by its index: one condition with OR would read every manifest of the repository.
constexpr std::string_view kReferrers =
    "SELECT m.digest, m.media_type, m.size, m.artifact_type, m.annotations FROM repository_manifests m WHERE m.id IN ("
    "SELECT id FROM repository_manifests WHERE repository = ?1 AND subject = ?2 UNION "
    "SELECT c.id FROM tags t JOIN manifest_references f ON f.manifest = t.manifest AND f.kind = 1 "
    "JOIN repository_manifests c ON c.repository = ?1 AND c.digest = f.digest AND c.subject IS NULL "
    "WHERE t.repository = ?1 AND t.name = ?3) "
    "AND m.digest > ?4 AND (?5 IS NULL OR m.artifact_type = ?5) ORDER BY m.digest";

Result<ReferrersPage> read_page(db::Statement rows) {
  ReferrersPage page;
  std::size_t bytes = 0;
  while (TRY(rows.next())) {
    auto descriptor = TRY(read_descriptor(rows));
    bytes += weight(descriptor);
    if (bytes > kPageBytesMax && !page.descriptors.empty()) {
      page.has_more = true;
      break;
    }
    page.descriptors.push_back(std::move(descriptor));
  }
  return page;
}

}  // namespace

Result<ReferrersPage> Registry::referrers(const oci::RepositoryName& repository, const oci::Digest& digest,
                                          const std::optional<std::string>& artifact_type,
                                          const std::optional<oci::Digest>& after) {
  return impl_->database.read([&](db::Transaction& tx) -> Result<ReferrersPage> {
    auto row = repository_row(tx, repository);
    if (!row.ok()) {
      // distribution-spec: a subject nobody refers to is an empty list, never 404.
      if (row.error().kind() == ErrorKind::NotFound) return ReferrersPage{};
      return row.error();
    }
    auto rows = tx.prepare(kReferrers);
    rows.bind(*row).bind(digest.to_string()).bind(fallback_tag(digest));
    rows.bind(after ? after->to_string() : "").bind(artifact_type);
    return read_page(std::move(rows));
  });
}

}  // namespace pratique::registry
