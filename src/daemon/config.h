// The server's configuration file (docs/formats/configuration.md), as a value whose every field is valid.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "cli/cli.h"
#include "http/http.h"
#include "policy/policy.h"
#include "registry/registry.h"

namespace pratique::daemon {

struct Config {
  std::string data;
  std::string address = "127.0.0.1";
  std::uint16_t port = 5000;
  std::string public_url;  // "" : what each request's Host says
  std::optional<http::TlsFiles> tls;
  http::ServerLimits limits;
  std::vector<std::string> trusted_proxies;
  std::vector<registry::Namespace> namespaces;
  std::set<std::string> refuse_at_push;  // staging namespaces where a rejected image fails the push itself
  policy::Policy policy;
  seconds verdict_wait{60};
  std::string advisories;  // file
  seconds housekeeping_interval{10};
  log::Level log_level = log::Level::Info;
  log::Style log_style = log::Style::Logfmt;
};

// Invalid with "pratique.yaml line 7: …" for unknown keys and bad values. Relative paths are taken from the file's
// place.
Result<Config> parse_config(std::string_view yaml, const std::string& file_name);
// The file (or the defaults), with what the command line overrides.
Result<Config> load_config(const cli::ServeOptions& options);
// "host:port", "[::1]:5000" or ":5000".
Status parse_listen(std::string_view text, Config& config);

}  // namespace pratique::daemon
