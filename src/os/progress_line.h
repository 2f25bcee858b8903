// The text of one progress line. Pure, so that tests can read it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace pratique::os {

struct ProgressView {
  std::string_view what;
  std::uint64_t done = 0;
  std::uint64_t total = 0;  // 0: unknown
  std::string_view unit;    // "packages"; "" counts bytes
  std::chrono::milliseconds elapsed{0};
};

// Fits `columns`: the bar goes first, then the rate, then the end of `what`.
std::string progress_line(const ProgressView& view, int columns);
// "pushing layer: done (170.0 MiB in 5.0 s, 34.0 MiB/s)"
std::string progress_summary(const ProgressView& view, std::string_view outcome);

}  // namespace pratique::os
