#include "identity/attempts.h"

#include <algorithm>

#include "base/format.h"
#include "base/hash.h"
#include "base/random.h"

namespace pratique::identity {

namespace {

// Names are whatever a client sends. Filling this costs an attacker one yescrypt an entry.
constexpr std::size_t kNamesMax = 10'000;
// Long enough for a push or pull of any length between two requests, short enough to matter little if memory leaks.
constexpr minutes kRemembered{5};

// Makes room for one more by removing the entry for which `when` is earliest. Linear, and dwarfed by the hash before
// it.
template <typename Map, typename When>
void make_room(Map& map, When when) {
  if (map.size() < kNamesMax) return;
  map.erase(std::min_element(map.begin(), map.end(),
                             [&](const auto& a, const auto& b) { return when(a.second) < when(b.second); }));
}

std::string field(std::string_view text) {
  return format("{}:{}", text.size(), text);
}

}  // namespace

bool Lockout::is_locked(const Failures& failures, Time now) const {
  return failures.count >= failures_max_ && now < failures.last + lockout_;
}

std::optional<Duration> Lockout::locked_for(std::string_view name, Time now) {
  auto locked = by_name_.lock();
  auto found = locked->find(name);
  if (found == locked->end() || !is_locked(found->second, now)) return std::nullopt;
  return found->second.last + lockout_ - now;
}

void Lockout::note_failure(std::string_view name, Time now) {
  auto locked = by_name_.lock();
  auto found = locked->find(name);
  if (found == locked->end()) {
    make_room(*locked, [](const Failures& failures) { return failures.last; });
    found = locked->emplace(name, Failures{}).first;
  }
  Failures& failures = found->second;
  // A lock that has run out starts the count again; the names that were locked are not remembered as worse.
  if (failures.count >= failures_max_ && !is_locked(failures, now)) failures.count = 0;
  ++failures.count;
  failures.last = now;
}

void Lockout::note_success(std::string_view name) {
  auto locked = by_name_.lock();
  if (auto found = locked->find(name); found != locked->end()) locked->erase(found);
}

VerifiedPasswords::VerifiedPasswords() : key_(random_bytes(32)) {}

std::string VerifiedPasswords::mark_of(std::string_view name, std::string_view password,
                                       std::string_view stored_hash) const {
  auto sum = hmac_sha256(as_bytes(key_), as_bytes(field(name) + field(password) + field(stored_hash)));
  return std::string(as_text(sum));
}

bool VerifiedPasswords::remembers(std::string_view name, std::string_view password, std::string_view stored_hash,
                                  Time now) {
  std::string mark = mark_of(name, password, stored_hash);
  auto locked = by_name_.lock();
  auto found = locked->find(name);
  if (found == locked->end()) return false;
  if (now < found->second.until) return equals_in_constant_time(found->second.mark, mark);
  locked->erase(found);
  return false;
}

void VerifiedPasswords::remember(std::string_view name, std::string_view password, std::string_view stored_hash,
                                 Time now) {
  Memory memory{.mark = mark_of(name, password, stored_hash), .until = now + kRemembered};
  auto locked = by_name_.lock();
  if (!locked->contains(name)) make_room(*locked, [](const Memory& old) { return old.until; });
  locked->insert_or_assign(std::string(name), std::move(memory));
}

void VerifiedPasswords::forget(std::string_view name) {
  auto locked = by_name_.lock();
  if (auto found = locked->find(name); found != locked->end()) locked->erase(found);
}

}  // namespace pratique::identity
