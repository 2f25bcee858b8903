// A file of credentials that takes an entry gives it back.
#include "transport/credentials.h"

#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique::transport;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)find_credentials(text, "registry.example/team");
  auto updated = with_credentials(text, "registry.example", {"me", "secret"});
  if (!updated.ok()) return 0;
  auto found = find_credentials(*updated, "registry.example");
  CHECK(found && found->password == "secret");
  return 0;
}
