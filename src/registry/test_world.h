// The little language of the registry's tests: a registry on a fresh directory, people, blobs and manifests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/format.h"
#include "base/json.h"
#include "base/text.h"
#include "os/file.h"
#include "registry/registry.h"

namespace pratique::registry {

// People are made once: a password hash is slow by intent.
struct People {
  os::TemporaryDirectory directory = std::move(os::TemporaryDirectory::create()).value();
  SystemClock clock;
  std::unique_ptr<db::Database> database =
      std::move(db::Database::open({.path = directory.path() + "/people.db"}, identity::Identity::migrations()))
          .value();
  identity::Identity identity{*database, clock};
  identity::Principal ann = make("ann");
  identity::Principal bob = make("bob");
  identity::Principal root = make("root", identity::Role::Admin);

  identity::Principal make(const std::string& name, identity::Role role = identity::Role::Submitter) {
    identity.add_user(name, "password-of-" + name, {role}).value();
    return std::move(identity.authenticate(name, "password-of-" + name)).value();
  }
};
inline People& people() {
  static People made;
  return made;
}

inline oci::RepositoryName repo(std::string_view text) {
  return std::move(oci::RepositoryName::parse(text)).value();
}
inline oci::Tag tag(std::string_view text) {
  return std::move(oci::Tag::parse(text)).value();
}
inline oci::Digest digest_of(std::string_view text) {
  return oci::Digest::of(as_bytes(text));
}

inline Json descriptor(std::string_view media_type, std::string_view content) {
  return Json::object(
      {{"mediaType", media_type}, {"digest", digest_of(content).to_string()}, {"size", content.size()}});
}

inline Json image_json(std::string_view config, const std::vector<std::string>& layers) {
  Json list = Json::array();
  for (const auto& layer : layers) list.push(descriptor(oci::media_type::kOciLayer, layer));
  return Json::object({{"schemaVersion", 2},
                       {"mediaType", oci::media_type::kOciManifest},
                       {"config", descriptor(oci::media_type::kOciConfig, config)},
                       {"layers", std::move(list)}});
}

inline Json index_json(const std::vector<std::string>& manifests) {
  Json list = Json::array();
  for (const auto& manifest : manifests) list.push(descriptor(oci::media_type::kOciManifest, manifest));
  return Json::object(
      {{"schemaVersion", 2}, {"mediaType", oci::media_type::kOciIndex}, {"manifests", std::move(list)}});
}

class World : public testing::Test {
 protected:
  World() { start(); }

  void start() {
    std::vector<db::Migration> all;
    for (const auto& one : journal::Journal::migrations()) all.push_back(one);
    for (const auto& one : Registry::migrations()) all.push_back(one);
    database = std::move(db::Database::open({.path = directory.path() + "/state.db"}, all)).value();
    store = std::move(store::Store::open({.directory = directory.path() + "/store"})).value();
    journal = std::make_unique<journal::Journal>(*database, clock);
    registry = std::make_unique<Registry>(*database, *store, *journal, clock, spaces, options);
  }
  void restart() {
    registry.reset();
    journal.reset();
    store.reset();
    database.reset();
    start();
  }

  Result<oci::Descriptor> push(const identity::Principal& who, std::string_view repository, std::string_view bytes) {
    Upload upload = TRY(registry->start_upload(who, repo(repository)));
    TRY(upload.append(as_bytes(bytes)));
    return registry->finish_upload(who, std::move(upload), digest_of(bytes));
  }
  Result<PutResult> put(const identity::Principal& who, std::string_view repository, std::string_view reference,
                        std::string_view manifest, std::string_view type = "") {
    auto parsed = TRY(oci::parse_manifest_reference(reference));
    return registry->put_manifest(who, repo(repository), parsed, manifest, type);
  }
  // Pushes config, layers and manifest; gives the manifest's bytes.
  std::string push_image(const identity::Principal& who, std::string_view repository, std::string_view reference,
                         const std::string& salt = "") {
    const std::string config = "{\"salt\":\"" + salt + "\"}";
    const std::string layer = "layer " + salt;
    EXPECT_TRUE(push(who, repository, config).ok());
    EXPECT_TRUE(push(who, repository, layer).ok());
    const std::string manifest = image_json(config, {layer}).dump();
    const auto result = put(who, repository, reference, manifest);
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message());
    return manifest;
  }
  std::string by_digest(std::string_view bytes) { return digest_of(bytes).to_string(); }
  bool has_blob(std::string_view repository, std::string_view bytes) {
    return registry->blob_size(repo(repository), digest_of(bytes)).ok();
  }
  bool has_manifest(std::string_view repository, std::string_view reference) {
    return registry->get_manifest(repo(repository), *oci::parse_manifest_reference(reference)).ok();
  }
  // A whole run of garbage collection.
  Collection collect(bool is_dry_run = false) {
    Collection run{.is_dry_run = is_dry_run};
    while (!run.is_done()) registry->collect(run).value();
    return run;
  }
  // Long enough for everything unneeded to go, in two runs.
  Collection collect_all() {
    clock.advance(days(40));
    collect();
    clock.advance(hours(2));
    return collect();
  }
  std::vector<std::string> events() {
    std::vector<std::string> names;
    const auto entries = journal->read(0, 1000).value();
    for (const auto& entry : entries) names.push_back(entry.event);
    return names;
  }

  const identity::Principal& ann = people().ann;
  const identity::Principal& bob = people().bob;
  os::TemporaryDirectory directory = std::move(os::TemporaryDirectory::create()).value();
  std::vector<Namespace> spaces = {{.name = "open", .mode = Mode::Open, .promotes_to = ""},
                                   {.name = "in", .mode = Mode::Staging, .promotes_to = "out"},
                                   {.name = "out", .mode = Mode::Approved, .promotes_to = ""},
                                   {.name = "lost", .mode = Mode::Staging, .promotes_to = ""}};
  Options options;
  ManualClock clock{*Time::parse("2026-11-20T12:00:00Z")};
  std::unique_ptr<db::Database> database;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<journal::Journal> journal;
  std::unique_ptr<Registry> registry;
};

}  // namespace pratique::registry
