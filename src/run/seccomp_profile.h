// The system calls a job may make, as the runtime specification's `linux.seccomp` object.
#pragma once

#include <string_view>
#include <vector>

#include "base/json.h"

namespace pratique::run {

Json seccomp_profile();

// For the tests that hold the profile against what it promises.
std::vector<std::string_view> allowed_system_calls();
std::vector<std::string_view> refused_system_calls();

}  // namespace pratique::run
