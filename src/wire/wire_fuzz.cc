#include "wire/wire.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"

// What is accepted is written back as something that is accepted and equal.
template <typename T>
void round_trip(const pratique::Json& json) {
  auto value = T::from_json(json);
  if (!value.ok()) return;
  auto again = T::from_json(value->to_json());
  CHECK(again.ok() && *again == *value, "what is read can be written and read again");
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  auto json = parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!json.ok()) return 0;
  round_trip<wire::Submission>(*json);
  round_trip<wire::Waiver>(*json);
  round_trip<wire::UserInfo>(*json);
  round_trip<wire::Problem>(*json);
  round_trip<wire::Version>(*json);
  return 0;
}
