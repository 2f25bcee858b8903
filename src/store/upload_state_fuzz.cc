// What parses is written back to exactly the same text, so no two texts mean the same and none means something else.
#include "store/upload_state.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique::store;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto parsed = parse_upload_state(text);
  if (parsed.ok()) CHECK(to_text(*parsed) == text);
  if (is_upload_id(text)) CHECK(text.size() == 32 && text.find_first_of("./") == std::string_view::npos);
  return 0;
}
