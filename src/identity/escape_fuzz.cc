// Whatever unescapes escapes back to the same component; whatever is a name escapes and comes back.
#include <cstdint>

#include "identity/identity.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique::identity;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto name = unescape_user_name(text);
  if (name.ok()) CHECK(escape_user_name(*name) == text);
  std::string component = escape_user_name(text);
  CHECK(component.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos);
  CHECK(component.front() != '-' && component.back() != '-' && component.back() != '_');
  CHECK(text.size() > kUserNameBytesMax || component.size() <= kComponentBytesMax);
  CHECK(unescape_user_name(component).value() == text);
  return 0;
}
