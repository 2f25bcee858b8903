#include "http/shared.h"

#include <algorithm>

namespace pratique::http {

void AtomicCounters::count_response(int status, std::uint64_t bytes) {
  by_class[static_cast<std::size_t>(std::clamp(status / 100, 0, 5))].fetch_add(1, std::memory_order_relaxed);
  bytes_sent.fetch_add(bytes, std::memory_order_relaxed);
}

ServerCounters AtomicCounters::snapshot() const {
  ServerCounters now{.connections_open = connections_open,
                     .connections_total = connections_total,
                     .requests_total = requests_total,
                     .requests_in_work = requests_in_work,
                     .bytes_received = bytes_received,
                     .bytes_sent = bytes_sent,
                     .rejected_total = rejected_total,
                     .responses_by_class = {}};
  for (std::size_t i = 1; i < by_class.size(); ++i)
    now.responses_by_class.emplace_back(static_cast<int>(i), by_class[i]);
  return now;
}

}  // namespace pratique::http
