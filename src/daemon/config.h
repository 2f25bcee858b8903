// The server's configuration file (docs/formats/configuration.md), as a value whose every field is valid.
// A new setting is a field here and one entry in config_table.cc.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "base/result.h"
#include "cli/cli.h"
#include "control/control.h"
#include "daemon/settings.h"
#include "grants/grants.h"
#include "http/http.h"
#include "policy/policy.h"
#include "registry/registry.h"
#include "upkeep/upkeep.h"

namespace pratique::daemon {

// What AWS's command line is told, and where its proxy listens.
struct AwsConfig {
  std::string account = "000000000000";
  std::string region = "us-east-1";
  std::string proxy_address;  // "": no proxy
  std::uint16_t proxy_port = 0;
};

struct NamespaceSettings : registry::Namespace {
  bool refuses_at_push = false;
  int line = 0;
};

struct Config {
  std::string data;
  std::string address = "127.0.0.1";
  std::uint16_t port = 5000;
  std::string public_url;  // "" : what each request's Host says
  std::optional<http::TlsFiles> tls;
  http::TlsFiles tls_files;  // as given; `tls` is set where both are
  http::ServerLimits limits;
  std::vector<std::string> trusted_proxies;
  std::vector<NamespaceSettings> namespace_settings;
  std::vector<registry::Namespace> namespaces;  // the same, for the registry
  std::set<std::string> refuse_at_push;         // staging namespaces where a rejected image fails the push itself
  policy::Policy policy;
  std::string policy_source = "gen3";  // a profile's name or a file
  AwsConfig aws;
  std::string test_clock;  // a file with seconds to add to the time; "" outside tests
  grants::Options grants;
  control::OidcSettings oidc;
  std::vector<control::WorkloadRule> workloads;
  seconds verdict_wait{60};
  std::string advisories;  // file
  seconds housekeeping_interval{10};
  std::size_t waiting_max = 1'000;  // images without a verdict, before pushes are told to come back
  registry::Options registry;
  upkeep::Options upkeep;
  log::Level log_level = log::Level::Info;
  log::Style log_style = log::Style::Logfmt;
  Origins origins;  // of what is not a default
};

// The one table of settings, in the order of the reference page.
const std::vector<Setting<Config>>& config_table();
// What holds where the file says nothing.
Result<Config> default_config();
// Invalid with "pratique.yaml line 7: …" for unknown keys and bad values. Relative paths are taken from the file's
// place.
Result<Config> parse_config(std::string_view yaml, const std::string& file_name);
// The file (or the defaults), with what the command line overrides.
Result<Config> load_config(const cli::ServeOptions& options);
// "host:port", "[::1]:5000" or ":5000".
Status parse_listen(std::string_view text, Config& config);
Result<std::pair<std::string, std::uint16_t>> parse_address(std::string_view text);
std::string listen_text(const Config& config);

// {"settings":[{"key","value","from"}]}: what a server started with these options would run with.
Json describe_config(const Config& config);
// The reference made from the table: "markdown" (docs/formats/configuration.md), "man" (pratique.yaml.5) or "yaml" (a
// file with every setting as a comment). Invalid for other forms.
Result<std::string> config_reference(std::string_view form);

}  // namespace pratique::daemon
