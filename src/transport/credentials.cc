#include "transport/credentials.h"

#include <cstdlib>

#include "base/encoding.h"
#include "base/format.h"
#include "base/json.h"
#include "base/text.h"
#include "os/file.h"

namespace pratique::transport {

namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;  // a few hundred registries

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string own_file() {
  if (auto file = variable("PRATIQUE_AUTH_FILE"); !file.empty()) return file;
  if (auto home = variable("XDG_CONFIG_HOME"); !home.empty()) return home + "/pratique/auth.json";
  auto home = variable("HOME");
  return home.empty() ? "" : home + "/.config/pratique/auth.json";
}

// In the order in which they count: what was said for us, for this command, for docker, for podman.
std::vector<std::string> files() {
  std::vector<std::string> paths{own_file(), variable("REGISTRY_AUTH_FILE")};
  auto docker = variable("DOCKER_CONFIG"), home = variable("HOME"), runtime = variable("XDG_RUNTIME_DIR");
  if (!docker.empty())
    paths.push_back(docker + "/config.json");
  else if (!home.empty())
    paths.push_back(home + "/.docker/config.json");
  if (!runtime.empty()) paths.push_back(runtime + "/containers/auth.json");
  return paths;
}

// "https://index.docker.io/v1/" is how docker writes "docker.io".
std::string normal_key(std::string_view key) {
  for (std::string_view scheme : {"https://", "http://"}) {
    if (key.starts_with(scheme)) key.remove_prefix(scheme.size());
  }
  for (std::string_view ending : {"/", "/v1", "/v2"}) {
    if (key.ends_with(ending)) key.remove_suffix(ending.size());
  }
  bool is_hub = key == "index.docker.io" || key == "registry-1.docker.io" || key == "registry.hub.docker.com";
  return is_hub ? "docker.io" : std::string(key);
}

bool is_front_of(std::string_view key, std::string_view whole) {
  return whole.starts_with(key) && (whole.size() == key.size() || whole[key.size()] == '/');
}

std::optional<Credentials> read_entry(const Json& entry) {
  if (auto token = entry["identitytoken"].text(); !token.empty()) return Credentials{"<token>", std::string(token)};
  if (auto auth = entry["auth"].text(); !auth.empty()) {
    auto plain = from_base64(auth);
    if (!plain.ok()) return std::nullopt;
    // Old docker pads the decoded text with NUL bytes.
    auto pair = cut(std::string_view(*plain).substr(0, plain->find('\0')), ":");
    if (!pair || pair->first.empty()) return std::nullopt;
    return Credentials{std::string(pair->first), std::string(pair->second)};
  }
  auto user = entry["username"].text();
  if (user.empty()) return std::nullopt;
  return Credentials{std::string(user), std::string(entry["password"].text())};
}

}  // namespace

std::optional<Credentials> find_credentials(std::string_view text, std::string_view host) {
  auto json = parse_json(text);
  if (!json.ok()) return std::nullopt;
  std::optional<Credentials> best;
  std::size_t best_length = 0;
  std::string wanted = normal_key(host);
  for (const auto& [key, entry] : (*json)["auths"].members()) {
    auto plain = normal_key(key);
    if (plain.empty() || plain.size() <= best_length || !is_front_of(plain, wanted)) continue;
    auto read = read_entry(entry);
    if (!read) continue;
    best = std::move(read);
    best_length = plain.size();
  }
  return best;
}

Result<std::string> with_credentials(std::string_view text, std::string_view host, const Credentials& credentials) {
  Json json = Json::object();
  if (!trim(text).empty()) json = TRY(parse_json(text));
  bool is_ours = json.is_object() && (json["auths"].is_object() || json["auths"].is_null());
  if (!is_ours) return invalid("the file is no list of credentials (\"auths\")");
  if (contains(credentials.user, ":")) return invalid("a user name holds a \":\"");
  Json auths = json["auths"].is_null() ? Json::object() : json["auths"];
  auto auth = to_base64(as_bytes(credentials.user + ":" + credentials.password));
  auths.set(host, Json::object({{"auth", std::move(auth)}}));
  json.set("auths", std::move(auths));
  return json.dump_pretty();
}

std::optional<Credentials> stored_credentials(std::string_view host) {
  for (const auto& path : files()) {
    if (path.empty()) continue;
    auto text = os::read_file(path, kFileBytesMax);
    if (!text.ok()) continue;
    if (auto found = find_credentials(*text, host)) return found;
  }
  return std::nullopt;
}

Status store_credentials(std::string_view host, const Credentials& credentials) {
  auto path = own_file();
  if (path.empty()) return invalid("neither PRATIQUE_AUTH_FILE nor HOME says where credentials are kept");
  std::string text;
  if (os::exists(path)) text = TRY(os::read_file(path, kFileBytesMax));
  auto updated = TRY(with_credentials(text, host, credentials).with_context(path));
  if (auto slash = path.rfind('/'); slash != std::string::npos && slash > 0)
    TRY(os::make_directories(path.substr(0, slash)));
  return os::write_file(path, updated, 0600);
}

}  // namespace pratique::transport
