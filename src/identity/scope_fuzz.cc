// An accepted scope has a repository of repository characters and only the three actions.
#include <cstdint>

#include "identity/identity.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto scope = pratique::identity::parse_scope({reinterpret_cast<const char*>(data), size});
  if (!scope) return 0;
  CHECK(!scope->repository.empty() && scope->repository.size() <= 255);
  CHECK(scope->repository.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-/") == std::string::npos);
  for (const auto& action : scope->actions) CHECK(action == "pull" || action == "push" || action == "delete");
  return 0;
}
