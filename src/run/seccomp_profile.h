// The system calls a job may make, as the runtime specification's `linux.seccomp` object.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace pratique::run {

Json seccomp_profile(const std::string& watch_socket = "");

// For the tests that hold the profile against what it promises.
std::vector<std::string_view> allowed_system_calls();
std::vector<std::string_view> refused_system_calls();
// The name of a refused call, "" for any other.
std::string_view name_of_refused_call(int number);

}  // namespace pratique::run
