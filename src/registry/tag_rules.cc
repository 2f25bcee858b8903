#include "registry/tag_rules.h"

#include <algorithm>

#include "base/format.h"
#include "base/text.h"

namespace pratique::registry {

namespace {

bool matches_any(const std::vector<std::string>& patterns, std::string_view tag) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) { return matches(pattern, tag); });
}

Status check_unmoved(db::Transaction& tx, const Namespace& space, const std::string& repository, const oci::Tag& tag,
                     const oci::Digest& digest) {
  if (!matches_any(space.immutable_tags, tag.text())) return {};
  auto row = tx.prepare(
      "SELECT m.digest FROM repositories r JOIN tags t ON t.repository = r.id JOIN repository_manifests m "
      "ON m.id = t.manifest WHERE r.name = ? AND t.name = ?");
  row.bind(repository).bind(tag.text());
  if (!TRY(row.next()) || row.text(0) == digest.to_string()) return {};
  return conflict(format("tag {} of {} is immutable and stands for {}; push under another tag", tag.text(), repository,
                         row.text(0)));
}

}  // namespace

// Backtracks to the last "*" only, so that no pattern takes more than |pattern| · |tag| steps.
bool matches(std::string_view pattern, std::string_view tag) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < tag.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == tag[t]) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Status may_set_tag(db::Transaction& tx, const Namespace& space, const Namespace* target, const identity::Principal& who,
                   const oci::RepositoryName& repository, const oci::Tag& tag, const oci::Digest& digest) {
  if (matches_any(space.protected_tags, tag.text()) && !who.has(identity::Role::Admin)) {
    return denied(format("tag {} is protected in {}: only an administrator may set it; push under another tag",
                         tag.text(), space.name));
  }
  TRY(check_unmoved(tx, space, repository.text(), tag, digest));
  if (target == nullptr) return {};
  return check_unmoved(tx, *target, format("{}/{}", target->name, repository.after_first_component()), tag, digest);
}

Status may_delete_tag(const Namespace& space, const identity::Principal& who, std::string_view tag) {
  if (matches_any(space.immutable_tags, tag)) {
    return conflict(format("tag {} is immutable in {} and cannot be deleted, nor the manifest it stands for",
                           printable(tag), space.name));
  }
  if (!matches_any(space.protected_tags, tag) || who.has(identity::Role::Admin)) return {};
  return denied(format("tag {} is protected in {}: only an administrator may delete it", printable(tag), space.name));
}

Status may_promote_tag(db::Transaction& tx, const Namespace& approved, const oci::RepositoryName& repository,
                       const oci::Tag& tag, const oci::Digest& digest) {
  return check_unmoved(tx, approved, repository.text(), tag, digest);
}

}  // namespace pratique::registry
