// SIGHUP: the configuration file is read again while the server runs.
#pragma once

#include <string>
#include <vector>

#include "daemon/config.h"

namespace pratique::daemon {

struct Changes {
  std::vector<std::string> at_once;  // keys that reload
  std::vector<std::string> waiting;  // keys whose change waits for a restart
};
Changes compare(const Config& running, const Config& given);

// Reads the file again and takes up what can change in a running server. A file with an error changes nothing. Says in
// the log what it did.
void reload(const cli::ServeOptions& options, Config& running);

}  // namespace pratique::daemon
