#include "registry/registry.h"

#include <algorithm>

#include "base/format.h"
#include "registry/impl.h"
#include "registry/rows.h"
#include "registry/schema.h"

namespace pratique::registry {

namespace {

// What a list without a limit gives at most: a page of names stays around a megabyte, the rest follows by Link.
constexpr std::size_t kPageMax = 10'000;

// Where the names of those namespaces lie among all names, as [low, high) in byte order, so that a list reads what it
// gives and not what others have: a namespace's own name, and what follows its slash ("0" is the byte after "/").
std::vector<std::pair<std::string, std::string>> ranges_of(const std::vector<Namespace>& namespaces,
                                                           const std::set<Mode>& modes) {
  std::vector<std::pair<std::string, std::string>> ranges;
  for (const auto& space : namespaces) {
    if (!modes.contains(space.mode)) continue;
    ranges.emplace_back(space.name, space.name + '\0');
    ranges.emplace_back(space.name + "/", space.name + "0");
  }
  std::ranges::sort(ranges);
  return ranges;
}

}  // namespace

std::string_view to_string(Mode mode) {
  switch (mode) {
    case Mode::Open:
      return "open";
    case Mode::Staging:
      return "staging";
    case Mode::Approved:
      return "approved";
  }
  CHECK(false, "a mode that is none");
}

Registry::Registry(db::Database& database, store::Store& store, journal::Journal& journal, const Clock& clock,
                   std::vector<Namespace> namespaces, Options options)
    : impl_(std::make_unique<Impl>(database, store, journal, clock, std::move(namespaces), options)) {}
Registry::~Registry() = default;

std::span<const db::Migration> Registry::migrations() {
  return schema_migrations();
}

const std::vector<Namespace>& Registry::namespaces() const {
  return impl_->namespaces;
}

Result<Namespace> Registry::namespace_of(const oci::RepositoryName& repository) const {
  const Namespace* found = impl_->find(repository.first_component());
  if (found == nullptr) {
    return not_found(format("there is no namespace {} here", std::string(repository.first_component())));
  }
  return *found;
}

const Namespace* Registry::Impl::find(std::string_view name) const {
  auto found = std::ranges::find(namespaces, name, &Namespace::name);
  return found == namespaces.end() ? nullptr : &*found;
}

Result<const Namespace*> Registry::Impl::writable(const oci::RepositoryName& repository) const {
  const Namespace* found = find(repository.first_component());
  if (found == nullptr) {
    return not_found(format("there is no namespace {} here", std::string(repository.first_component())));
  }
  if (found->mode == Mode::Approved) {
    return denied(format("{} is filled by approval only and takes no pushes or deletes", found->name));
  }
  return found;
}

Result<Page> Registry::tags(const oci::RepositoryName& repository, const std::optional<std::string>& last,
                            std::optional<std::size_t> limit) {
  const std::size_t wanted = std::min(limit.value_or(kPageMax), kPageMax);
  return impl_->database.read([&](db::Transaction& tx) -> Result<Page> {
    const auto row = TRY(repository_row(tx, repository));
    Page page;
    if (wanted == 0) return page;
    auto statement = tx.prepare("SELECT name FROM tags WHERE repository = ? AND name > ? ORDER BY name LIMIT ?");
    statement.bind(row).bind(last.value_or("")).bind(static_cast<std::uint64_t>(wanted + 1));
    while (TRY(statement.next())) page.names.push_back(statement.text(0));
    page.has_more = page.names.size() > wanted;
    if (page.has_more) page.names.pop_back();
    return page;
  });
}

Result<Time> Registry::created(const oci::RepositoryName& repository) {
  return impl_->database.read([&](db::Transaction& tx) -> Result<Time> {
    const auto row = TRY(repository_row(tx, repository));
    auto statement = tx.prepare("SELECT created FROM repositories WHERE id = ?");
    statement.bind(row);
    if (!TRY(statement.next())) return not_found("there is no such repository");
    return statement.time(0);
  });
}

Result<Page> Registry::repositories(const std::optional<std::string>& last, std::optional<std::size_t> limit,
                                    const std::set<Mode>& modes) {
  const std::size_t wanted = std::min(limit.value_or(kPageMax), kPageMax);
  const auto ranges = ranges_of(impl_->namespaces, modes);
  return impl_->database.read([&](db::Transaction& tx) -> Result<Page> {
    Page page;
    if (wanted == 0) return page;
    for (const auto& [low, high] : ranges) {
      auto statement =
          tx.prepare("SELECT name FROM repositories WHERE name >= ? AND name < ? AND name > ? ORDER BY name LIMIT ?");
      statement.bind(low).bind(high).bind(last.value_or(""));
      statement.bind(static_cast<std::uint64_t>(wanted + 1 - page.names.size()));
      while (TRY(statement.next())) page.names.push_back(statement.text(0));
      page.has_more = page.names.size() > wanted;
      if (!page.has_more) continue;
      page.names.pop_back();
      break;
    }
    return page;
  });
}

}  // namespace pratique::registry
