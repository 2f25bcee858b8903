// The main of the fault and workload tests:  faults_test [--all] [--seed=N] [--steps=N] [--threads=N] [gtest's options]
#include <gtest/gtest.h>

#include <string_view>

#include "base/text.h"
#include "faults/options.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  auto& options = pratique::faults::options();
  for (int i = 1; i < argc; ++i) {
    std::string_view word = argv[i];
    auto take = [&](std::string_view name, std::uint64_t& into) {
      if (!word.starts_with(name)) return;
      if (auto number = pratique::parse_decimal(word.substr(name.size()))) into = *number;
    };
    options.sweeps_all = options.sweeps_all || word == "--all";
    take("--seed=", options.seed);
    take("--steps=", options.steps);
    take("--threads=", options.threads);
  }
  return RUN_ALL_TESTS();
}
