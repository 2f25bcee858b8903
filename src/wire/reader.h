// Reading and writing members of JSON objects. Private to `wire`.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/format.h"
#include "base/text.h"
#include "wire/wire.h"

namespace pratique::wire {

// More than any answer of ours holds; an answer beyond it is not ours.
inline constexpr std::size_t kItemsMax = 100'000;

// Reads members of one object; the first problem wins.
class Reader {
 public:
  Reader(const Json& json, std::string_view what) : json_(json), what_(what) {}

  Result<std::string> text(std::string_view key) const {
    if (const auto* value = json_[key].as_string()) return *value;
    return invalid(format("{}: \"{}\" is missing or no text", what_, key));
  }
  Result<std::string> optional_text(std::string_view key) const {
    return json_[key].is_null() ? std::string() : text(key);
  }
  Result<Time> time(std::string_view key) const {
    auto parsed = Time::parse(TRY(text(key)));
    if (!parsed.ok()) return invalid(format("{}: \"{}\" is no time", what_, key));
    return parsed;
  }
  Result<oci::Digest> digest(std::string_view key) const { return oci::Digest::parse(TRY(text(key))); }
  Result<std::optional<Time>> optional_time(std::string_view key) const {
    if (json_[key].is_null()) return std::optional<Time>();
    return std::optional<Time>(TRY(time(key)));
  }
  Result<std::vector<std::string>> texts(std::string_view key) const {
    std::vector<std::string> result;
    for (const auto& item : TRY(list(key))) {
      if (!item.is_string()) return invalid(format("{}: \"{}\" holds something that is no text", what_, key));
      result.push_back(*item.as_string());
    }
    return result;
  }
  // Absent is empty.
  Result<Json::Array> list(std::string_view key) const {
    const Json& value = json_[key];
    if (!value.is_null() && !value.is_array()) return invalid(format("{}: \"{}\" is no list", what_, key));
    if (value.items().size() > kItemsMax) return over_limit(format("{}: \"{}\" is too long", what_, key));
    return value.items();
  }

 private:
  const Json& json_;
  std::string_view what_;
};

inline void set_text(Json& json, std::string_view key, const std::string& value) {
  if (!value.empty()) json.set(key, value);
}

inline void set_time(Json& json, std::string_view key, const std::optional<Time>& value) {
  if (value) json.set(key, value->to_rfc3339());
}

inline Json texts_to_json(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const auto& text : texts) list.push(text);
  return list;
}

template <typename T>
Json list_to_json(std::string_view key, const std::vector<T>& values) {
  Json list = Json::array();
  for (const auto& value : values) list.push(value.to_json());
  Json json = Json::object();
  json.set(key, std::move(list));
  return json;
}

template <typename T>
Result<std::vector<T>> list_from_json(std::string_view key, const Json& json) {
  if (!json[key].is_array()) return invalid(format("\"{}\" is missing or no list", key));
  std::vector<T> values;
  for (const auto& item : TRY(Reader(json, "the answer").list(key))) values.push_back(TRY(T::from_json(item)));
  return values;
}

}  // namespace pratique::wire
