#include "gate/test_gate.h"

#include <algorithm>

#include "base/log.h"

namespace pratique::gate::testing {

namespace {

constexpr std::string_view kOsRelease = "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n";

std::string osv_record(std::string_view id, std::string_view package, std::string_view fixed,
                       std::string_view severity) {
  return format(R"({{"id":"{}","modified":"2026-11-19T00:00:00Z","published":"2026-11-19T00:00:00Z","summary":"test",)"
                R"("affected":[{{"package":{{"ecosystem":"Debian:12","name":"{}"}},"ranges":[{{"type":"ECOSYSTEM",)"
                R"("events":[{{"introduced":"0"}},{{"fixed":"{}"}}]}}]}}],"database_specific":{{"severity":"{}"}}}})",
                id, package, fixed, severity);
}

std::shared_ptr<const advisory::Database> build_advisories(bool is_later) {
  static auto directory = *os::TemporaryDirectory::create();
  auto feed = format("{}/feed-{}", directory.path(), is_later);
  os::make_directories(feed).value();
  auto write = [&](std::string_view id, std::string_view package, std::string_view fixed, std::string_view severity) {
    os::write_file(format("{}/{}.json", feed, id), osv_record(id, package, fixed, severity)).value();
  };
  write("CVE-2026-1001", "xz-utils", "5.6.1", "CRITICAL");
  write("CVE-2026-1002", "curl", "8.0", "HIGH");
  write("CVE-2026-1003", "mystery", "2.0", "");
  if (is_later) write("CVE-2026-1004", "openssl", "3.1", "CRITICAL");
  auto output = feed + ".db";
  SystemClock clock;
  advisory::build({.inputs = {{.kind = advisory::SourceKind::Osv, .path = feed, .stream = ""}},
                   .output = output,
                   .with_starter = false},
                  clock)
      .value();
  return std::shared_ptr<const advisory::Database>(*advisory::Database::open(output));
}

// Once a process: building takes longer than a test.
std::shared_ptr<const advisory::Database> advisories(bool is_later) {
  static auto first = build_advisories(false);
  static auto later = build_advisories(true);
  return is_later ? later : first;
}

std::vector<db::Migration> all_migrations() {
  std::vector<db::Migration> all;
  for (auto part : {identity::Identity::migrations(), journal::Journal::migrations(), registry::Registry::migrations(),
                    Gate::migrations(), bases::Bases::migrations()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::vector<registry::Namespace> namespaces() {
  return {{"open", registry::Mode::Open, ""},
          {"staging", registry::Mode::Staging, "approved"},
          {"approved", registry::Mode::Approved, ""},
          {"lost", registry::Mode::Staging, "nowhere"}};
}

Json blob_descriptor(std::string_view type, const oci::Digest& digest, std::size_t size) {
  Json json = Json::object();
  return json.set("mediaType", type).set("digest", digest.to_string()).set("size", static_cast<std::uint64_t>(size));
}

std::string config_json(const std::string& platform, const oci::Digest& diff_id) {
  return format(R"({{"architecture":"{}","os":"linux","config":{{}},"rootfs":{{"type":"layers","diff_ids":["{}"]}}}})",
                platform, diff_id.to_string());
}

scan::LayerInventory inventory(const oci::Digest& blob, const Packages& packages) {
  scan::LayerInventory inventory{.blob = blob, .diff_id = blob};
  inventory.files = {{.path = "etc"},          {.path = "etc/os-release", .size = kOsRelease.size()},
                     {.path = "var"},          {.path = "var/lib"},
                     {.path = "var/lib/dpkg"}, {.path = "var/lib/dpkg/status", .size = 100}};
  for (std::size_t i : {0, 2, 3, 4}) inventory.files[i].type = scan::FileType::Directory;
  scan::Extract release{.entry = 1, .extractor = "os-release"};
  release.distribution = *vuln::parse_os_release(kOsRelease);
  scan::Extract status{.entry = 5, .extractor = "dpkg"};
  for (const auto& [name, version] : packages)
    status.packages.push_back({.kind = vuln::PackageKind::Deb,
                               .name = name,
                               .version = version,
                               .architecture = "amd64",
                               .source_name = name,
                               .source_version = version,
                               .location = "var/lib/dpkg/status"});
  inventory.extracts = {release, status};
  return inventory;
}

}  // namespace

GateTest::GateTest() : directory_(*os::TemporaryDirectory::create()), advisories_(advisories(false)) {
  log::configure(log::Level::Off, log::Style::Logfmt);
  database_ = *db::Database::open({.path = directory_.path() + "/gate.db"}, all_migrations());
  store_ = *store::Store::open({.directory = directory_.path() + "/blobs"});
  journal_ = std::make_unique<journal::Journal>(*database_, clock_);
  identity_ = std::make_unique<identity::Identity>(*database_, clock_);
  registry_ = std::make_unique<registry::Registry>(*database_, *store_, *journal_, clock_, namespaces());
  inventories_ = *scan::InventoryStore::open(directory_.path() + "/inventories");
}

GateTest::~GateTest() = default;

void GateTest::TearDown() {
  stop();
  auto verification = journal_->verify();
  ASSERT_TRUE(verification.ok());
  EXPECT_TRUE(verification->holds()) << verification->problem;
  auto rows = database_->read([](db::Transaction& tx) { return load_filtered(tx, {.limit = 1000}); });
  ASSERT_TRUE(rows.ok()) << rows.error().message();
  for (const auto& row : *rows)
    EXPECT_FALSE(row.submission.decision && row.submission.decision->reasons.empty()) << row.submission.id;
}

Options GateTest::gen3(std::size_t workers) {
  return {.policy = *policy::Policy::profile("gen3"), .workers = workers};
}
Options GateTest::tre(std::size_t workers) {
  return {.policy = *policy::Policy::profile("tre"), .workers = workers};
}

void GateTest::start(Options options) {
  gate_.reset();
  gate_ = std::make_unique<Gate>(
      *database_, *registry_, *store_, *journal_, cataloguer_, *inventories_, [this] { return advisories_; }, clock_,
      std::move(options));
  ASSERT_TRUE(gate_->resume().ok());
}

Context GateTest::context(const Options& options) {
  return {.database = *database_,
          .registry = *registry_,
          .store = *store_,
          .journal = *journal_,
          .cataloguer = cataloguer_,
          .inventories = *inventories_,
          .clock = clock_,
          .advisories = [this] { return advisories_; },
          .options = options,
          .changed = [] {}};
}

const identity::Principal& GateTest::user(const std::string& name, std::set<identity::Role> roles) {
  auto known = users_.find(name);
  if (known != users_.end()) return known->second;
  identity_->add_user(name, "correct horse", roles).value();
  return users_.emplace(name, *identity_->authenticate(name, "correct horse")).first->second;
}

const identity::Principal& GateTest::root() {
  return user("root",
              {identity::Role::Submitter, identity::Role::Reviewer, identity::Role::Runner, identity::Role::Admin});
}

oci::RepositoryName GateTest::staging(const std::string& name) {
  return *oci::RepositoryName::parse("staging/" + name);
}

oci::Digest GateTest::upload(const identity::Principal& who, std::string_view bytes) {
  auto upload = *registry_->start_upload(who, staging());
  upload.append(as_bytes(bytes)).value();
  return registry_->finish_upload(who, std::move(upload), oci::Digest::of(as_bytes(bytes)))->digest;
}

BuiltImage GateTest::build_uncatalogued(const std::string& layer_bytes) {
  auto layer = upload(ann(), layer_bytes);
  auto config_text = config_json("amd64", layer);
  auto config = upload(ann(), config_text);
  Json layers = Json::array();
  layers.push(blob_descriptor(oci::media_type::kOciLayer, layer, layer_bytes.size()));
  Json manifest = Json::object();
  manifest.set("schemaVersion", 2).set("mediaType", oci::media_type::kOciManifest);
  manifest.set("config", blob_descriptor(oci::media_type::kOciConfig, config, config_text.size()));
  manifest.set("layers", layers);
  auto text = manifest.dump();
  return {text, oci::Digest::of(as_bytes(text)), config, layer};
}

BuiltImage GateTest::build(const Packages& packages, const std::string& platform) {
  std::string bytes = "layer for " + platform;
  for (const auto& [name, version] : packages) bytes += format(" {}={}", name, version);
  auto image = build_uncatalogued(bytes);
  inventories_->put(inventory(image.layer, packages)).value();
  return image;
}

BuiltImage GateTest::build_layers(const std::vector<Packages>& layers, const oci::RepositoryName& repository) {
  auto send = [&](std::string_view bytes) {
    auto upload = *registry_->start_upload(root(), repository);
    upload.append(as_bytes(bytes)).value();
    return registry_->finish_upload(root(), std::move(upload), oci::Digest::of(as_bytes(bytes)))->digest;
  };
  Json descriptors = Json::array(), diff_ids = Json::array();
  std::optional<oci::Digest> last;
  std::string bytes = "layers";
  for (const auto& packages : layers) {
    for (const auto& [name, version] : packages) bytes += format(" {}={}", name, version);
    last = send(bytes);
    inventories_->put(inventory(*last, packages)).value();
    descriptors.push(blob_descriptor(oci::media_type::kOciLayer, *last, bytes.size()));
    diff_ids.push(last->to_string());
  }
  Json config = Json::object({{"architecture", "amd64"}, {"os", "linux"}, {"config", Json::object()}});
  config.set("rootfs", Json::object({{"type", "layers"}, {"diff_ids", diff_ids}}));
  auto config_text = config.dump();
  auto config_digest = send(config_text);
  Json manifest = Json::object();
  manifest.set("schemaVersion", 2).set("mediaType", oci::media_type::kOciManifest);
  manifest.set("config", blob_descriptor(oci::media_type::kOciConfig, config_digest, config_text.size()));
  manifest.set("layers", descriptors);
  auto text = manifest.dump();
  return {text, oci::Digest::of(as_bytes(text)), config_digest, *last};
}

registry::StagedImage GateTest::put(const std::string& tag, const std::string& manifest, std::string_view type) {
  auto result = registry_->put_manifest(ann(), staging(), *oci::Tag::parse(tag), manifest, type);
  CHECK(result.ok(), result.ok() ? "" : result.error().message());
  return *result->staged;
}

registry::StagedImage GateTest::push(const Packages& packages, const std::string& tag) {
  return put(tag, build(packages).manifest, oci::media_type::kOciManifest);
}

void GateTest::put_child(const BuiltImage& image) {
  auto result = registry_->put_manifest(ann(), staging(), image.digest, image.manifest, oci::media_type::kOciManifest);
  CHECK(result.ok(), result.ok() ? "" : result.error().message());
}

Json GateTest::descriptor(const BuiltImage& image, const std::string& platform) {
  Json json = blob_descriptor(oci::media_type::kOciManifest, image.digest, image.manifest.size());
  Json named = Json::object();
  named.set("os", platform == "unknown" ? "unknown" : "linux").set("architecture", platform);
  return json.set("platform", named);
}

std::string GateTest::index_of(const std::vector<Json>& children) {
  Json index = Json::object();
  index.set("schemaVersion", 2).set("mediaType", oci::media_type::kOciIndex).set("manifests", Json::array(children));
  return index.dump();
}

Submission GateTest::settled(const registry::StagedImage& image) {
  auto submission = gate_->await_verdict(image, seconds(60));
  CHECK(submission.ok(), submission.ok() ? "" : submission.error().message());
  return *submission;
}

Result<AdmittedImage> GateTest::admit(const std::string& tag) {
  return gate_->admit(*oci::RepositoryName::parse("approved/ann"), *oci::Tag::parse(tag));
}
Result<AdmittedImage> GateTest::admit(const oci::Digest& digest) {
  return gate_->admit(*oci::RepositoryName::parse("approved/ann"), digest);
}
Result<AdmittedImage> GateTest::admit_part(const oci::Digest& digest) {
  return gate_->admit_part(*oci::RepositoryName::parse("approved/ann"), digest);
}

std::string GateTest::refusal(const std::string& tag) {
  auto admitted = admit(tag);
  if (admitted.ok()) return "admitted";
  return format("{}: {}", to_string(admitted.error().kind()), admitted.error().message());
}

policy::Waiver GateTest::waiver(days lifetime, std::string finding) {
  return {.finding = std::move(finding), .reason = "not reachable", .expires = clock_.now() + lifetime};
}

std::vector<std::string> GateTest::events() {
  std::vector<std::string> names;
  auto entries = journal_->read(0, 1000).value();
  for (const auto& entry : entries) names.push_back(entry.event);
  return names;
}

std::size_t GateTest::count(const std::string& event) {
  return static_cast<std::size_t>(std::ranges::count(events(), event));
}

void GateTest::use_later_advisories() {
  advisories_ = advisories(true);
}

}  // namespace pratique::gate::testing
