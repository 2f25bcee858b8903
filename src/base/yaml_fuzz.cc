// No input may crash the reader, and every node knows its line.
#include <cstdint>

#include "base/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  auto parsed = parse_yaml({reinterpret_cast<const char*>(data), size}, {.bytes_max = 1 << 16, .nodes_max = 10'000});
  if (parsed.ok()) CHECK(parsed->line >= 0);
  return 0;
}
