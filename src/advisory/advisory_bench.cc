// What the header claims: opening in milliseconds, lookups in microseconds, an image's packages in a blink.
//
// With real feeds (PRATIQUE_SHARED) the database is built from them; without, the starter set is all there is and the
// numbers say little.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "advisory/advisory.h"
#include "base/check.h"
#include "os/file.h"

namespace pratique::advisory {
namespace {

std::vector<BuildInput> real_inputs() {
  const char* shared = std::getenv("PRATIQUE_SHARED");
  if (shared == nullptr) return {};
  auto inputs = recognise(std::string(shared) + "/feeds");
  return inputs.ok() ? *inputs : std::vector<BuildInput>{};
}

// One database for all measurements, in a directory that goes with the process.
const std::string& database_path() {
  static const os::TemporaryDirectory directory = *os::TemporaryDirectory::create();
  static const std::string path = [] {
    std::string output = directory.path() + "/db";
    SystemClock clock;
    CHECK(build({.inputs = real_inputs(), .output = output}, clock).ok());
    return output;
  }();
  return path;
}

void build_all_feeds(benchmark::State& state) {
  auto directory = *os::TemporaryDirectory::create();
  SystemClock clock;
  std::uint64_t advisories = 0;
  for (auto _ : state) {
    auto built = build({.inputs = real_inputs(), .output = directory.path() + "/db"}, clock);
    CHECK(built.ok());
    advisories = built->info.advisories;
  }
  state.counters["advisories"] = static_cast<double>(advisories);
}
BENCHMARK(build_all_feeds)->Unit(benchmark::kMillisecond)->Iterations(2);

void open_with_checksum(benchmark::State& state) {
  database_path();
  for (auto _ : state) benchmark::DoNotOptimize(*Database::open(database_path()));
}
BENCHMARK(open_with_checksum)->Unit(benchmark::kMillisecond);

void open_header_only(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(*Database::open(database_path(), Database::Verify::HeaderOnly));
}
BENCHMARK(open_header_only)->Unit(benchmark::kMicrosecond);

// Every key of the database in turn, and as many names that are not there.
void look_up(benchmark::State& state) {
  auto database = *Database::open(database_path());
  std::vector<std::pair<std::string, std::string>> keys;
  CHECK(database
            ->for_each([&](const vuln::Advisory& a) {
              if (keys.empty() || keys.back() != std::pair(a.stream, a.package)) keys.emplace_back(a.stream, a.package);
              return Status();
            })
            .ok());
  if (state.range(0) == 0)
    for (auto& [stream, package] : keys) package += "~";
  std::size_t next = 0;
  for (auto _ : state) {
    next = (next + 7919) % keys.size();
    benchmark::DoNotOptimize(database->lookup(keys[next].first, keys[next].second));
  }
  state.counters["keys"] = static_cast<double>(keys.size());
}
BENCHMARK(look_up)->ArgName("present")->Arg(0)->Arg(1);

void match_200_packages(benchmark::State& state) {
  auto database = *Database::open(database_path());
  vuln::Distribution debian;
  debian.id = "debian";
  debian.version_id = "11";
  std::vector<vuln::Package> packages;
  CHECK(database
            ->for_each([&](const vuln::Advisory& a) {
              bool is_new = packages.empty() || packages.back().name != a.package;
              if (a.stream == "debian:11" && is_new && packages.size() < 200) {
                packages.push_back({.kind = vuln::PackageKind::Deb, .name = a.package, .version = "1.0-1"});
              }
              return Status();
            })
            .ok());
  std::size_t findings = 0;
  for (auto _ : state) findings = match(*database, debian, packages).findings.size();
  state.counters["findings"] = static_cast<double>(findings);
  state.counters["packages"] = static_cast<double>(packages.size());
}
BENCHMARK(match_200_packages)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace pratique::advisory
