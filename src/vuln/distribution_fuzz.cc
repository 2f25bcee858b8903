#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "vuln/vuln.h"

using namespace pratique;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto distribution = vuln::parse_os_release({reinterpret_cast<const char*>(data), size});
  if (!distribution.ok()) return 0;
  CHECK(!distribution->id.empty());
  std::string stream = distribution->stream();
  CHECK(stream.empty() || stream.starts_with(distribution->id));
  return 0;
}
