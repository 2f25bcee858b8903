// The list and the record: whatever is read can be written and read again.
#include <cstdint>

#include "base/check.h"
#include "bases/bases.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pratique;
  using namespace pratique::bases;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<Base> bases;
  if (auto list = parse_allow_list(text); list.ok())
    for (auto& one : *list)
      bases.push_back({.reference = one.reference, .source = "", .is_available = one.is_available});
  auto again = parse_allow_list(render_allow_list(bases));
  CHECK(again.ok() && again->size() == bases.size());
  bases.clear();
  if (auto record = parse_layer_record(text); record.ok())
    for (auto& [reference, generations] : *record)
      bases.push_back(
          {.reference = reference, .source = "", .keep = kGenerationsRemembered, .generations = generations});
  CHECK(parse_layer_record(layer_record(bases).dump()).ok());
  for (const auto& base : bases)
    for (const auto& generation : base.generations)
      CHECK(prove(bases, {}, std::vector{generation.last_layer}).standing != Standing::None);
  return 0;
}
