// The request target and the host name: two strings an attacker writes and everything above believes.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace pratique::http {

struct Target {
  std::string path;  // decoded once; starts with "/" (or is "*"); no NUL, no empty, "." or ".." segment inside
  std::vector<std::pair<std::string, std::string>> query;
  std::string authority;  // only of an absolute-form target
};

// Origin form, absolute form (http and https) or "*". Invalid for everything else.
Result<Target> parse_target(std::string_view target);

// host or host:port, with host a name, an IPv4 address or a bracketed IPv6 address.
bool is_authority(std::string_view text);

}  // namespace pratique::http
