// The composition root: reads the configuration, makes every module once, in floor order, and serves until told to
// stop. The only place that knows everybody. Not here: any rule.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "cli/cli.h"

namespace pratique::daemon {

// Runs the gate in the foreground. Returns ok after SIGTERM or SIGINT, when requests in work have finished. Errors say
// what is wrong with the configuration, the data directory or the address.
Status serve(const cli::ServeOptions& options);

// What a start would read, read and checked; nothing is started. The error is the one a start would end with.
Status check_config(const cli::ServeOptions& options);
Result<Json> describe_configuration(const cli::ServeOptions& options);
Result<std::string> reference_of_configuration(std::string_view form);

// Sets a local user's password in a data directory: the way back in for an administrator who lost theirs.
Status reset_password(const std::string& data, const std::string& user, const std::string& password);

}  // namespace pratique::daemon
