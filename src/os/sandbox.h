// Giving up rights: what a process that reads hostile bytes does to itself before the first of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>

#include "base/result.h"

namespace pratique::os {

struct SandboxLimits {
  std::uint64_t memory_bytes_max;  // address space; ignored under sanitizers, which reserve terabytes
  std::chrono::seconds cpu_seconds_max;
};

// From here on every thread of this process can compute, allocate, wait for its siblings, and read and write the
// descriptors it already has; everything else (open, socket, exec, fork, new threads, kill, ptrace, prctl …) kills the
// process. Closes every descriptor but `keep`. Irrevocable. Threads must have been started before.
// Unavailable where the kernel refuses: the caller must then not go on.
Status enter_sandbox(const SandboxLimits& limits, std::initializer_list<int> keep);

}  // namespace pratique::os
