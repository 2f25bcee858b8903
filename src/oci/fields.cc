#include "oci/fields.h"

#include <algorithm>

#include "base/format.h"
#include "base/text.h"

namespace pratique::oci {

namespace {

// Folds as Go's encoding/json does: ASCII case, and the two letters outside ASCII that fold into it.
std::string folded(std::string_view name) {
  constexpr std::string_view kLongS = "\xC5\xBF";       // U+017F folds to s
  constexpr std::string_view kKelvin = "\xE2\x84\xAA";  // U+212A folds to k
  return to_lower(replace_all(replace_all(name, kLongS, "s"), kKelvin, "k"));
}

Error wrong_type(std::string_view name, std::string_view wanted) {
  return invalid(format("\"{}\" is no {}", printable(name), wanted));
}

}  // namespace

Status check_member_names(const Json& object, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : object.members()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::string plain = folded(name);
    for (auto wanted : known) {
      if (plain != folded(wanted)) continue;
      return invalid(
          format("member \"{}\" differs from \"{}\" in case only: readers would disagree", printable(name), wanted));
    }
  }
  return {};
}

Result<std::string> text_member(const Json& object, std::string_view name) {
  const Json& value = object[name];
  if (value.is_null()) return std::string();
  if (!value.is_string()) return wrong_type(name, "string");
  return *value.as_string();
}

Result<bool> flag_member(const Json& object, std::string_view name) {
  const Json& value = object[name];
  if (value.is_null()) return false;
  if (!value.is_bool()) return wrong_type(name, "boolean");
  return *value.as_bool();
}

Result<const Json::Array*> array_member(const Json& object, std::string_view name, std::size_t items_max) {
  const Json& value = object[name];
  if (!value.is_null() && !value.is_array()) return wrong_type(name, "array");
  if (value.items().size() > items_max) {
    return over_limit(format("\"{}\" has {} items; at most {} are read", name, value.items().size(), items_max));
  }
  return &value.items();
}

Result<std::vector<std::string>> texts_member(const Json& object, std::string_view name) {
  const Json& value = object[name];
  if (!value.is_null() && !value.is_array()) return wrong_type(name, "array of strings");
  std::vector<std::string> texts;
  texts.reserve(value.items().size());
  for (const auto& item : value.items()) {
    if (!item.is_string()) return wrong_type(name, "array of strings");
    texts.push_back(*item.as_string());
  }
  return texts;
}

Result<std::map<std::string, std::string>> text_map_member(const Json& object, std::string_view name) {
  const Json& value = object[name];
  if (!value.is_null() && !value.is_object()) return wrong_type(name, "object of strings");
  std::map<std::string, std::string> texts;
  for (const auto& [key, text] : value.members()) {
    if (!text.is_string()) return invalid(format("\"{}\" has a value that is no string: \"{}\"", name, printable(key)));
    texts.emplace(key, *text.as_string());
  }
  return texts;
}

Result<std::vector<std::string>> set_member(const Json& object, std::string_view name) {
  const Json& value = object[name];
  if (!value.is_null() && !value.is_object()) return wrong_type(name, "object");
  std::vector<std::string> names;
  for (const auto& [key, ignored] : value.members()) names.push_back(key);
  return names;
}

}  // namespace pratique::oci
