#include "transport/fake_registry.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/format.h"
#include "base/log.h"
#include "base/text.h"

namespace pratique::transport {

namespace {

constexpr std::string_view kUser = "me", kPassword = "secret";

std::string basic_value() {
  return "Basic " + to_base64(as_bytes(format("{}:{}", kUser, kPassword)));
}

http::Response error(int status, std::string_view code, std::string_view message) {
  return http::Response::json(status, format(R"({{"errors":[{{"code":"{}","message":"{}"}}]}})", code, message));
}

// "bytes=A-B"; everything when there is no range.
std::pair<std::size_t, std::size_t> range_of(const http::Request& request, std::size_t size) {
  auto range = request.headers.find("Range");
  auto pair = range ? cut(std::string_view(*range).substr(6), "-") : std::nullopt;
  if (!pair) return {0, size};
  return {*parse_decimal(pair->first), *parse_decimal(pair->second) + 1};
}

}  // namespace

FakeRegistry::FakeRegistry(Login login) : login_(login) {
  log::configure(log::Level::Off, log::Style::Logfmt);
  server_ = http::Server::start({}, [this](http::Request& request) { return answer(request); }).value();
}
FakeRegistry::~FakeRegistry() = default;

std::string FakeRegistry::host() const {
  return format("127.0.0.1:{}", server_->port());
}

oci::Digest FakeRegistry::hold(const std::string& repository, const std::string& tag, const std::string& manifest,
                               std::string_view type, const std::vector<std::string>& contents) {
  auto digest = oci::Digest::of(as_bytes(manifest));
  for (const auto& bytes : contents) blobs[oci::Digest::of(as_bytes(bytes)).to_string()] = bytes;
  manifests[repository + "@" + tag] = manifests[repository + "@" + digest.to_string()] = {std::string(type), manifest};
  return digest;
}

std::size_t FakeRegistry::count(std::string_view start) const {
  std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(log.begin(), log.end(), [&](const std::string& line) { return line.starts_with(start); }));
}

http::Response FakeRegistry::answer(http::Request& request) {
  std::lock_guard lock(mutex_);
  log.push_back(request.method + " " + request.path);
  if (request.path == "/token") return token(request);
  if (auto no = challenge(request)) return std::move(*no);
  if (request.path == "/v2/") return http::Response::json(200, "{}");
  if (faults.busy > 0) {
    --faults.busy;
    auto later = error(429, "TOOMANYREQUESTS", "later");
    later.headers.set("Retry-After", "0");
    return later;
  }
  if (faults.unavailable > 0) {
    --faults.unavailable;
    return error(503, "UNAVAILABLE", "restarting");
  }
  std::string_view path(request.path);
  path.remove_prefix(std::min<std::size_t>(4, path.size()));
  if (auto parts = cut(path, "/manifests/")) {
    std::string repository(parts->first), reference(parts->second);
    if (request.method == "PUT") return put_manifest(request, repository, reference);
    return manifest(request, repository + "@" + reference);
  }
  if (request.method == "POST") return begin_upload(std::string(path));
  if (request.method == "PATCH") return patch(request, request.path);
  if (request.method == "PUT") return finish_upload(request, request.path);
  if (request.method == "DELETE") return uploads_.erase(request.path), http::Response::text(204, "");
  if (request.method == "GET" && contains(path, "/blobs/uploads/")) return upload_status(request.path);
  if (auto parts = cut(path, "/blobs/")) return blob(request, std::string(parts->second));
  return error(404, "NAME_UNKNOWN", "no such path");
}

http::Response FakeRegistry::token(http::Request& request) {
  last_token_query = request.target;
  if (request.headers.find("Authorization") != basic_value()) return error(401, "UNAUTHORIZED", "wrong password");
  good_token_ = format("token-{}", ++tokens_given);
  return http::Response::json(200, format(R"({{"token":"{}","expires_in":300}})", good_token_));
}

std::optional<http::Response> FakeRegistry::challenge(http::Request& request) {
  auto given = request.headers.find("Authorization");
  bool is_expired = request.method == "PATCH" && faults.expire_token_at_patch > 0 && faults.expire_token_at_patch--;
  std::string wanted = login_ == Login::Basic ? basic_value() : "Bearer " + good_token_;
  if (login_ == Login::None || (given == wanted && !is_expired)) return std::nullopt;
  auto no = error(401, "UNAUTHORIZED", "who are you?");
  no.headers.set("WWW-Authenticate", login_ == Login::Basic
                                         ? R"(Basic realm="fake")"
                                         : format(R"(Bearer realm="http://{}/token",service="fake")", host()));
  return no;
}

http::Response FakeRegistry::manifest(http::Request& request, const std::string& key) {
  accepts = request.headers.all("Accept");
  auto found = manifests.find(key);
  if (found == manifests.end()) return error(404, "MANIFEST_UNKNOWN", "no such manifest");
  http::Response response;
  response.body = found->second.second;
  response.headers.set("Content-Type", found->second.first + "; charset=utf-8");
  auto digest = oci::Digest::of(as_bytes(found->second.second)).to_string();
  response.headers.set("Docker-Content-Digest", faults.lies_about_digest.empty() ? digest : faults.lies_about_digest);
  response.headers.add("Warning", R"(299 - "expires soon")");
  return response;
}

http::Response FakeRegistry::put_manifest(http::Request& request, const std::string& repository,
                                          const std::string& reference) {
  auto bytes = http::read_all(*request.body, 5 << 20).value();
  if (!faults.refuses_manifests.empty()) return error(403, "DENIED", faults.refuses_manifests);
  auto type = request.headers.find("Content-Type").value_or("");
  hold(repository, reference, bytes, type, {});
  auto response = http::Response::text(201, "");
  response.headers.add("Warning", R"(299 - "report at https://gate/reports/1")");
  response.headers.add("Warning", R"(199 - "not for you")");
  return response;
}

http::Response FakeRegistry::blob(http::Request& request, const std::string& digest) {
  auto found = blobs.find(digest);
  if (found == blobs.end()) return error(404, "BLOB_UNKNOWN", "no such blob");
  const auto& bytes = found->second;
  auto [from, to] = faults.ignores_ranges ? std::pair{std::size_t{0}, bytes.size()} : range_of(request, bytes.size());
  http::Response response;
  response.status = to - from == bytes.size() ? 200 : 206;
  if (response.status == 206)
    response.headers.set("Content-Range", format("bytes {}-{}/{}", from, to - 1, bytes.size()));
  if (request.method == "HEAD") response.content_length = bytes.size();
  bool is_cut = request.method == "GET" && to - from > 1 && faults.cut_downloads > 0 && faults.cut_downloads--;
  if (!is_cut) {
    response.body = bytes.substr(from, to - from);
    return response;
  }
  auto half = bytes.substr(from, (to - from) / 2);
  response.body = http::StreamBody([half, is_sent = false]() mutable -> Result<std::string> {
    if (is_sent) return unavailable("cut");
    is_sent = true;
    return half;
  });
  return response;
}

http::Response FakeRegistry::accepted(const std::string& path) const {
  auto response = http::Response::text(202, "");
  std::string origin = faults.absolute_locations ? "http://" + host() : faults.location_origin;
  response.headers.set("Location", origin + path + "?state=a%2Fb");
  return response;
}

http::Response FakeRegistry::begin_upload(const std::string& repository) {
  std::string path = format("/v2/{}{}", repository, uploads_.size() + log.size());
  uploads_[path] = "";
  return accepted(path);
}

http::Response FakeRegistry::patch(http::Request& request, const std::string& path) {
  auto found = uploads_.find(path);
  if (found == uploads_.end() || request.parameter("state") != "a/b")
    return error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload");
  auto& have = found->second;
  auto range = request.headers.find("Content-Range");
  if (range && !range->starts_with(format("{}-", have.size())))
    return error(416, "BLOB_UPLOAD_INVALID", "out of order");
  auto bytes = http::read_all(*request.body, 64 << 20);
  if (!bytes.ok()) return error(400, "BLOB_UPLOAD_INVALID", "cut short");
  bytes_patched += bytes->size();
  if (faults.cut_uploads > 0) {
    --faults.cut_uploads;
    have += bytes->substr(0, bytes->size() / 2);
    return error(503, "UNAVAILABLE", "restarting");
  }
  have += *bytes;
  return accepted(path);
}

http::Response FakeRegistry::upload_status(const std::string& path) const {
  auto found = uploads_.find(path);
  if (found == uploads_.end() || faults.forgets_uploads) return error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload");
  auto response = accepted(path);
  response.status = 204;
  response.headers.set("Range", format("0-{}", found->second.empty() ? 0 : found->second.size() - 1));
  return response;
}

http::Response FakeRegistry::finish_upload(http::Request& request, const std::string& path) {
  auto wanted = request.parameter("digest").value_or("");
  auto found = uploads_.find(path);
  if (found == uploads_.end()) return error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload");
  if (oci::Digest::of(as_bytes(found->second)).to_string() != wanted)
    return error(400, "DIGEST_INVALID", "other bytes");
  blobs[wanted] = std::move(found->second);
  uploads_.erase(found);
  return http::Response::text(201, "");
}

}  // namespace pratique::transport
