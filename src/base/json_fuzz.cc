// Whatever parses must print to text that parses to the same value.
#include <cstdint>

#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  auto parsed = parse_json({reinterpret_cast<const char*>(data), size});
  if (!parsed.ok()) return 0;
  auto again = parse_json(parsed->dump());
  CHECK(again.ok());
  CHECK(again->dump() == parsed->dump());
  return 0;
}
