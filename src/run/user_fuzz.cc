// Whatever image configuration and databases say: ids stay within the job's range and groups are bounded.
#include "run/user.h"

#include <string_view>

#include "base/check.h"
#include "base/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto user = cut(text, "|");
  if (!user) return 0;
  auto databases = cut(user->second, "|");
  if (!databases) return 0;
  auto result = run::resolve_user(user->first, databases->first, databases->second);
  if (!result) return 0;
  CHECK(result->uid <= 65'535 && result->gid <= 65'535 && result->groups.size() <= 64);
  for (auto group : result->groups) CHECK(group <= 65'535 && group != result->gid);
  return 0;
}
