// Random work by several people at once against a model of what a registry promises. Every choice comes from the seed:
// a failure is played again with the --seed, --steps and --threads that it prints (with one thread, exactly).
//
// Each thread has repositories of its own, of which it knows everything, and all share the contents, the collector, the
// scrub, the clock and one repository whose tags they fight over.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <shared_mutex>
#include <thread>

#include "faults/invariants.h"
#include "faults/options.h"
#include "registry/test_world.h"

namespace pratique::faults {
namespace {

using registry::digest_of;
using registry::image_json;
using registry::repo;
using registry::tag;

// Few contents, so that everybody needs, deletes and collects the same blobs.
constexpr int kContents = 10;

std::string content(int number) {
  return "content " + std::to_string(number) + std::string(static_cast<std::size_t>(number) * 700, 'x');
}

// What one repository must hold. Blobs that no manifest names may be there or not.
struct Model {
  std::map<std::string, std::string> tags;            // to manifest digests
  std::map<std::string, std::vector<int>> manifests;  // to the contents they name
  std::map<std::string, std::string> bytes;           // of manifests
};

class Workload : public registry::World {
 protected:
  // A person at work in own repositories.
  struct Person {
    const identity::Principal& who;
    std::mt19937_64 random;
    std::map<std::string, Model> repositories;
    int below(int count) { return static_cast<int>(random() % static_cast<std::uint64_t>(count)); }
    std::pair<const std::string, Model>& any() {
      return *std::next(repositories.begin(), below(static_cast<int>(repositories.size())));
    }
  };

  void work(Person& person) {
    for (std::uint64_t step = 0; step < options().steps; ++step) act(person);
    for (auto& [name, model] : person.repositories) compare(name, model);
  }
  void act(Person& person) {
    switch (person.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return push_image(person);
      case 5:
        return move_tag(person);
      case 6:
        return delete_tag(person);
      case 7:
      case 8:
        return delete_manifest(person);
      case 9:
      case 10:
        return pull(person);
      case 11:
        return fight(person);
      case 12:
        return leave_an_upload(person);
      case 13:
        return collect_some(person);
      case 14:
        return scrub_some();
      default:
        return step_clock(person);
    }
  }

  // -- what a person does; nobody's clock jumps between "it is here" and the manifest that relies on it
  void need_blob(Person& person, const std::string& name, const std::string& bytes) {
    const int how = person.below(4);
    if (how == 0 && has_blob(name, bytes)) return;
    if (how == 1) {
      const auto& from = person.any().first;
      if (registry->mount(person.who, repo(name), digest_of(bytes), repo(from)).value()) return;
    }
    if (how == 2) {
      auto id = registry->start_upload(person.who, repo(name)).value().id();
      const std::size_t half = bytes.size() / 2;
      {
        auto upload = registry->resume_upload(person.who, repo(name), id).value();
        upload.append(as_bytes(bytes.substr(0, half))).value();
        upload.checkpoint().value();
      }
      auto upload = registry->resume_upload(person.who, repo(name), id).value();
      ASSERT_EQ(upload.size(), half);
      upload.append(as_bytes(bytes.substr(half))).value();
      registry->finish_upload(person.who, std::move(upload), digest_of(bytes)).value();
      return;
    }
    push(person.who, name, bytes).value();
  }
  std::string put_image(Person& person, const std::string& name, const std::string& reference,
                        const std::vector<int>& contents) {
    need_blob(person, name, content(contents[0]));
    std::vector<std::string> layers;
    for (std::size_t i = 1; i < contents.size(); ++i) {
      layers.push_back(content(contents[i]));
      need_blob(person, name, layers.back());
    }
    std::string manifest = image_json(content(contents[0]), layers).dump();
    const auto outcome = put(person.who, name, reference, manifest);
    EXPECT_TRUE(outcome.ok()) << name << ": " << (outcome.ok() ? "" : outcome.error().message());
    return manifest;
  }
  void push_image(Person& person) {
    std::shared_lock steady(clock_mutex_);
    auto& [name, model] = person.any();
    std::vector<int> contents{person.below(kContents)};
    for (int i = person.below(3); i >= 0; --i) contents.push_back(person.below(kContents));
    const std::string label = "t" + std::to_string(person.below(4));
    const std::string manifest = put_image(person, name, label, contents);
    const auto digest = by_digest(manifest);
    model.tags[label] = digest;
    model.manifests[digest] = contents;
    model.bytes[digest] = manifest;
  }
  void move_tag(Person& person) {
    auto& [name, model] = person.any();
    if (model.bytes.empty()) return;
    const auto& [digest, bytes] = *model.bytes.begin();
    EXPECT_TRUE(put(person.who, name, "moved", bytes).ok());
    model.tags["moved"] = digest;
  }
  void delete_tag(Person& person) {
    auto& [name, model] = person.any();
    if (model.tags.empty()) return;
    const std::string label = model.tags.begin()->first;
    EXPECT_TRUE(registry->delete_manifest(person.who, repo(name), tag(label)).ok());
    model.tags.erase(label);
  }
  // Also while it is being read: what was opened is read to its end.
  void delete_manifest(Person& person) {
    auto& [name, model] = person.any();
    if (model.manifests.empty()) return;
    const auto [digest, contents] = *model.manifests.begin();
    auto open = registry->open_blob(repo(name), digest_of(content(contents[0])));
    EXPECT_TRUE(open.ok()) << name;
    EXPECT_TRUE(registry->delete_manifest(person.who, repo(name), *oci::Digest::parse(digest)).ok());
    if (person.below(2) == 0) collect(false);
    if (open.ok()) {
      EXPECT_EQ(open->read_all(1 << 20).value_or(""), content(contents[0]));
    }
    std::erase_if(model.tags, [&](const auto& entry) { return entry.second == digest; });
    model.manifests.erase(digest);
    model.bytes.erase(digest);
  }
  void pull(Person& person) {
    auto& [name, model] = person.any();
    compare(name, model);
  }
  void fight(Person& person) {
    std::shared_lock steady(clock_mutex_);
    const auto& where = "open/shared";
    put_image(person, where, "latest", {person.below(kContents), person.below(kContents)});
    const auto manifest = registry->get_manifest(repo(where), tag("latest"));
    ASSERT_TRUE(manifest.ok());
    const auto parsed = oci::parse_manifest(manifest->bytes, "");
    for (const auto& blob : oci::references_of(*parsed).blobs)
      EXPECT_TRUE(registry->open_blob(repo(where), blob.digest).ok()) << blob.digest.to_string();
  }
  void leave_an_upload(Person& person) {
    auto upload = registry->start_upload(person.who, repo(person.any().first)).value();
    upload.append(as_bytes("never finished")).value();
    if (person.below(2) == 0) upload.checkpoint().value();
  }
  void collect_some(Person& person) {
    registry::Collection run{.is_dry_run = person.below(4) == 0};
    while (!run.is_done()) EXPECT_TRUE(registry->collect(run).ok());
  }
  void scrub_some() {
    registry::Scrub run;
    for (int i = 0; i < 5 && !run.is_done; ++i) EXPECT_TRUE(registry->scrub(run).ok());
    EXPECT_EQ(run.damaged, 0U);
  }
  void step_clock(Person& person) {
    static constexpr Duration kSteps[] = {seconds(1), minutes(40), hours(3), days(2), days(9), -hours(1), -days(1)};
    std::unique_lock nobody_pushes(clock_mutex_);
    clock.advance(kSteps[static_cast<std::size_t>(person.below(7))]);
  }

  // -- the model
  void compare(const std::string& name, const Model& model) {
    for (const auto& [label, digest] : model.tags) {
      const auto found = registry->describe_manifest(repo(name), tag(label));
      ASSERT_TRUE(found.ok()) << name << ":" << label << " " << found.error().message();
      EXPECT_EQ(found->digest.to_string(), digest) << name << ":" << label;
    }
    if (!model.manifests.empty()) {
      const auto listed = registry->tags(repo(name), std::nullopt, std::nullopt);
      EXPECT_EQ(listed->names.size(), model.tags.size()) << name;
    }
    for (const auto& [digest, contents] : model.manifests) {
      const auto manifest = registry->get_manifest(repo(name), *oci::Digest::parse(digest));
      ASSERT_TRUE(manifest.ok()) << name << "@" << digest;
      EXPECT_EQ(manifest->bytes, model.bytes.at(digest));
      for (int number : contents) {
        auto blob = registry->open_blob(repo(name), digest_of(content(number)));
        ASSERT_TRUE(blob.ok()) << name << " " << number << " " << blob.error().message();
        EXPECT_TRUE(blob->read_all(1 << 20).value_or("") == content(number)) << name << " " << number;
      }
    }
  }
  void expect_sound() {
    for (const auto& problem : violations({*database, *store, *journal})) ADD_FAILURE() << problem;
  }

  static Options& options() { return faults::options(); }
  std::shared_mutex clock_mutex_;
};

TEST_F(Workload, KeepsEveryPromiseToEverybody) {
  SCOPED_TRACE(format("--seed={} --steps={} --threads={}", options().seed, options().steps, options().threads));
  std::vector<Person> people;
  for (std::uint64_t i = 0; i < options().threads; ++i) {
    people.push_back({.who = i % 2 == 0 ? ann : bob, .random = std::mt19937_64(options().seed * 1'000 + i)});
    for (const char* name : {"a", "b"}) people.back().repositories[format("open/{}{}", name, i)];
  }
  std::vector<std::thread> threads;
  for (auto& person : people) threads.emplace_back([&] { work(person); });
  for (auto& thread : threads) thread.join();
  expect_sound();
  restart();
  for (auto& person : people)
    for (auto& [name, model] : person.repositories) compare(name, model);
  for (int i = 0; i < 3; ++i) collect_all();
  expect_sound();
  for (auto& person : people)
    for (auto& [name, model] : person.repositories) compare(name, model);
  for (const auto& left : orphans({*database, *store, *journal}, directory.path() + "/store")) ADD_FAILURE() << left;
}

}  // namespace
}  // namespace pratique::faults
