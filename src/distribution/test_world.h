// The little language of the distribution tests: a whole gate on a fresh directory, people, and requests as a client
// sends them. Images in staging have no layers, so that nothing has to be catalogued.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/format.h"
#include "base/json.h"
#include "base/text.h"
#include "distribution/distribution.h"
#include "os/file.h"

namespace pratique::distribution {

class TextBody final : public http::BodyReader {
 public:
  TextBody(std::string text, bool is_chunked, bool is_cut)
      : text_(std::move(text)), chunked_(is_chunked), cut_(is_cut) {}
  Result<std::size_t> read(std::span<std::byte> buffer) override {
    const std::size_t count = std::min(buffer.size(), text_.size() - at_);
    std::memcpy(buffer.data(), text_.data() + at_, count);
    at_ += count;
    if (count == 0 && cut_) return unavailable("the peer went away");
    return count;
  }
  std::optional<std::uint64_t> length() const override {
    return chunked_ ? std::nullopt : std::optional<std::uint64_t>(text_.size());
  }

 private:
  std::string text_;
  std::size_t at_ = 0;
  bool chunked_;
  bool cut_;
};

struct Answer {
  int status = 0;
  http::Headers headers;
  std::string body;
  std::optional<std::uint64_t> content_length;

  std::string header(std::string_view name) const { return headers.find(name).value_or(""); }
  Json json() const { return parse_json(body).value(); }
  std::string code() const { return std::string(json()["errors"].items().at(0)["code"].text()); }
  std::string message() const { return std::string(json()["errors"].items().at(0)["message"].text()); }
};

using HeaderLines = std::vector<std::pair<std::string, std::string>>;

// What a request carries beside method and target.
struct With {
  std::string body;
  HeaderLines headers;
  std::string as = "ann";  // "": nobody
  bool is_chunked = false;
  bool is_cut = false;  // the connection breaks after the body
};

inline std::string sha256_of(std::string_view text) {
  return oci::Digest::of(as_bytes(text)).to_string();
}
inline std::string sha512_of(std::string_view text) {
  Sha512 hash;
  hash.update(as_bytes(text));
  return oci::Digest::from(hash.sum()).to_string();
}

inline Json descriptor(std::string_view media_type, std::string_view content) {
  return Json::object({{"mediaType", media_type}, {"digest", sha256_of(content)}, {"size", content.size()}});
}
inline Json image_json(std::string_view config) {
  return Json::object({{"schemaVersion", 2},
                       {"mediaType", oci::media_type::kOciManifest},
                       {"config", descriptor(oci::media_type::kOciConfig, config)},
                       {"layers", Json::array()}});
}
inline std::string config_json(std::string_view salt) {
  return format(R"({{"os":"linux","architecture":"amd64","author":"{}","rootfs":{{"type":"layers","diff_ids":[]}}}})",
                salt);
}

inline const Time kStart = *Time::parse("2026-11-20T12:00:00Z");

inline std::vector<db::Migration> all_migrations() {
  std::vector<db::Migration> all;
  for (const auto part : {identity::Identity::migrations(), journal::Journal::migrations(),
                          registry::Registry::migrations(), gate::Gate::migrations()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

// A database with people in it, made once and copied for each test: a password hash is slow by intent.
struct Town {
  os::TemporaryDirectory directory = std::move(os::TemporaryDirectory::create()).value();
  std::map<std::string, std::string> tokens;
  std::map<std::string, identity::Principal> people;

  Town() {
    const ManualClock clock(kStart);
    auto database = std::move(db::Database::open({.path = path()}, all_migrations())).value();
    identity::Identity identity(*database, clock);
    using identity::Role;
    for (const auto& [name, role] : {std::pair("ann", Role::Submitter), std::pair("bob", Role::Submitter),
                                     std::pair("run", Role::Runner), std::pair("rev", Role::Reviewer)}) {
      const auto password = format("password-of-{}", name);
      identity.add_user(name, password, {role}).value();
      const auto who = identity.authenticate(name, password).value();
      tokens[name] = identity.issue_token(who)->secret;
      people.emplace(name, who);
    }
  }
  std::string path() const { return directory.path() + "/state.db"; }
};
inline const Town& town() {
  static const Town made;
  return made;
}

class World : public testing::Test {
 protected:
  // `verdict`: what the policy says to an image it cannot judge, which is every image here.
  explicit World(policy::Verdict verdict = policy::Verdict::Review) {
    std::filesystem::copy_file(town().path(), directory.path() + "/state.db");
    database = std::move(db::Database::open({.path = directory.path() + "/state.db"}, all_migrations())).value();
    store = std::move(store::Store::open({.directory = directory.path() + "/store"})).value();
    inventories = std::move(scan::InventoryStore::open(directory.path() + "/inventories")).value();
    journal = std::make_unique<journal::Journal>(*database, clock);
    identity = std::make_unique<identity::Identity>(*database, clock);
    registry = std::make_unique<registry::Registry>(*database, *store, *journal, clock, namespaces());
    gate = std::make_unique<gate::Gate>(
        *database, *registry, *store, *journal, cataloguer, *inventories, [this] { return advisories; }, clock,
        gate::Options{.policy = policy(verdict)});
    distribution =
        std::make_unique<Distribution>(*registry, *store, *identity, *gate, Options{.refuse_at_push = {"strict"}});
  }

  static std::vector<registry::Namespace> namespaces() {
    using registry::Mode;
    return {{.name = "open", .mode = Mode::Open},
            {.name = "in", .mode = Mode::Staging, .promotes_to = "out"},
            {.name = "strict", .mode = Mode::Staging, .promotes_to = "out"},
            {.name = "out", .mode = Mode::Approved},
            {.name = "sparse", .mode = Mode::Open, .takes_sparse = true}};
  }
  static policy::Policy policy(policy::Verdict verdict) {
    auto made = policy::Policy::profile("gen3").value();
    made.on_unjudged = verdict;
    return made;
  }

  // Tokens last minutes, the stories here last weeks.
  void renew_tokens() {
    for (const auto& [name, who] : people) tokens[name] = identity->issue_token(who)->secret;
  }
  // A reviewer lets everything through that waits.
  void approve_all() {
    const auto waiting = gate->submissions({.state = gate::State::Waiting}).value();
    for (const auto& submission : waiting) {
      EXPECT_TRUE(gate->approve(people.at("rev"), submission.id, "looked at it").ok());
    }
  }

  Answer send(std::string method, std::string target, With with = {}) {
    http::Request request{.id = "0", .method = std::move(method), .target = target, .host = "gate.example"};
    const auto parts = cut(target, "?").value_or(std::pair<std::string_view, std::string_view>(target, ""));
    request.path = percent_decode(parts.first).value();
    for (const auto piece : split(parts.second, '&')) {
      if (piece.empty()) continue;
      const auto pair = cut(piece, "=").value_or(std::pair(piece, std::string_view()));
      request.query.emplace_back(percent_decode(pair.first).value(), percent_decode(pair.second).value());
    }
    for (auto& [name, value] : with.headers) request.headers.add(name, value);
    if (!with.as.empty()) request.headers.add("Authorization", "Bearer " + tokens.at(with.as));
    TextBody body(std::move(with.body), with.is_chunked, with.is_cut);
    request.body = &body;
    return read(request.path.starts_with("/v1/") ? distribution->handle_v1(request) : distribution->handle(request));
  }
  bool is_hurried = false;  // nobody waits for verdicts
  Answer read(http::Response response) const {
    const std::atomic<bool> hurry = is_hurried;
    if (response.later) response = response.later(hurry);
    Answer answer{.status = response.status, .headers = response.headers, .content_length = response.content_length};
    if (auto* text = std::get_if<std::string>(&response.body)) answer.body = *text;
    if (auto* file = std::get_if<http::FileBody>(&response.body)) {
      answer.body.resize(file->length);
      os::read_at(file->file, std::as_writable_bytes(std::span(answer.body)), file->offset).value();
    }
    return answer;
  }

  // The path of a Location this server gave.
  static std::string path_of(const Answer& answer) {
    const std::string origin = "http://gate.example";
    const auto location = answer.header("Location");
    EXPECT_TRUE(location.starts_with(origin)) << location;
    return location.substr(origin.size());
  }
  std::string start_upload(std::string_view repository, std::string as = "ann") {
    const auto answer = send("POST", format("/v2/{}/blobs/uploads/", repository), {.as = std::move(as)});
    EXPECT_EQ(answer.status, 202) << answer.body;
    return path_of(answer);
  }
  int push_blob(std::string_view repository, std::string_view bytes, std::string as = "ann") {
    const auto target = format("/v2/{}/blobs/uploads/?digest={}", repository, sha256_of(bytes));
    return send("POST", target, {.body = std::string(bytes), .as = std::move(as)}).status;
  }
  Answer put_manifest(std::string_view repository, std::string_view reference, const std::string& bytes,
                      std::string as = "ann") {
    return send("PUT", format("/v2/{}/manifests/{}", repository, reference),
                {.body = bytes,
                 .headers = {{"Content-Type", std::string(oci::media_type::kOciManifest)}},
                 .as = std::move(as)});
  }
  // Config and manifest; gives the answer to the manifest.
  Answer push_image(std::string_view repository, std::string_view reference, std::string_view salt,
                    std::string as = "ann") {
    EXPECT_EQ(push_blob(repository, config_json(salt), as), 201);
    return put_manifest(repository, reference, image_json(config_json(salt)).dump(), as);
  }
  static std::string blob(std::string_view repository, std::string_view bytes) {
    return format("/v2/{}/blobs/{}", repository, sha256_of(bytes));
  }
  static std::string manifest(std::string_view repository, std::string_view reference) {
    return format("/v2/{}/manifests/{}", repository, reference);
  }

  os::TemporaryDirectory directory = std::move(os::TemporaryDirectory::create()).value();
  ManualClock clock{kStart};
  std::shared_ptr<const advisory::Database> advisories = advisory::Database::starter();
  scan::Cataloguer cataloguer;
  std::unique_ptr<db::Database> database;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<scan::InventoryStore> inventories;
  std::unique_ptr<journal::Journal> journal;
  std::unique_ptr<identity::Identity> identity;
  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<gate::Gate> gate;
  std::unique_ptr<Distribution> distribution;
  std::map<std::string, std::string> tokens = town().tokens;
  const std::map<std::string, identity::Principal>& people = town().people;
};

}  // namespace pratique::distribution
