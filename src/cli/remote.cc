#include "cli/remote.h"

#include <cstdlib>
#include <filesystem>

#include "base/format.h"
#include "base/text.h"
#include "cli/output.h"
#include "os/file.h"

namespace pratique::cli {

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string config_directory() {
  if (auto xdg = variable("XDG_CONFIG_HOME"); !xdg.empty()) return xdg + "/pratique";
  return variable("HOME") + "/.config/pratique";
}

// The sentence in {"error":{"message","next"}}, else the status.
Error error_of(const http::ClientResponse& response) {
  ErrorKind kind = response.status == 404                             ? ErrorKind::NotFound
                   : response.status == 401 || response.status == 403 ? ErrorKind::Denied
                   : response.status == 409                           ? ErrorKind::Conflict
                   : response.status >= 500                           ? ErrorKind::Unavailable
                                                                      : ErrorKind::Invalid;
  auto body = parse_json(response.body);
  std::string message = format("the gate answered {}", response.status);
  if (body.ok()) {
    const Json& error = (*body)["error"];
    if (!error["message"].text().empty()) message = printable(error["message"].text(), 2000);
    if (!error["next"].text().empty()) message += "\n" + printable(error["next"].text(), 2000);
    if (error["kind"].text() == "refused") kind = ErrorKind::Refused;
  }
  return Error(kind, message);
}

}  // namespace

Result<std::string> normalise_url(std::string_view text) {
  std::string url(trim(text));
  while (url.ends_with('/')) url.pop_back();
  auto scheme = cut(url, "://");
  if (!scheme) {
    if (url.empty()) return invalid("the gate's address is empty");
    // A password follows: only what cannot leave this machine goes in the clear.
    return (transport::is_loopback_host(url.substr(0, url.find('/'))) ? "http://" : "https://") + url;
  }
  if (scheme->first != "http" && scheme->first != "https")
    return invalid(format("\"{}\" is no address of a gate; it starts with https:// or http://", printable(text)));
  return url;
}

Status remember_server(const std::string& url) {
  TRY(os::make_directories(config_directory()));
  return os::write_file(config_directory() + "/server", url + "\n");
}

std::string remembered_server() {
  auto text = os::read_file(config_directory() + "/server", 4096);
  return text.ok() ? std::string(trim(*text)) : "";
}

Remote::Remote(std::string url, transport::Credentials credentials)
    : url_(std::move(url)), credentials_(std::move(credentials)), client_(std::make_unique<http::Client>()) {}

Result<Remote> Remote::connect(const Arguments& arguments) {
  std::string server = arguments.value("--server");
  if (server.empty()) server = variable("PRATIQUE_SERVER");
  if (server.empty()) server = remembered_server();
  if (server.empty()) return invalid("which gate? Run `pratique login URL` once, or give --server URL");
  std::string url = TRY(normalise_url(server));

  transport::Credentials credentials{arguments.value("--user"), ""};
  if (credentials.user.empty()) credentials.user = variable("PRATIQUE_USER");
  if (arguments.has("--password-stdin"))
    credentials.password = read_password(format("Password of {}: ", credentials.user));
  else
    credentials.password = variable("PRATIQUE_PASSWORD");
  if (credentials.password.empty()) {
    auto stored = transport::stored_credentials(url.substr(url.find("://") + 3));
    if (stored && (credentials.user.empty() || credentials.user == stored->user)) credentials = *stored;
  }
  if (credentials.user.empty() || credentials.password.empty())
    return denied(
        format("no credentials for {}: run `pratique login {}`, or set PRATIQUE_USER and PRATIQUE_PASSWORD", url, url));
  return Remote(std::move(url), std::move(credentials));
}

std::string Remote::host() const {
  return url_.substr(url_.find("://") + 3);
}

std::unique_ptr<transport::RegistryClient> Remote::registry() const {
  return std::make_unique<transport::RegistryClient>(transport::RegistryClient::Options{
      .host = host(), .credentials = credentials_, .plain_http = url_.starts_with("http://"), .verify_tls = true});
}

Result<http::ClientResponse> Remote::exchange(http::ClientRequest request) {
  request.url = url_ + "/api/v1" + request.url;
  if (!credentials_.user.empty())
    request.headers.set("Authorization",
                        "Basic " + to_base64(as_bytes(credentials_.user + ":" + credentials_.password)));
  auto response = TRY(client_->send(request).with_context("talking to " + url_));
  if (response.status >= 400) return error_of(response);
  return response;
}

Result<Json> Remote::get(const std::string& path) {
  http::ClientRequest request{.method = "GET", .url = path};
  request.headers.set("Accept", "application/json");
  auto response = TRY(exchange(std::move(request)));
  return parse_json(response.body, {.bytes_max = 256 << 20, .values_max = 20'000'000})
      .with_context("reading the gate's answer");
}

Result<std::string> Remote::get_text(const std::string& path, const std::string& accept) {
  http::ClientRequest request{.method = "GET", .url = path};
  request.headers.set("Accept", accept);
  return TRY(exchange(std::move(request))).body;
}

Result<std::string> Remote::get_page(const std::string& path) {
  http::ClientRequest request{.method = "GET", .url = url_ + path};
  auto response = TRY(client_->send(request).with_context("talking to " + url_));
  if (response.status >= 400) return error_of(response);
  return std::move(response.body);
}

Result<Json> Remote::send(const std::string& method, const std::string& path, const Json& body) {
  http::ClientRequest request{.method = method, .url = path};
  request.headers.set("Accept", "application/json");
  request.headers.set("Content-Type", "application/json");
  request.body = body.dump();
  auto response = TRY(exchange(std::move(request)));
  if (response.body.empty()) return Json();
  return parse_json(response.body).with_context("reading the gate's answer");
}

}  // namespace pratique::cli
