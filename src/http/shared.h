// What the I/O thread and the workers of one server have in common.
#pragma once

#include <array>
#include <atomic>
#include <string>
#include <vector>

#include "http/clients.h"
#include "http/http.h"

namespace pratique::http {

struct AtomicCounters {
  std::atomic<std::uint64_t> connections_open = 0, connections_total = 0, requests_total = 0, requests_in_work = 0;
  std::atomic<std::uint64_t> bytes_received = 0, bytes_sent = 0, rejected_total = 0;
  std::array<std::atomic<std::uint64_t>, 6> by_class{};  // by_class[2]: 2xx

  void count_response(int status, std::uint64_t bytes);
  ServerCounters snapshot() const;
};

struct Shared {
  // constant
  const Handler handler;
  const ServerLimits limits;
  const std::vector<std::string> trusted_proxies;
  // self-synchronised
  AtomicCounters counters;
  ClientConnections connections{};
  RateLimiter rate{limits.requests_per_second_per_client};
  std::atomic<bool> stopping = false;  // answers then close their connection
};

}  // namespace pratique::http
