#include "registry/quota.h"

#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "registry/impl.h"

namespace pratique::registry {

namespace {

enum Kind { kPrincipal = 0, kNamespace = 1 };

Result<std::uint64_t> bytes_of(db::Transaction& tx, Kind kind, std::string_view name) {
  auto row = tx.prepare("SELECT bytes FROM usage WHERE kind = ? AND name = ?");
  row.bind(static_cast<int>(kind)).bind(name);
  if (!TRY(row.next())) return std::uint64_t{0};
  return static_cast<std::uint64_t>(row.integer(0));
}

Error exceeded(std::string_view whose, std::uint64_t limit) {
  return denied(
      format("{} quota of {} is used up: delete images or tags that are not needed any more and wait for the "
             "next collection, or ask the people who run this gate for more",
             whose, human_bytes(limit)));
}

}  // namespace

Result<std::uint64_t> bytes_left(db::Transaction& tx, const Options& options, const Namespace& space,
                                 std::string_view principal) {
  std::uint64_t left = UINT64_MAX;
  if (const auto limit = options.principal_bytes_max; limit > 0) {
    const auto used = TRY(bytes_of(tx, kPrincipal, principal));
    if (used >= limit) return exceeded("your", limit);
    left = std::min(left, limit - used);
  }
  if (const auto limit = space.bytes_max; limit > 0) {
    const auto used = TRY(bytes_of(tx, kNamespace, space.name));
    if (used >= limit) return exceeded(format("the {}", space.name), limit);
    left = std::min(left, limit - used);
  }
  return left;
}

Status within_quota(db::Transaction& tx, const Options& options, const Namespace& space, std::string_view principal) {
  if (const auto limit = options.principal_bytes_max; limit > 0 && TRY(bytes_of(tx, kPrincipal, principal)) > limit)
    return exceeded("your", limit);
  if (const auto limit = space.bytes_max; limit > 0 && TRY(bytes_of(tx, kNamespace, space.name)) > limit)
    return exceeded(format("the {}", space.name), limit);
  return {};
}

Result<std::vector<Usage>> Registry::usage() {
  auto all = TRY(impl_->database.read([&](db::Transaction& tx) -> Result<std::vector<Usage>> {
    std::vector<Usage> found;
    auto rows = tx.prepare("SELECT kind, name, bytes, links FROM usage ORDER BY kind DESC, name LIMIT 10000");
    while (TRY(rows.next())) {
      found.push_back({.is_namespace = rows.integer(0) == kNamespace,
                       .name = rows.text(1),
                       .bytes = static_cast<std::uint64_t>(rows.integer(2)),
                       .links = static_cast<std::uint64_t>(rows.integer(3))});
    }
    return found;
  }));
  for (auto& one : all) {
    const Namespace* space = one.is_namespace ? impl_->find(one.name) : nullptr;
    one.bytes_max = one.is_namespace ? (space ? space->bytes_max : 0) : impl_->options.principal_bytes_max;
    one.uploads_max = one.is_namespace ? (space ? space->uploads_max : 0) : impl_->options.principal_uploads_max;
    one.uploads = one.is_namespace ? impl_->sessions.held_in(one.name) : impl_->sessions.held_by(one.name);
  }
  return all;
}

void Registry::on_pressure(std::function<Status()> hook) {
  impl_->pressure_hook = std::move(hook);
}

}  // namespace pratique::registry
