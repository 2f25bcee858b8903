#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace pratique {

void check_failed(const char* condition, const char* file, int line, std::string_view why) {
  std::fprintf(stderr, "pratique: internal error: CHECK(%s) failed at %s:%d %.*s\n", condition, file, line,
               static_cast<int>(why.size()), why.data());
  std::abort();
}

}  // namespace pratique
