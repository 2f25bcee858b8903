// Reading members of the specifications' JSON objects, strictly; private to this module.
//
// Optional members may be absent or null: Go programs write null for what they leave empty.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace pratique::oci {

// Invalid where a member's name equals one of `known` except for case. Go's decoder, which every container engine uses,
// matches names without case and lets the last one win, so {"layers":A,"Layers":B} is A for us and B for the engine.
Status check_member_names(const Json& object, std::initializer_list<std::string_view> known);

Result<std::string> text_member(const Json& object, std::string_view name);  // "" when absent
Result<bool> flag_member(const Json& object, std::string_view name);         // false when absent
Result<std::vector<std::string>> texts_member(const Json& object, std::string_view name);
Result<std::map<std::string, std::string>> text_map_member(const Json& object, std::string_view name);
// The names of an object that is used as a set: {"8080/tcp": {}}.
Result<std::vector<std::string>> set_member(const Json& object, std::string_view name);
// An array or nothing (absent or null); Invalid for other types, Limit beyond `items_max`.
Result<const Json::Array*> array_member(const Json& object, std::string_view name, std::size_t items_max);

}  // namespace pratique::oci
