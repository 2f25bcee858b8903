// Ten thousand Dockerfiles, parsed and checked. The claim: within a second.
#include <benchmark/benchmark.h>

#include "base/format.h"
#include "lint/lint.h"

namespace pratique::lint {
namespace {

std::vector<std::string> generated(std::size_t count) {
  std::vector<std::string> files;
  for (std::size_t i = 0; i < count; ++i)
    files.push_back(
        format("FROM docker.io/library/python:3.{}-slim\nLABEL org.opencontainers.image.version=\"0.{}.0\"\n"
               "RUN apt-get update && apt-get install -y --no-install-recommends graphviz=2.{} \\\n"
               "    && rm -rf /var/lib/apt/lists/*\nWORKDIR /app\nCOPY requirements.txt main{}.py ./\n"
               "RUN pip install --no-cache-dir -r requirements.txt | tee log\nENV TMP=/scratch A{}=1\nUSER job\n"
               "CMD [\"python3\", \"main{}.py\"]\n",
               8 + i % 6, i, i % 50, i, i, i));
  return files;
}

void check_ten_thousand(benchmark::State& state) {
  auto files = generated(10'000);
  std::size_t findings = 0;
  for (auto _ : state)
    for (const auto& text : files) findings += check(*parse(text), {.profile = Profile::Tre}).findings.size();
  state.counters["files"] = benchmark::Counter(
      static_cast<double>(files.size()) * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  state.counters["findings"] = static_cast<double>(findings) / static_cast<double>(state.iterations());
}
BENCHMARK(check_ten_thousand)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pratique::lint
