// Comparing two near versions of each scheme, validation included: what a match pays for each advisory.
#include "vuln/version.h"

#include <benchmark/benchmark.h>

namespace pratique::vuln {
namespace {

void compare(benchmark::State& state, VersionScheme scheme, const char* a, const char* b) {
  for (auto _ : state) benchmark::DoNotOptimize(compare_versions(scheme, a, b));
}
BENCHMARK_CAPTURE(compare, dpkg, VersionScheme::Dpkg, "1:1.2.11.dfsg-2+deb11u1", "1:1.2.11.dfsg-2+deb11u2");
BENCHMARK_CAPTURE(compare, apk, VersionScheme::Apk, "1.24.2_git20200101-r9", "1.24.2_git20200101-r10");
BENCHMARK_CAPTURE(compare, rpm, VersionScheme::Rpm, "1:3.0.7-27.el9_4.1", "1:3.0.7-27.el9_4.2");

}  // namespace
}  // namespace pratique::vuln
