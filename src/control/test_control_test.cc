#include "control/test_control.h"

#include <cstring>

#include "base/log.h"
#include "base/text.h"

namespace pratique::control::testing {

namespace {

using identity::Role;

std::vector<db::Migration> all_migrations() {
  std::vector<db::Migration> all;
  for (auto part : {identity::Identity::migrations(), journal::Journal::migrations(), registry::Registry::migrations(),
                    grants::Grants::migrations(), signin::ApiKeys::migrations(), signin::ExternalUsers::migrations(),
                    gate::Gate::migrations()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::set<Role> roles_of(const std::string& name) {
  if (name == "bea") return {Role::Reviewer};
  if (name == "ron") return {Role::Runner};
  if (name == "root") return {Role::Submitter, Role::Reviewer, Role::Runner, Role::Admin};
  return {Role::Submitter};
}

class StringBody final : public http::BodyReader {
 public:
  explicit StringBody(std::string_view text) : rest_(text), length_(text.size()) {}
  Result<std::size_t> read(std::span<std::byte> buffer) override {
    auto count = std::min(buffer.size(), rest_.size());
    std::memcpy(buffer.data(), rest_.data(), count);
    rest_.remove_prefix(count);
    return count;
  }
  std::optional<std::uint64_t> length() const override { return length_; }

 private:
  std::string_view rest_;
  std::uint64_t length_;
};

Json blob_descriptor(std::string_view type, std::string_view bytes) {
  Json json = Json::object();
  json.set("mediaType", type).set("digest", oci::Digest::of(as_bytes(bytes)).to_string());
  return json.set("size", static_cast<std::uint64_t>(bytes.size()));
}

}  // namespace

ControlTest::ControlTest(Options options) : directory_(*os::TemporaryDirectory::create()) {
  log::configure(log::Level::Off, log::Style::Logfmt);
  database_ = *db::Database::open({.path = directory_.path() + "/gate.db"}, all_migrations());
  store_ = *store::Store::open({.directory = directory_.path() + "/blobs"});
  journal_ = std::make_unique<journal::Journal>(*database_, clock_);
  identity_ = std::make_unique<identity::Identity>(*database_, clock_);
  std::vector<registry::Namespace> namespaces = {{"staging", registry::Mode::Staging, "approved"},
                                                 {"approved", registry::Mode::Approved, ""}};
  registry_ = std::make_unique<registry::Registry>(*database_, *store_, *journal_, clock_, namespaces);
  inventories_ = *scan::InventoryStore::open(directory_.path() + "/inventories");
  std::shared_ptr<const advisory::Database> advisories = advisory::Database::starter();
  grants_ = std::make_unique<grants::Grants>(*database_, *identity_, *journal_, clock_);
  external_ = std::make_unique<signin::ExternalUsers>(*database_, *identity_, clock_);
  api_keys_ = std::make_unique<signin::ApiKeys>(*database_, *identity_, *journal_, clock_);
  auto when_staged = [this](db::Transaction& tx, const registry::StagedImage& image) {
    return grants_->note_staged(tx, image.repository().text(), image.submitter());
  };
  gate_ = std::make_unique<gate::Gate>(
      *database_, *registry_, *store_, *journal_, cataloguer_, *inventories_, [advisories] { return advisories; },
      clock_, gate::Options{.policy = *policy::Policy::profile("gen3"), .when_staged = when_staged});
  gate_->resume().value();
  control_ = std::make_unique<Control>(
      Parts{*registry_, *identity_, *grants_, *api_keys_, *external_, *gate_, *journal_, clock_}, std::move(options));
  control_->add_routes(router_);
}

ControlTest::~ControlTest() = default;

void ControlTest::ensure_user(const std::string& name) {
  if (users_.contains(name)) return;
  identity_->add_user(name, kPassword, roles_of(name)).value();
  users_.emplace(name, *identity_->authenticate(name, kPassword));
}

Answer ControlTest::ask(const Question& question) {
  http::Request request;
  request.id = "0123456789abcdef";
  request.method = question.method;
  request.target = question.target;
  request.scheme = "https";
  request.host = "inside:8443";
  auto question_mark = question.target.find('?');
  request.path = question.target.substr(0, question_mark);
  if (question_mark != std::string::npos)
    for (auto pair : split(std::string_view(question.target).substr(question_mark + 1), '&'))
      request.query.emplace_back(pair.substr(0, pair.find('=')), pair.substr(pair.find('=') + 1));
  if (!question.user.empty()) {
    ensure_user(question.user);
    request.headers.set("Authorization", "Basic " + to_base64(as_bytes(format("{}:{}", question.user, kPassword))));
  }
  if (!question.authorization.empty()) request.headers.set("Authorization", question.authorization);
  if (!question.content_type.empty()) request.headers.set("Content-Type", question.content_type);
  if (!question.accept.empty()) request.headers.set("Accept", question.accept);
  StringBody body(question.body);
  request.body = &body;
  auto response = http::settle(router_(request));
  Answer answer{.status = response.status, .headers = response.headers, .body = std::get<std::string>(response.body)};
  if (auto json = parse_json(answer.body); json.ok()) answer.json = *json;
  return answer;
}

std::string ControlTest::push(const std::string& user, const std::string& tag) {
  ensure_user(user);
  const auto& who = users_.at(user);
  auto repository = *oci::RepositoryName::parse("staging/" + who.repository_component());
  auto upload = [&](std::string_view bytes) {
    auto session = *registry_->start_upload(who, repository);
    session.append(as_bytes(bytes)).value();
    registry_->finish_upload(who, std::move(session), oci::Digest::of(as_bytes(bytes))).value();
  };
  auto layer = format("no archive, of {}", user);
  auto config = format(R"({{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["{}"]}}}})",
                       oci::Digest::of(as_bytes(layer)).to_string());
  upload(layer);
  upload(config);
  Json layers = Json::array();
  layers.push(blob_descriptor(oci::media_type::kOciLayer, layer));
  Json manifest = Json::object();
  manifest.set("schemaVersion", 2).set("mediaType", oci::media_type::kOciManifest);
  manifest.set("config", blob_descriptor(oci::media_type::kOciConfig, config)).set("layers", layers);
  auto put =
      registry_->put_manifest(who, repository, *oci::Tag::parse(tag), manifest.dump(), oci::media_type::kOciManifest);
  CHECK(put.ok(), put.ok() ? "" : put.error().message());
  return gate_->await_verdict(*put->staged, seconds(60))->id;
}

}  // namespace pratique::control::testing
