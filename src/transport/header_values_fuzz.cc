// What registries say in headers: whatever is accepted is well-formed and safe to print or to connect to.
#include "transport/header_values.h"

#include <algorithm>

#include "base/check.h"
#include "transport/upload.h"

namespace {

void check_printable(std::string_view text) {
  CHECK(std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  using namespace pratique::transport;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& challenge : parse_challenges(text)) {
    CHECK(!challenge.scheme.empty());
    for (const auto& [name, value] : challenge.parameters) CHECK(!name.empty());
  }
  if (auto warning = parse_warning(text)) check_printable(*warning);
  check_printable(error_text(text));
  auto location = resolve_location("https://r.example:5000/v2/a/blobs/uploads/", text);
  if (location.ok()) {
    auto origin = origin_of(*location);
    CHECK(origin.ok() && origin->starts_with("https://"), *location);
    CHECK(origin_of(with_query(*location, "digest", "sha256:0")).value() == *origin);
  }
  if (auto have = parse_upload_range(text)) CHECK(*have > 1);
  return 0;
}
