// CHECK(condition, why): aborts with file and line when our own code is wrong.
//
// For our bugs only. Never on anything that input, network, disk or a user can cause: that is a Result.
#pragma once

#include <string_view>

namespace pratique {

[[noreturn]] void check_failed(const char* condition, const char* file, int line, std::string_view why);

}  // namespace pratique

#define CHECK(condition, ...)                                                                    \
  do {                                                                                           \
    if (!(condition)) [[unlikely]]                                                               \
      ::pratique::check_failed(#condition, __FILE__, __LINE__, ::std::string_view{__VA_ARGS__}); \
  } while (false)
