#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "vuln/vuln.h"

using namespace pratique;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto score = vuln::cvss3_base_score({reinterpret_cast<const char*>(data), size});
  if (!score.ok()) return 0;
  CHECK(*score >= 0.0 && *score <= 10.0);
  CHECK(vuln::severity_of_cvss_score(*score) != vuln::Severity::Unknown);
  return 0;
}
