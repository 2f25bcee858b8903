// The command line: one visible table of subcommands, their options and their help.
//
// Local commands call the modules; remote ones speak to a gate over its API. Serving is the composition root's business
// and comes in as a callback. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the verdict is negative. One thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace pratique::cli {

struct ServeOptions {
  std::string config_file;            // "" : defaults
  std::optional<std::string> data;    // overrides the file
  std::optional<std::string> listen;  // "host:port", overrides the file
};

// What only the composition root can do.
struct Services {
  std::function<Status(const ServeOptions&)> serve;  // returns when told to stop by SIGTERM or SIGINT
  // Sets a local user's password straight in the data directory of a stopped or running server.
  std::function<Status(const std::string& data, const std::string& user, const std::string& password)> reset_password;
  // Reads and checks everything a start would read, and starts nothing.
  std::function<Status(const ServeOptions&)> check_config;
  // {"settings":[{"key","value","from"}]}
  std::function<Result<Json>(const ServeOptions&)> describe_config;
  std::function<Result<std::string>(std::string_view form)> config_reference;  // markdown, man or yaml
};

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kWrongUsage = 2;
inline constexpr int kVerdictNegative = 3;

// Runs the program; never throws.
int run(int argc, char** argv, const Services& services);

// $PRATIQUE_DATA, else /var/lib/pratique for root, else $XDG_DATA_HOME/pratique, else ~/.local/share/pratique.
std::string default_data_directory();
inline constexpr std::string_view kVersion = "0.1.0";
inline constexpr std::string_view kVersionDate = "2026-11-20";  // in manual pages, so that builds repeat themselves
// Text for a manual page: nothing in it is a request or an escape.
std::string roff(std::string_view text);
// The nearest known word within two edits; "" when nothing is near.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace pratique::cli
