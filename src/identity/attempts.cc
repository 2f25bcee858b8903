#include "identity/attempts.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/format.h"
#include "base/hash.h"
#include "base/random.h"

namespace pratique::identity {

namespace {

// Names are whatever a client sends. Filling this costs an attacker one yescrypt an entry.
constexpr std::size_t kNamesMax = 10'000;
// Failures in a row are counted however slowly they come.
constexpr days kNoWindow{3'650};
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

std::string address_key(std::string_view address) {
  in6_addr parsed{};
  if (::inet_pton(AF_INET6, std::string(address).c_str(), &parsed) != 1) return std::string(address);
  std::string_view bytes(reinterpret_cast<const char*>(&parsed), sizeof parsed);
  // "::ffff:192.0.2.7" is the IPv4 address that it holds: all of those share one /64.
  if (IN6_IS_ADDR_V4MAPPED(&parsed)) return "v4 " + to_hex(as_bytes(bytes.substr(12)));
  return "v6 " + to_hex(as_bytes(bytes.substr(0, 8)));
}

namespace {

// Where a person works from; a month covers holidays.
constexpr days kKnownFor{30};

template <typename Map, typename Key>
auto* find_in(Map& map, const Key& key) {
  auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

}  // namespace

std::optional<Duration> Lockout::left(const Failures* failures, int max, Time now) const {
  if (!failures || failures->count < max || now >= failures->last + options_.lockout) return std::nullopt;
  return failures->last + options_.lockout - now;
}

std::optional<Duration> Lockout::locked_for(std::string_view name, std::string_view address, Time now) {
  auto state = state_.lock();
  Pair pair(name, address_key(address));
  if (auto wait = left(find_in(state->by_address, pair.second), options_.address_failures_max, now)) return wait;
  if (auto wait = left(find_in(state->by_pair, pair), options_.failures_max, now)) return wait;
  const Time* seen = find_in(state->known, pair);
  if (seen && now < *seen + kKnownFor) return std::nullopt;
  return left(find_in(state->by_name, name), options_.name_addresses_max, now);
}

void Lockout::note_failure(std::string_view name, std::string_view address, Time now) {
  auto state = state_.lock();
  auto count = [&](auto& map, auto key, int max, Duration window) {
    auto found = map.find(key);
    if (found == map.end()) {
      make_room(map, [](const Failures& failures) { return failures.last; });
      found = map.emplace(std::move(key), Failures{.first = now}).first;
    }
    Failures& failures = found->second;
    // A lock that has run out, or a window that is over, starts the count again.
    if ((failures.count >= max && !left(&failures, max, now)) || now >= failures.first + window)
      failures = Failures{.first = now};
    ++failures.count;
    failures.last = now;
  };
  std::string source = address_key(address);
  count(state->by_address, source, options_.address_failures_max, options_.failure_window);
  if (name.empty()) return;
  Pair pair(name, source);
  count(state->by_pair, pair, options_.failures_max, kNoWindow);
  // Once for each address that begins to guess: one alone must not be able to lock a name for all others.
  bool is_first = state->by_pair[pair].count == 1;
  if (is_first) count(state->by_name, std::string(name), options_.name_addresses_max, options_.failure_window);
}

void Lockout::note_success(std::string_view name, std::string_view address, Time now) {
  auto state = state_.lock();
  Pair pair(name, address_key(address));
  // The counts of the name and the address stay: an attacker with an account must not be able to wipe them.
  state->by_pair.erase(pair);
  if (!state->known.contains(pair)) make_room(state->known, [](Time seen) { return seen; });
  state->known.insert_or_assign(std::move(pair), now);
}

void Lockout::forget(std::string_view name) {
  auto state = state_.lock();
  auto is_it = [&](const auto& entry) { return entry.first.first == name; };
  std::erase_if(state->by_pair, is_it);
  if (auto found = state->by_name.find(name); found != state->by_name.end()) state->by_name.erase(found);
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
