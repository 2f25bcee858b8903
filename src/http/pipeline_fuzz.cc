// Any bytes as a stream of requests: how they are cut on their way changes nothing of what is understood, and after a
// refusal nothing more is.
#include <cstdint>

#include "base/check.h"
#include "base/log.h"
#include "http/test_turns.h"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  pratique::log::configure(pratique::log::Level::Error, pratique::log::Style::Logfmt);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  // Small enough that all answers fit into the socket's buffer.
  const std::string_view bytes(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 4096));
  const auto whole = http::turns_of(bytes, 0);
  CHECK(http::turns_of(bytes, 1) == whole);
  CHECK(http::turns_of(bytes, 7) == whole);
  for (std::size_t i = 0; i + 1 < whole.size(); ++i) CHECK(!whole[i].starts_with("refused"));
  return 0;
}
