#include "faults/invariants.h"

#include "base/format.h"
#include "os/file.h"

namespace pratique::faults {

namespace {

// Rows that a question gives are violations: their first column says of what.
struct Question {
  std::string_view sql;
  std::string_view problem;
};

constexpr Question kQuestions[] = {
    {"SELECT f.digest FROM manifest_references f LEFT JOIN repository_blobs l ON l.repository = f.repository "
     "AND l.blob = f.digest WHERE f.kind = 0 AND l.blob IS NULL",
     "is named by a manifest and not linked"},
    {"SELECT f.digest FROM manifest_references f LEFT JOIN repository_manifests m ON m.repository = f.repository "
     "AND m.digest = f.digest WHERE f.kind = 1 AND m.id IS NULL",
     "is a child that is not there"},
    {"SELECT f.digest FROM manifest_references f JOIN repository_manifests m ON m.id = f.manifest "
     "WHERE m.repository <> f.repository",
     "is named under another repository than its manifest's"},
    {"SELECT t.name FROM tags t LEFT JOIN repository_manifests m ON m.id = t.manifest AND m.repository = t.repository "
     "WHERE m.id IS NULL",
     "is a tag that leads nowhere"},
    {"SELECT m.digest FROM repository_manifests m LEFT JOIN manifests c ON c.digest = m.digest WHERE c.digest IS NULL",
     "is a manifest without bytes"},
    {"SELECT b.digest FROM blobs b WHERE NOT EXISTS (SELECT 1 FROM repository_blobs WHERE blob = b.digest)",
     "is a blob without a link"},
    {"SELECT u.name FROM usage u WHERE u.kind = 0 AND u.bytes <> (SELECT coalesce(sum(b.size), 0) "
     "FROM repository_blobs l JOIN blobs b ON b.digest = l.blob WHERE l.owner = u.name)",
     "is a principal whose quota is counted wrongly"},
    {"SELECT u.name FROM usage u WHERE u.kind = 1 AND u.bytes <> (SELECT coalesce(sum(b.size), 0) "
     "FROM repository_blobs l JOIN blobs b ON b.digest = l.blob JOIN repositories r ON r.id = l.repository "
     "WHERE substr(r.name, 1, instr(r.name || '/', '/') - 1) = u.name)",
     "is a namespace whose quota is counted wrongly"},
};

Status ask(db::Transaction& tx, const Question& question, std::vector<std::string>& found) {
  auto rows = tx.prepare(question.sql);
  while (TRY(rows.next())) found.push_back(format("{} {}", rows.text(0), question.problem));
  return {};
}

Status look(db::Transaction& tx, const Kept& kept, std::vector<std::string>& found) {
  for (const auto& question : kQuestions) TRY(ask(tx, question, found));
  auto blobs = tx.prepare("SELECT digest FROM blobs WHERE damaged IS NULL");
  while (TRY(blobs.next())) {
    const auto digest = TRY(oci::Digest::parse(blobs.text(0)));
    if (auto sound = kept.store.verify(digest); !sound.ok()) found.push_back(sound.error().message());
  }
  return {};
}

}  // namespace

std::vector<std::string> violations(const Kept& kept) {
  std::vector<std::string> found;
  Status looked = kept.database.read([&](db::Transaction& tx) { return look(tx, kept, found); });
  if (!looked.ok()) found.push_back(looked.error().message());
  if (auto whole = kept.database.check_integrity(); !whole.ok()) found.push_back(whole.error().message());
  auto chain = kept.journal.verify();
  if (!chain.ok() || !chain->holds()) found.emplace_back("the journal's chain does not hold");
  return found;
}

std::vector<std::string> orphans(const Kept& kept, const std::string& directory) {
  std::vector<std::string> found;
  Status looked = kept.database.read([&](db::Transaction& tx) -> Status {
    return kept.store.for_each([&](const oci::Digest& digest, std::uint64_t) -> Status {
      auto row = tx.prepare("SELECT 1 FROM blobs WHERE digest = ?");
      row.bind(digest.to_string());
      if (!TRY(row.next())) found.push_back(digest.to_string() + " has bytes and no row");
      return {};
    });
  });
  if (!looked.ok()) found.push_back(looked.error().message());
  for (const auto& name : os::list_directory(directory + "/uploads")) found.push_back("uploads/" + name + " is left");
  return found;
}

}  // namespace pratique::faults
