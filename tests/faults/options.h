// How long and what exactly to try.
#pragma once

#include <cstdint>

namespace pratique::faults {

struct Options {
  bool sweeps_all = false;  // every step of every sweep, instead of some spread over it
  std::uint64_t seed = 1;
  std::uint64_t steps = 60;  // of the workload, each thread
  std::uint64_t threads = 3;
};

inline Options& options() {
  static Options given;
  return given;
}

}  // namespace pratique::faults
