// Giving up rights: what a process that reads hostile bytes does to itself before the first of them.
#pragma once

#include <cstdint>
#include <chrono>

#include "base/result.h"

namespace pratique::os {

struct SandboxLimits {
  std::uint64_t memory_bytes_max;  // address space; ignored under sanitizers, which reserve terabytes
  std::chrono::seconds cpu_seconds_max;
};

// From here on this process can compute, allocate, and read and write the descriptors it already has; everything else
// (open, socket, exec, fork, kill, ptrace, prctl …) kills it. Closes every descriptor but `keep`. Irrevocable.
// Unavailable where the kernel refuses the filter: the caller must then not go on.
Status enter_sandbox(const SandboxLimits& limits, std::initializer_list<int> keep);

}  // namespace pratique::os
