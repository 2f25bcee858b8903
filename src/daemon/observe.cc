#include "daemon/observe.h"

#include <algorithm>
#include <iterator>

#include "base/format.h"
#include "base/text.h"
#include "cli/cli.h"
#include "os/file.h"

namespace pratique::daemon {

namespace {

class Exposition {
 public:
  void add(std::string_view name, std::string_view type, std::string_view help, double value,
           std::string_view labels = "") {
    if (name != last_) text_ += format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
    last_ = name;
    text_ += format("{}{} {}\n", name, labels, value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::string last_;
};

double resident_bytes() {
  auto statm = os::read_file("/proc/self/statm", 4096);
  if (!statm.ok()) return 0;
  auto fields = split(*statm, ' ');
  auto pages = fields.size() > 1 ? parse_decimal(fields[1]) : std::nullopt;
  return pages ? static_cast<double>(*pages) * 4096 : 0;
}

void add_server(Exposition& out, const http::ServerCounters& counters) {
  auto count = [](std::uint64_t n) { return static_cast<double>(n); };
  out.add("pratique_http_connections", "gauge", "Open connections.", count(counters.connections_open));
  out.add("pratique_http_connections_total", "counter", "Accepted connections.", count(counters.connections_total));
  out.add("pratique_http_requests_in_work", "gauge", "Requests being handled.", count(counters.requests_in_work));
  out.add("pratique_http_requests_total", "counter", "Requests.", count(counters.requests_total));
  out.add("pratique_http_rejected_total", "counter", "Requests refused because of a limit.",
          count(counters.rejected_total));
  out.add("pratique_http_received_bytes_total", "counter", "Bytes received.", count(counters.bytes_received));
  out.add("pratique_http_sent_bytes_total", "counter", "Bytes sent.", count(counters.bytes_sent));
  for (auto [status_class, responses] : counters.responses_by_class)
    out.add("pratique_http_responses_total", "counter", "Responses by class.", count(responses),
            format("{{class=\"{}xx\"}}", status_class));
}

// By namespace only: metrics name nobody.
void add_keeping(Exposition& out, const Observed& observed) {
  auto count = [](std::uint64_t n) { return static_cast<double>(n); };
  std::vector<registry::Usage> spaces;
  if (auto usage = observed.registry.usage(); usage.ok())
    std::ranges::copy_if(*usage, std::back_inserter(spaces), &registry::Usage::is_namespace);
  auto add = [&](std::string_view name, std::string_view help, std::uint64_t registry::Usage::* field) {
    for (const auto& space : spaces)
      out.add(name, "gauge", help, count(space.*field), format("{{namespace=\"{}\"}}", space.name));
  };
  add("pratique_namespace_bytes", "Bytes linked in a namespace.", &registry::Usage::bytes);
  add("pratique_namespace_bytes_max", "Its quota; 0: none.", &registry::Usage::bytes_max);
  add("pratique_namespace_uploads", "Uploads in use.", &registry::Usage::uploads);
  const auto totals = observed.upkeep.totals();
  out.add("pratique_collections_total", "counter", "Runs of garbage collection.", count(totals.collections));
  out.add("pratique_collected_blobs_total", "counter", "Blobs collected.", count(totals.blobs_freed));
  out.add("pratique_collected_bytes_total", "counter", "Bytes collected.", count(totals.bytes_freed));
  out.add("pratique_scrubs_total", "counter", "Whole walks over all blobs.", count(totals.scrubs));
  out.add("pratique_scrubbed_bytes_total", "counter", "Bytes read again.", count(totals.bytes_read));
  if (auto damages = observed.registry.damages(); damages.ok())
    out.add("pratique_damaged_blobs", "gauge", "Blobs that are damaged now.", count(damages->size()));
}

http::Response metrics(const Observed& observed) {
  Exposition out;
  out.add("pratique_build_info", "gauge", "The program.", 1, format("{{version=\"{}\"}}", cli::kVersion));
  out.add("pratique_uptime_seconds", "gauge", "Seconds since the start.",
          static_cast<double>((observed.clock.now() - observed.started).count()) / 1e6);
  out.add("process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
  add_server(out, observed.server());
  const auto& info = observed.advisories()->info();
  out.add("pratique_advisories", "gauge", "Advisories in the database.", static_cast<double>(info.advisories));
  out.add("pratique_advisories_age_seconds", "gauge", "Age of the newest advisory data.",
          static_cast<double>((observed.clock.now() - info.newest).count()) / 1e6);
  add_keeping(out, observed);
  auto counts = observed.gate.counts();
  if (counts.ok())
    for (const auto& [state, count] : *counts)
      out.add("pratique_submissions", "gauge", "Submissions by state.", static_cast<double>(count),
              format("{{state=\"{}\"}}", gate::to_string(state)));
  return http::Response::text(200, out.take(), "text/plain; version=0.0.4; charset=utf-8");
}

http::Response readiness(const Observed& observed) {
  Status readable = observed.database.read([](db::Transaction& tx) { return tx.execute("SELECT 1"); });
  if (readable.ok()) return http::Response::text(200, "ready\n");
  return http::Response::text(503, "not ready: the database does not answer\n");
}

}  // namespace

void add_observation_routes(http::Router& router, const Observed& observed) {
  router.add("GET", "/healthz", [](http::Request&) { return http::Response::text(200, "ok\n"); });
  router.add("GET", "/readyz", [observed](http::Request&) { return readiness(observed); });
  router.add("GET", "/metrics", [observed](http::Request&) { return metrics(observed); });
}

}  // namespace pratique::daemon
