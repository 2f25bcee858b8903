#include "daemon/config.h"

#include <algorithm>
#include <filesystem>

#include "base/format.h"
#include "base/text.h"
#include "base/yaml.h"
#include "os/file.h"

namespace pratique::daemon {

namespace {

constexpr std::size_t kConfigBytesMax = 1 << 20;

std::vector<NamespaceSettings> default_namespaces() {
  return {{{"nextflow-staging", registry::Mode::Staging, "nextflow-approved"}},
          {{"nextflow-approved", registry::Mode::Approved, ""}},
          {{"library", registry::Mode::Open, ""}}};
}

Status check_namespace(const NamespaceSettings& space, const Config& config) {
  auto& all = config.namespace_settings;
  auto name = oci::RepositoryName::parse(space.name);
  if (!name.ok() || contains(space.name, "/"))
    return invalid(format("\"{}\" is no namespace name", printable(space.name)));
  // Two modes under one name: whichever were looked up first would decide whether anything is inspected.
  if (std::ranges::count(all, space.name, &registry::Namespace::name) > 1)
    return invalid(format("there are two namespaces named {}", space.name));
  bool is_staging = space.mode == registry::Mode::Staging;
  if (is_staging != !space.promotes_to.empty())
    return invalid("promotes_to goes with mode staging, and staging needs it");
  if (space.takes_sparse && space.mode != registry::Mode::Open)
    return invalid("missing: accept goes with mode open: what is judged is judged whole");
  bool has_target = std::ranges::any_of(all, [&](const NamespaceSettings& other) {
    return other.name == space.promotes_to && other.mode == registry::Mode::Approved;
  });
  if (is_staging && !has_target)
    return invalid(
        format("{} promotes to {}, which is no namespace of mode approved", space.name, printable(space.promotes_to)));
  return {};
}

Status take_namespaces(Config& config, const std::string& file_name) {
  config.namespaces.clear();
  for (const auto& space : config.namespace_settings) {
    TRY(check_namespace(space, config).with_context(format("{} line {}", file_name, space.line)));
    config.namespaces.push_back(space);
    if (space.refuses_at_push) config.refuse_at_push.insert(space.name);
  }
  return {};
}

Status take_tls(Config& config, const std::string& file_name) {
  const auto& files = config.tls_files;
  if (files.certificate.empty() && files.key.empty()) return {};
  if (files.certificate.empty() || files.key.empty()) {
    std::string_view given = files.key.empty() ? "tls.certificate" : "tls.key";
    auto where = config.origins.find(std::string(given));
    return invalid(
        format("{}: tls needs certificate and key", where == config.origins.end() ? file_name : where->second));
  }
  config.tls = files;
  return {};
}

// A profile's name, or a policy file beside the configuration.
Result<policy::Policy> read_policy(const std::string& given, const std::string& file_name) {
  auto profile = policy::Policy::profile(given);
  if (profile.ok()) return profile;
  std::string path = beside(file_name, given);
  if (!os::exists(path)) return not_found(format("policy \"{}\" is neither gen3 nor tre nor a file", printable(given)));
  std::string text = TRY(os::read_file(path, kConfigBytesMax));
  auto load = [&](const std::string& name) { return os::read_file(beside(path, name), kConfigBytesMax); };
  return policy::Policy::parse(text, path, load);
}

}  // namespace

Result<Config> default_config() {
  Config config{.policy = TRY(policy::Policy::profile("gen3"))};
  config.namespace_settings = default_namespaces();
  TRY(take_namespaces(config, "defaults"));
  return config;
}

Result<std::pair<std::string, std::uint16_t>> parse_address(std::string_view text) {
  auto colon = text.rfind(':');
  auto port = colon == std::string_view::npos ? std::nullopt : parse_decimal(text.substr(colon + 1));
  if (!port || *port > 65'535)
    return invalid(format("\"{}\" is no address to listen on; give HOST:PORT", printable(text)));
  std::string host(text.substr(0, colon));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return std::pair(host.empty() ? "0.0.0.0" : host, static_cast<std::uint16_t>(*port));
}

Status parse_listen(std::string_view text, Config& config) {
  auto address = TRY(parse_address(text));
  config.address = address.first;
  config.port = address.second;
  return {};
}

std::string listen_text(const Config& config) {
  bool is_v6 = config.address.find(':') != std::string::npos;
  return is_v6 ? format("[{}]:{}", config.address, config.port) : format("{}:{}", config.address, config.port);
}

Result<Config> parse_config(std::string_view yaml, const std::string& file_name) {
  Yaml root = TRY(parse_yaml(yaml, {.bytes_max = kConfigBytesMax}).with_context(file_name));
  Config config = TRY(default_config());
  TRY(read_settings(root, config_table(), config, file_name, &config.origins));
  TRY(take_tls(config, file_name));
  TRY(take_namespaces(config, file_name));
  auto policy_line = config.origins.find("policy");
  if (policy_line != config.origins.end())
    config.policy = TRY(read_policy(config.policy_source, file_name).with_context(policy_line->second));
  while (config.public_url.ends_with('/')) config.public_url.pop_back();
  return config;
}

Result<Config> load_config(const cli::ServeOptions& options) {
  Config config = TRY(default_config());
  if (!options.config_file.empty()) {
    std::string text = TRY(os::read_file(options.config_file, kConfigBytesMax));
    config = TRY(parse_config(text, options.config_file));
  }
  if (options.data) {
    config.data = std::filesystem::absolute(*options.data).string();
    config.origins["data"] = "--data";
  }
  if (config.data.empty()) config.data = cli::default_data_directory();
  if (options.listen) {
    TRY(parse_listen(*options.listen, config));
    config.origins["listen"] = "--listen";
  }
  if (config.advisories.empty()) config.advisories = config.data + "/advisories.db";
  return config;
}

Json describe_config(const Config& config) {
  Json settings = Json::array();
  for (const auto& setting : config_table()) {
    auto origin = config.origins.find(setting.page.key);
    std::string value = setting.show(config);
    if (setting.page.secret && !value.empty()) value = "(set)";
    settings.push(Json::object({{"key", setting.page.key},
                                {"value", value},
                                {"from", origin == config.origins.end() ? "default" : origin->second}}));
  }
  return Json::object({{"settings", settings}});
}

}  // namespace pratique::daemon
