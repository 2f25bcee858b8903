#include "http/clients.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace pratique::http {

namespace {

// Ten seconds' worth at once: a client that opens an image asks for its manifests and blobs in one go.
constexpr double kBurstSeconds = 10;
// 100 bytes each. Beyond it those that have not asked for a while are forgotten, which is what a full bucket means.
constexpr std::size_t kClientsMax = 65'536;

}  // namespace

std::string client_key(std::string_view address) {
  const std::string text(address.substr(0, INET6_ADDRSTRLEN));
  in6_addr v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1) return text;
  std::memset(&v6.s6_addr[8], 0, 8);
  char shown[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(AF_INET6, &v6, shown, sizeof shown);
  return shown;
}

std::size_t ClientConnections::enter(const std::string& address) {
  const std::string key = client_key(address);
  std::lock_guard lock(mutex_);
  return ++open_[key];
}

void ClientConnections::leave(const std::string& address) {
  const std::string key = client_key(address);
  std::lock_guard lock(mutex_);
  const auto entry = open_.find(key);
  if (entry != open_.end() && --entry->second == 0) open_.erase(entry);
}

double RateLimiter::tokens_at(const Bucket& bucket, std::chrono::steady_clock::time_point now) const {
  const double passed = std::chrono::duration<double>(now - bucket.filled).count();
  return std::min(bucket.tokens + std::max(passed, 0.0) * per_second_, kBurstSeconds * per_second_);
}

std::optional<std::chrono::seconds> RateLimiter::admit(const std::string& address,
                                                       std::chrono::steady_clock::time_point now) {
  if (per_second_ <= 0) return std::nullopt;
  const std::string key = client_key(address);
  std::lock_guard lock(mutex_);
  if (buckets_.size() >= kClientsMax && !buckets_.contains(key)) make_room(now);
  auto& bucket = buckets_.try_emplace(key, Bucket{kBurstSeconds * per_second_, now}).first->second;
  bucket = {tokens_at(bucket, now), now};
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return std::nullopt;
  }
  return std::chrono::seconds(std::max(1L, std::lround(std::ceil((1 - bucket.tokens) / per_second_))));
}

void RateLimiter::make_room(std::chrono::steady_clock::time_point now) {
  const double full = kBurstSeconds * per_second_;
  std::erase_if(buckets_, [&](const auto& entry) { return tokens_at(entry.second, now) >= full; });
  // All of them are busy: a flood from many addresses. Forgetting one gives it a full bucket, no more.
  if (buckets_.size() >= kClientsMax) buckets_.erase(buckets_.begin());
}

std::size_t RateLimiter::clients() const {
  std::lock_guard lock(mutex_);
  return buckets_.size();
}

}  // namespace pratique::http
