// The language of the gate's tests: real modules on a temporary directory, a clock that is moved by hand, images of one
// invented layer with a known inventory, and an advisory database of four records.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/format.h"
#include "gate/lifecycle/lifecycle.h"
#include "os/file.h"

namespace pratique::gate::testing {

using Packages = std::vector<std::pair<std::string, std::string>>;

// What is known about packages: xz-utils before 5.6.1 is critical, curl before 8 is high, mystery is unrated.
inline const Packages kClean = {{"bash", "5.2"}, {"zlib", "1.3"}};
inline const Packages kCritical = {{"bash", "5.2"}, {"xz-utils", "5.6.0"}};
inline const Packages kUnrated = {{"bash", "5.2"}, {"mystery", "1.0"}};
// Clean by the first database, critical by the later one.
inline const Packages kLaterCritical = {{"openssl", "3.0"}};

struct BuiltImage {
  std::string manifest;
  oci::Digest digest;
  oci::Digest config;
  oci::Digest layer;
};

class GateTest : public ::testing::Test {
 protected:
  GateTest();
  ~GateTest() override;
  // Every test ends with a journal that holds and decisions that have reasons.
  void TearDown() override;

  // Starts (again) with these options: as a process that was killed and came back.
  void start(Options options);
  void start() { start(gen3()); }
  void stop() { gate_.reset(); }
  static Options gen3(std::size_t workers = 2);
  static Options tre(std::size_t workers = 2);
  Context context(const Options& options);

  const identity::Principal& user(const std::string& name, std::set<identity::Role> roles);
  const identity::Principal& ann() { return user("ann", {identity::Role::Submitter}); }
  const identity::Principal& bea() { return user("bea", {identity::Role::Reviewer}); }
  const identity::Principal& root();

  // -- pushing
  oci::RepositoryName staging(const std::string& name = "ann");
  oci::Digest upload(const identity::Principal& who, std::string_view bytes);
  // Blobs and manifest bytes, uploaded; not yet put. `platform` makes children of an index differ.
  BuiltImage build(const Packages& packages, const std::string& platform = "amd64");
  BuiltImage build_uncatalogued(const std::string& layer_bytes);
  // Layers from the bottom up; each says all packages that are installed from it on. Uploaded to `repository` by root.
  BuiltImage build_layers(const std::vector<Packages>& layers, const oci::RepositoryName& repository);
  registry::StagedImage put(const std::string& tag, const std::string& manifest, std::string_view type);
  registry::StagedImage push(const Packages& packages, const std::string& tag = "1.0");
  void put_child(const BuiltImage& image);
  static Json descriptor(const BuiltImage& image, const std::string& platform);
  static std::string index_of(const std::vector<Json>& children);

  // -- asking
  Submission settled(const registry::StagedImage& image);
  Submission pushed_and_settled(const Packages& packages, const std::string& tag = "1.0") {
    return settled(push(packages, tag));
  }
  Submission again(const Submission& submission) { return *gate_->submission(submission.id); }
  Result<AdmittedImage> admit(const std::string& tag = "1.0");
  Result<AdmittedImage> admit(const oci::Digest& digest);
  Result<AdmittedImage> admit_part(const oci::Digest& digest);
  std::string refusal(const std::string& tag = "1.0");
  policy::Waiver waiver(days lifetime = days(5), std::string finding = "CVE-2026-1001");
  std::vector<std::string> events();
  std::size_t count(const std::string& event);
  void use_later_advisories();

  ManualClock clock_{*Time::parse("2026-11-20T12:00:00Z")};
  os::TemporaryDirectory directory_;
  std::unique_ptr<db::Database> database_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<identity::Identity> identity_;
  std::unique_ptr<registry::Registry> registry_;
  scan::Cataloguer cataloguer_;
  std::unique_ptr<scan::InventoryStore> inventories_;
  std::shared_ptr<const advisory::Database> advisories_;
  std::unique_ptr<Gate> gate_;
  std::map<std::string, identity::Principal> users_;
};

}  // namespace pratique::gate::testing
