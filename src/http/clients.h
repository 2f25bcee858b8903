// What one client may take of the server: connections and requests a second. A client is an IPv4 address or an IPv6
// /64, which is what one customer of a network gets. Thread-safe; memory is bounded.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace pratique::http {

// "192.0.2.7" as it is, "2001:db8:1:2:3::4" as "2001:db8:1:2::", anything else as it is.
std::string client_key(std::string_view address);

class ClientConnections {
 public:
  // How many this client has with the new one. Each enter() needs its leave().
  std::size_t enter(const std::string& address);
  void leave(const std::string& address);

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::size_t> open_;  // guarded by mutex_; no entry is 0
};

// A bucket of tokens for each client.
class RateLimiter {
 public:
  explicit RateLimiter(std::size_t per_second) : per_second_(static_cast<double>(per_second)) {}
  // nullopt: go on. Else how long until the next request is let through.
  std::optional<std::chrono::seconds> admit(const std::string& address, std::chrono::steady_clock::time_point now);
  std::size_t clients() const;

 private:
  struct Bucket {
    double tokens;
    std::chrono::steady_clock::time_point filled;
  };
  double tokens_at(const Bucket& bucket, std::chrono::steady_clock::time_point now) const;
  void make_room(std::chrono::steady_clock::time_point now);

  const double per_second_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;  // guarded by mutex_
};

}  // namespace pratique::http
