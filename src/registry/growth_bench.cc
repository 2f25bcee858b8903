// What a push, a start and a list cost in a registry that holds 10^3, 10^4 and 10^5 blobs and tags already (10^6 with
// PRATIQUE_GROWTH_MAX=1000000 in the environment). Filled by plain rows and files, not by pushes.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/format.h"
#include "base/text.h"
#include "os/file.h"
#include "registry/registry.h"

namespace pratique::registry {
namespace {

constexpr std::int64_t kTagsPerRepository = 100;

class Filled {
 public:
  explicit Filled(std::int64_t count) : count_(count) {
    open();
    fill();
  }
  void open() {
    registry.reset();
    journal.reset();
    store.reset();
    database.reset();
    std::vector<db::Migration> all;
    for (auto module : {identity::Identity::migrations(), journal::Journal::migrations(), Registry::migrations()})
      all.insert(all.end(), module.begin(), module.end());
    database = db::Database::open({.path = directory.path() + "/state.db"}, all).value();
    store = store::Store::open({.directory = directory.path()}).value();
    journal = std::make_unique<journal::Journal>(*database, clock);
    registry =
        std::make_unique<Registry>(*database, *store, *journal, clock,
                                   std::vector<Namespace>{{.name = "open", .mode = Mode::Open, .promotes_to = ""}});
  }
  // Config, layer, manifest, tag: as a client sends them.
  void push(std::int64_t number) {
    const auto who = identity::make_system_principal();
    const auto repository = oci::RepositoryName::parse(format("open/r{}", number % 7)).value();
    auto send = [&](const std::string& bytes) {
      Upload upload = registry->start_upload(who, repository).value();
      upload.append(as_bytes(bytes)).value();
      return registry->finish_upload(who, std::move(upload), oci::Digest::of(as_bytes(bytes))).value();
    };
    auto descriptor = [](const oci::Descriptor& of, std::string_view type) {
      return Json::object({{"mediaType", type}, {"digest", of.digest.to_string()}, {"size", of.size}});
    };
    const auto config = send(format("{{\"n\":{}}}", number)), layer = send(format("layer {}", number));
    Json manifest = Json::object({{"schemaVersion", 2}, {"mediaType", oci::media_type::kOciManifest}});
    manifest.set("config", descriptor(config, oci::media_type::kOciConfig));
    manifest.set("layers", Json::array({descriptor(layer, oci::media_type::kOciLayer)}));
    registry->put_manifest(who, repository, oci::Tag::parse(format("n{}", number)).value(), manifest.dump(), "")
        .value();
  }

  os::TemporaryDirectory directory = os::TemporaryDirectory::create().value();
  SystemClock clock;
  std::unique_ptr<db::Database> database;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<journal::Journal> journal;
  std::unique_ptr<Registry> registry;

 private:
  void fill() {
    database
        ->write([&](db::Transaction& tx) -> Status {
          for (std::int64_t i = 0; i < count_; ++i) TRY(add(tx, i));
          return {};
        })
        .value();
  }
  Status add(db::Transaction& tx, std::int64_t i) {
    const std::int64_t repository = i / kTagsPerRepository + 1;
    const std::string blob = oci::Digest::of(as_bytes(format("b{}", i))).to_string();
    const std::string manifest = oci::Digest::of(as_bytes(format("m{}", i))).to_string();
    TRY(tx.prepare("INSERT OR IGNORE INTO repositories (id, name, created) VALUES (?, ?, 0)")
            .bind(repository)
            .bind(format("open/filled{}", repository))
            .run());
    TRY(tx.prepare("INSERT INTO blobs (digest, size) VALUES (?, 1)").bind(blob).run());
    TRY(tx.prepare("INSERT INTO repository_blobs (repository, blob) VALUES (?, ?)").bind(repository).bind(blob).run());
    TRY(tx.prepare("INSERT INTO manifests (digest, bytes) VALUES (?, ?)").bind(manifest).bind_blob("{}").run());
    TRY(tx.prepare(
              "INSERT INTO repository_manifests (repository, digest, media_type, size, artifact_type, annotations, "
              "pushed) VALUES (?, ?, '', 2, '', '{}', 0)")
            .bind(repository)
            .bind(manifest)
            .run());
    const auto id = tx.last_insert_id();
    TRY(tx.prepare("INSERT INTO manifest_references (manifest, repository, kind, digest) VALUES (?, ?, 0, ?)")
            .bind(id)
            .bind(repository)
            .bind(blob)
            .run());
    TRY(tx.prepare("INSERT INTO tags (repository, name, manifest, updated) VALUES (?, ?, ?, 0)")
            .bind(repository)
            .bind(format("t{}", i))
            .bind(id)
            .run());
    const auto hex = blob.substr(7);
    const auto shard = format("{}/blobs/sha256/{}", directory.path(), hex.substr(0, 2));
    std::filesystem::create_directories(shard);
    std::ofstream(format("{}/{}", shard, hex)) << 'x';
    return {};
  }
  const std::int64_t count_;
};

Filled& filled(std::int64_t count) {
  static std::map<std::int64_t, std::unique_ptr<Filled>> made;
  auto& one = made[count];
  if (!one) one = std::make_unique<Filled>(count);
  return *one;
}

void sizes(benchmark::internal::Benchmark* bench) {
  const char* most = std::getenv("PRATIQUE_GROWTH_MAX");
  const auto limit = most != nullptr ? parse_decimal(most).value_or(100'000) : 100'000;
  for (std::uint64_t count = 1'000; count <= limit; count *= 10) bench->Arg(static_cast<std::int64_t>(count));
  bench->Unit(benchmark::kMicrosecond);
}

void Start(benchmark::State& state) {
  auto& world = filled(state.range(0));
  for (auto _ : state) world.open();
}
BENCHMARK(Start)->Apply(sizes);

void PushAnImage(benchmark::State& state) {
  auto& world = filled(state.range(0));
  static std::int64_t number = 0;
  for (auto _ : state) world.push(++number);
}
BENCHMARK(PushAnImage)->Apply(sizes);

void ListAPage(benchmark::State& state) {
  auto& world = filled(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(world.registry->repositories(std::nullopt, 100));
}
BENCHMARK(ListAPage)->Apply(sizes);

void FindHolders(benchmark::State& state) {
  auto& world = filled(state.range(0));
  const auto repository = oci::RepositoryName::parse("open/filled1").value();
  const auto blob = oci::Digest::of(as_bytes("b7"));
  for (auto _ : state) benchmark::DoNotOptimize(world.registry->manifests_holding(repository, blob));
}
BENCHMARK(FindHolders)->Apply(sizes);

// The longest step there is, and how many there are.
void LongestStepOfACollection(benchmark::State& state) {
  auto& world = filled(state.range(0));
  double longest = 0, steps = 0;
  for (auto _ : state) {
    Collection run{.is_dry_run = true};
    while (!run.is_done()) {
      const auto begun = std::chrono::steady_clock::now();
      world.registry->collect(run).value();
      longest = std::max(longest,
                         std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count());
      ++steps;
    }
  }
  state.counters["longest_ms"] = longest;
  state.counters["steps"] = steps / static_cast<double>(state.iterations());
}
BENCHMARK(LongestStepOfACollection)->Apply(sizes)->Iterations(1);

}  // namespace
}  // namespace pratique::registry
