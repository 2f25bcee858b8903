// simdjson without exceptions: absent members and wrong types read as empty. Private to advisory/sources.
#pragma once

#include <simdjson.h>

#include <string_view>
#include <vector>

namespace pratique::advisory::simd {

using Element = simdjson::dom::element;

// The member's text; "" when absent or of another type. Valid as long as the document.
inline std::string_view text(Element object, std::string_view key) {
  std::string_view value;
  return object[key].get(value) == simdjson::SUCCESS ? value : std::string_view();
}

inline std::string_view as_text(Element element) {
  std::string_view value;
  return element.get(value) == simdjson::SUCCESS ? value : std::string_view();
}

// The member, if there is one; otherwise an element on which every other function here gives nothing.
inline bool find(Element object, std::string_view key, Element& member) {
  return object[key].get(member) == simdjson::SUCCESS;
}

// Calls `visit(element)` for each item of the array under `key`.
template <typename Visit>
void for_each_item(Element object, std::string_view key, Visit visit) {
  simdjson::dom::array items;
  if (object[key].get(items) != simdjson::SUCCESS) return;
  for (Element item : items) visit(item);
}

// Calls `visit(key, element)` for each member of the object.
template <typename Visit>
void for_each_member(Element element, Visit visit) {
  simdjson::dom::object object;
  if (element.get(object) != simdjson::SUCCESS) return;
  for (auto member : object) visit(member.key, member.value);
}

inline bool is_object(Element element) {
  return element.is<simdjson::dom::object>();
}

}  // namespace pratique::advisory::simd
