// format("{} of {}", done, all): std::format, which libstdc++ 12 lacks, from {fmt}.
#pragma once

#include <fmt/format.h>

namespace pratique {

using fmt::format;

}  // namespace pratique
