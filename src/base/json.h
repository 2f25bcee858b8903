// JSON as a value: parse with limits, walk without surprises, write.
//
// Objects keep their order. A duplicate key is an error, because two readers that disagree on which one counts are how
// a gate is fooled. Numbers are kept as int64 where they fit, else double. The parser underneath is Boost.JSON.
// Not for the advisory feeds (simdjson, inside `advisory`). A value type; as thread-safe as std::string.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace pratique {

struct JsonLimits {
  std::size_t bytes_max = 16 << 20;
  std::size_t depth_max = 64;          // real manifests nest 5 deep; the stack is ours
  std::size_t values_max = 2'000'000;  // bounds memory: a value costs about 60 bytes however few it takes to write
};

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  Json() = default;  // null
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(int value) : value_(static_cast<std::int64_t>(value)) {}
  Json(unsigned value) : value_(static_cast<std::int64_t>(value)) {}
  Json(std::int64_t value) : value_(value) {}
  Json(std::uint64_t value) : value_(static_cast<std::int64_t>(value)) {}
  Json(double value) : value_(value) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(const char* value) : value_(std::string(value)) {}
  static Json array(Array items = {});
  static Json object(Object members = {});

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_number() const {
    return std::holds_alternative<std::int64_t>(value_) || std::holds_alternative<double>(value_);
  }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }

  // The value if it has that type, nullopt otherwise. as_double also takes integers.
  std::optional<bool> as_bool() const;
  std::optional<std::int64_t> as_int() const;
  std::optional<double> as_double() const;
  const std::string* as_string() const { return std::get_if<std::string>(&value_); }
  // The string, or "" for every other type: for optional text fields.
  std::string_view text() const;
  // Empty for every other type.
  const Array& items() const;
  const Object& members() const;

  // The member, or a null value when absent or when this is no object: lookups chain without checks.
  const Json& operator[](std::string_view key) const;
  bool has(std::string_view key) const;
  std::size_t size() const { return is_array() ? items().size() : members().size(); }

  // Sets or replaces; makes an object of a null. CHECKs that this is an object.
  Json& set(std::string_view key, Json value);
  // Appends; makes an array of a null. CHECKs that this is an array.
  Json& push(Json value);

  std::string dump() const;         // compact
  std::string dump_pretty() const;  // two spaces, a newline at the end
  bool operator==(const Json&) const = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

// Invalid with the byte offset for malformed text, duplicate keys and trailing bytes; Limit beyond `limits`.
Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});

}  // namespace pratique
