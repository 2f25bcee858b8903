// An accepted head names one plain host.
#include <cstdint>

#include "base/check.h"
#include "proxy/proxy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto host = pratique::proxy::parse_connect({reinterpret_cast<const char*>(data), size});
  if (!host.ok()) {
    CHECK(!host.error().message().empty());
    return 0;
  }
  CHECK(!host->empty() && host->size() <= 253 && host->front() != '.');
  CHECK(host->find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string::npos);
  return 0;
}
