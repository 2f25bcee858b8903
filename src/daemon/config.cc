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

// Reads one mapping: each key once, by name, and complains of the keys nobody asked for.
class Section {
 public:
  Section(const Yaml& yaml, std::string where) : yaml_(yaml), where_(std::move(where)) {}

  Error bad(const Yaml& at, std::string_view what) const {
    return invalid(format("{} line {}: {}", where_, at.line, what));
  }

  const Yaml* take(std::string_view key) {
    known_.emplace_back(key);
    return yaml_.find(key);
  }
  Status text(std::string_view key, std::string& into) {
    const Yaml* value = take(key);
    if (!value) return {};
    if (value->kind != Yaml::Kind::Scalar) return bad(*value, format("{} takes text", key));
    into = value->scalar;
    return {};
  }
  template <typename Unit>
  Status number(std::string_view key, Unit& into, long long lowest, long long highest) {
    const Yaml* value = take(key);
    if (!value) return {};
    auto given = value->as_int();
    if (!given || *given < lowest || *given > highest)
      return bad(*value, format("{} takes a whole number from {} to {}", key, lowest, highest));
    into = Unit(static_cast<std::size_t>(*given));
    return {};
  }
  Status done() const {
    if (yaml_.kind == Yaml::Kind::Null) return {};
    if (yaml_.kind != Yaml::Kind::Mapping) return bad(yaml_, "expected `key: value` lines");
    for (const auto& member : yaml_.members)
      if (std::find(known_.begin(), known_.end(), member.key.scalar) == known_.end())
        return bad(member.key, format("there is no setting \"{}\" here; known are {}", printable(member.key.scalar),
                                      join(known_, ", ")));
    return {};
  }

 private:
  const Yaml& yaml_;
  std::string where_;
  std::vector<std::string> known_;
};

const Yaml kEmpty{};

std::string beside(const std::string& file_name, const std::string& path) {
  if (path.empty() || path[0] == '/') return path;
  return (std::filesystem::absolute(file_name).parent_path() / path).lexically_normal().string();
}

std::vector<registry::Namespace> default_namespaces() {
  return {{"nextflow-staging", registry::Mode::Staging, "nextflow-approved"},
          {"nextflow-approved", registry::Mode::Approved, ""},
          {"library", registry::Mode::Open, ""}};
}

Result<registry::Namespace> read_namespace(const Yaml& yaml, const std::string& where, Config& config) {
  Section section(yaml, where);
  registry::Namespace space;
  std::string mode, at_push = "warn", missing = "refuse";
  TRY(section.text("name", space.name));
  TRY(section.text("mode", mode));
  TRY(section.text("promotes_to", space.promotes_to));
  TRY(section.text("at_push", at_push));
  TRY(section.text("missing", missing));
  TRY(section.done());
  auto name = oci::RepositoryName::parse(space.name);
  if (!name.ok() || contains(space.name, "/"))
    return section.bad(yaml, format("\"{}\" is no namespace name", printable(space.name)));
  if (mode == "open")
    space.mode = registry::Mode::Open;
  else if (mode == "staging")
    space.mode = registry::Mode::Staging;
  else if (mode == "approved")
    space.mode = registry::Mode::Approved;
  else
    return section.bad(yaml,
                       format("mode of {} is \"{}\"; it is open, staging or approved", space.name, printable(mode)));
  if (at_push != "warn" && at_push != "refuse") return section.bad(yaml, "at_push is warn or refuse");
  if ((space.mode == registry::Mode::Staging) != !space.promotes_to.empty())
    return section.bad(yaml, "promotes_to goes with mode staging, and staging needs it");
  if (missing != "refuse" && missing != "accept") return section.bad(yaml, "missing is refuse or accept");
  if (missing == "accept" && space.mode != registry::Mode::Open)
    return section.bad(yaml, "missing: accept goes with mode open: what is judged is judged whole");
  space.takes_sparse = missing == "accept";
  if (at_push == "refuse") config.refuse_at_push.insert(space.name);
  return space;
}

Status read_namespaces(const Yaml& yaml, const std::string& where, Config& config) {
  if (yaml.items.empty()) return invalid(format("{} line {}: namespaces takes a list", where, yaml.line));
  config.namespaces.clear();
  for (const auto& item : yaml.items) config.namespaces.push_back(TRY(read_namespace(item, where, config)));
  for (const auto& space : config.namespaces) {
    // Two modes under one name: whichever were looked up first would decide whether anything is inspected.
    if (std::ranges::count(config.namespaces, space.name, &registry::Namespace::name) > 1)
      return invalid(format("{} line {}: there are two namespaces named {}", where, yaml.line, space.name));
    if (space.mode != registry::Mode::Staging) continue;
    bool approved =
        std::any_of(config.namespaces.begin(), config.namespaces.end(), [&](const registry::Namespace& other) {
          return other.name == space.promotes_to && other.mode == registry::Mode::Approved;
        });
    if (!approved)
      return invalid(format("{} line {}: {} promotes to {}, which is no namespace of mode approved", where, yaml.line,
                            space.name, space.promotes_to));
  }
  return {};
}

Status read_tls(const Yaml* yaml, const std::string& file_name, Config& config) {
  if (!yaml) return {};
  Section section(*yaml, file_name);
  http::TlsFiles files;
  TRY(section.text("certificate", files.certificate));
  TRY(section.text("key", files.key));
  TRY(section.done());
  if (files.certificate.empty() || files.key.empty()) return section.bad(*yaml, "tls needs certificate and key");
  config.tls = http::TlsFiles{beside(file_name, files.certificate), beside(file_name, files.key)};
  return {};
}

Status read_limits(const Yaml* yaml, const std::string& where, Config& config) {
  Section section(yaml ? *yaml : kEmpty, where);
  TRY(section.number("connections", config.limits.connections_max, 16, 1'000'000));
  TRY(section.number("requests_in_work", config.limits.workers_max, 1, 4'096));
  TRY(section.number("requests_waiting", config.limits.queue_max, 1, 100'000));
  TRY(section.number("verdicts_waited_for", config.limits.waits_max, 0, 10'000));
  TRY(section.number("connections_per_client", config.limits.connections_per_client_max, 1, 1'000'000));
  TRY(section.number("requests_per_second_per_client", config.limits.requests_per_second_per_client, 0, 1'000'000));
  return section.done();
}

Status read_log(const Yaml* yaml, const std::string& where, Config& config) {
  Section section(yaml ? *yaml : kEmpty, where);
  std::string level = "info", style = "logfmt";
  TRY(section.text("level", level));
  TRY(section.text("format", style));
  TRY(section.done());
  if (level == "debug")
    config.log_level = log::Level::Debug;
  else if (level == "info")
    config.log_level = log::Level::Info;
  else if (level == "warn")
    config.log_level = log::Level::Warn;
  else if (level == "error")
    config.log_level = log::Level::Error;
  else
    return section.bad(*yaml, "level is debug, info, warn or error");
  if (style != "logfmt" && style != "json") return section.bad(*yaml, "format is logfmt or json");
  config.log_style = style == "json" ? log::Style::Json : log::Style::Logfmt;
  return {};
}

// A profile's name, or a policy file beside the configuration.
Result<policy::Policy> read_policy(const std::string& given, const std::string& file_name) {
  auto profile = policy::Policy::profile(given);
  if (profile.ok()) return profile;
  std::string path = beside(file_name, given);
  if (!os::exists(path)) return not_found(format("policy \"{}\" is neither gen3 nor tre nor a file", printable(given)));
  std::string text = TRY(os::read_file(path, kConfigBytesMax));
  return policy::Policy::parse(text, path);
}

Result<Config> defaults() {
  Config config{.policy = TRY(policy::Policy::profile("gen3"))};
  config.namespaces = default_namespaces();
  return config;
}

}  // namespace

Status parse_listen(std::string_view text, Config& config) {
  auto colon = text.rfind(':');
  auto port = colon == std::string_view::npos ? std::nullopt : parse_decimal(text.substr(colon + 1));
  if (!port || *port > 65'535)
    return invalid(format("\"{}\" is no address to listen on; give HOST:PORT", printable(text)));
  std::string host(text.substr(0, colon));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  config.address = host.empty() ? "0.0.0.0" : host;
  config.port = static_cast<std::uint16_t>(*port);
  return {};
}

Result<Config> parse_config(std::string_view yaml, const std::string& file_name) {
  Yaml root = TRY(parse_yaml(yaml, {.bytes_max = kConfigBytesMax}).with_context(file_name));
  Config config = TRY(defaults());
  Section section(root, file_name);
  std::string listen, policy;
  TRY(section.text("data", config.data));
  TRY(section.text("listen", listen));
  TRY(section.text("public_url", config.public_url));
  TRY(section.text("policy", policy));
  TRY(section.text("advisories", config.advisories));
  TRY(section.number("verdict_wait_seconds", config.verdict_wait, 0, 3'600));
  TRY(section.number("housekeeping_seconds", config.housekeeping_interval, 1, 86'400));
  TRY(read_tls(section.take("tls"), file_name, config));
  TRY(read_limits(section.take("limits"), file_name, config));
  TRY(read_log(section.take("log"), file_name, config));
  if (const Yaml* proxies = section.take("trusted_proxies"))
    for (const auto& proxy : proxies->items) config.trusted_proxies.push_back(proxy.scalar);
  if (const Yaml* spaces = section.take("namespaces")) TRY(read_namespaces(*spaces, file_name, config));
  TRY(section.done());
  if (!listen.empty()) TRY(parse_listen(listen, config).with_context(file_name));
  if (!policy.empty()) config.policy = TRY(read_policy(policy, file_name).with_context(file_name));
  config.data = beside(file_name, config.data);
  config.advisories = beside(file_name, config.advisories);
  while (config.public_url.ends_with('/')) config.public_url.pop_back();
  return config;
}

Result<Config> load_config(const cli::ServeOptions& options) {
  Config config = TRY(defaults());
  if (!options.config_file.empty()) {
    std::string text = TRY(os::read_file(options.config_file, kConfigBytesMax));
    config = TRY(parse_config(text, options.config_file));
  }
  if (options.data) config.data = std::filesystem::absolute(*options.data).string();
  if (config.data.empty()) config.data = cli::default_data_directory();
  if (options.listen) TRY(parse_listen(*options.listen, config));
  if (config.advisories.empty()) config.advisories = config.data + "/advisories.db";
  return config;
}

}  // namespace pratique::daemon
