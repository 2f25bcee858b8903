// The child process that reads hostile bytes, seen from both sides. Not here: what it does with them (layer_reader.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scan/scan.h"

namespace pratique::scan {

// The first argument that makes this program a worker.
inline constexpr std::string_view kWorkerArgument = "internal-catalogue-layer";
// The arguments that start one with these limits.
std::vector<std::string> worker_arguments(const Limits& limits);

}  // namespace pratique::scan
