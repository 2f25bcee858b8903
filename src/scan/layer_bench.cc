// How fast a layer is catalogued: 340 MB of archive, as gzip and zstd, through the real worker and in this process.
// Targets (compressed bytes a second): gzip >= 0.27 GB/s, zstd >= 0.40 GB/s. PRATIQUE_BENCH_TAR names a real archive to
// use instead of the generated one.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <random>

#include "os/file.h"
#include "scan/test_archive.h"

// The worker is this same program: it must be asked before the benchmarks are.
[[gnu::constructor]] static void be_the_worker_if_asked(int argc, char** argv) {
  if (auto code = pratique::scan::run_worker_if_asked(argc, argv)) std::_Exit(*code);
}

namespace pratique::scan {
namespace {

using testing::Archive;

constexpr std::size_t kFiles = 15'000;
constexpr std::size_t kTarBytes = 340 << 20;
constexpr std::size_t kUploadBytes = 256 << 10;  // what an upload hands on at once

// Words of uneven frequency, so that it compresses about as programs and text do (2.7 times).
std::string some_content(std::size_t size, std::mt19937& random) {
  static const std::vector<std::string> kWords = [] {
    std::mt19937 seed(7);
    std::vector<std::string> words;
    for (int i = 0; i < 4'000; ++i) {
      std::string word;
      for (auto length = 2 + seed() % 9; length > 0; --length)
        word += static_cast<char>(seed() % 4 == 0 ? seed() : 'a' + seed() % 26);
      words.push_back(word);
    }
    return words;
  }();
  std::string content;
  while (content.size() < size) content += kWords[std::min(random() % 4'000, random() % 4'000)];
  content.resize(size);
  return content;
}

const std::string& tar() {
  static const std::string kTar = [] {
    if (const char* path = std::getenv("PRATIQUE_BENCH_TAR")) return os::read_file(path, 4ull << 30).value();
    std::mt19937 random(1);
    Archive archive;
    for (std::size_t i = 0; i < kFiles; ++i)
      archive.file(format("usr/lib/d{}/file{}", i / 50, i), some_content(kTarBytes / kFiles, random));
    archive.file("var/lib/dpkg/status", testing::dpkg_status({{"bash", "5.2"}}));
    return archive.tar();
  }();
  return kTar;
}

const std::string& layer(int compression) {
  static const std::string kGzip = testing::gzip(tar(), 6);
  static const std::string kZstd = testing::zstd(tar(), 3);
  return compression == 0 ? kGzip : kZstd;
}

void catalogue_in_worker(benchmark::State& state) {
  const auto& bytes = layer(static_cast<int>(state.range(0)));
  auto digest = testing::digest_of(bytes);
  Cataloguer cataloguer;
  for (auto _ : state) {
    auto scan = cataloguer.start();
    for (std::string_view rest = bytes; !rest.empty(); rest.remove_prefix(std::min(rest.size(), kUploadBytes)))
      scan->feed(as_bytes(rest.substr(0, kUploadBytes)));
    auto inventory = scan->finish(digest);
    if (!inventory.gaps.empty() || !inventory.diff_id) state.SkipWithError("the layer was not read");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(catalogue_in_worker)->ArgName("zstd")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();

void catalogue_on_one_thread(benchmark::State& state) {
  const auto& bytes = layer(static_cast<int>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(testing::read(bytes));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(catalogue_on_one_thread)->ArgName("zstd")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();

// What a tiny blob pays: starting the worker and hearing that it is no layer.
void start_and_finish_a_worker(benchmark::State& state) {
  Cataloguer cataloguer;
  std::string config = "{\"architecture\":\"amd64\",\"os\":\"linux\"}";
  auto digest = testing::digest_of(config);
  for (auto _ : state) {
    auto scan = cataloguer.start();
    scan->feed(as_bytes(config));
    benchmark::DoNotOptimize(scan->finish(digest));
  }
}
BENCHMARK(start_and_finish_a_worker)->Unit(benchmark::kMicrosecond)->UseRealTime();

void merge_a_million_entries(benchmark::State& state) {
  Archive archive;
  for (int i = 0; i < 500'000; ++i) archive.file(format("opt/conda/pkgs/p{}/lib/f{}", i / 400, i), "");
  auto one = testing::read(archive);
  for (auto _ : state) benchmark::DoNotOptimize(merge({one, one}));
}
BENCHMARK(merge_a_million_entries)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pratique::scan
