#include "base/json.h"

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_set>

#include "base/format.h"
#include "base/text.h"

namespace pratique {

namespace {

// Collects Boost.JSON's events into our values, with the limits and the duplicate-key rule applied on the way.
struct Builder {
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  using Code = boost::json::error_code;
  using Text = boost::json::string_view;

  std::size_t values_max;
  std::size_t values = 0;
  std::optional<Error> problem;
  Json root;
  struct Open {
    Json value;
    std::string key;
    std::unordered_set<std::string> keys;
  };
  std::vector<Open> open;
  std::string key, text, number;

  explicit Builder(std::size_t limit) : values_max(limit) {}

  bool fail(Code& code, Error error) {
    problem = std::move(error);
    code = boost::json::error::syntax;
    return false;
  }
  bool add(Json value, Code& code) {
    if (++values > values_max) return fail(code, over_limit(format("JSON with more than {} values", values_max)));
    if (open.empty())
      root = std::move(value);
    else if (open.back().value.is_array())
      open.back().value.push(std::move(value));
    else
      append_member(std::move(value));
    return true;
  }
  // Straight append: the duplicate check is the set in `keys`, so a large object stays linear.
  void append_member(Json value) {
    auto& members = const_cast<Json::Object&>(open.back().value.members());
    members.emplace_back(std::move(open.back().key), std::move(value));
  }
  bool close(Code& code) {
    Json done = std::move(open.back().value);
    open.pop_back();
    return add(std::move(done), code);
  }

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code&) { return open.push_back({Json::object(), {}, {}}), true; }
  bool on_object_end(std::size_t, Code& code) { return close(code); }
  bool on_array_begin(Code&) { return open.push_back({Json::array(), {}, {}}), true; }
  bool on_array_end(std::size_t, Code& code) { return close(code); }
  bool on_key_part(Text piece, std::size_t, Code&) { return key.append(piece.data(), piece.size()), true; }
  bool on_key(Text piece, std::size_t, Code& code) {
    key.append(piece.data(), piece.size());
    if (!open.back().keys.insert(key).second)
      return fail(code, invalid("JSON object names \"" + printable(key) + "\" twice"));
    open.back().key = std::move(key);
    key.clear();
    return true;
  }
  bool on_string_part(Text piece, std::size_t, Code&) { return text.append(piece.data(), piece.size()), true; }
  bool on_string(Text piece, std::size_t, Code& code) {
    text.append(piece.data(), piece.size());
    return add(Json(std::exchange(text, {})), code);
  }
  bool on_number_part(Text piece, Code&) { return number.append(piece.data(), piece.size()), true; }
  bool on_int64(std::int64_t value, Text, Code& code) { return number.clear(), add(Json(value), code); }
  bool on_uint64(std::uint64_t value, Text, Code& code) {
    return number.clear(), add(Json(static_cast<double>(value)), code);
  }
  // Boost.JSON 1.81 can miss the last bit of a double; from_chars does not, so what is written reads back the same.
  bool on_double(double value, Text piece, Code& code) {
    number.append(piece.data(), piece.size());
    double exact = 0;
    auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), exact);
    bool is_whole = failure == std::errc() && end == number.data() + number.size();
    number.clear();
    if (!is_whole) exact = value;
    if (exact == 0) exact = 0;  // written as "-0" it would come back as the integer
    return add(Json(exact), code);
  }
  bool on_bool(bool value, Code& code) { return add(Json(value), code); }
  bool on_null(Code& code) { return add(Json(), code); }
  bool on_comment_part(Text, Code&) { return true; }
  bool on_comment(Text, Code&) { return true; }
};

// U+0080 … U+009F in UTF-8: control characters, some of which start a terminal's escape sequences.
bool is_c1(std::string_view text, std::size_t at) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  return byte(at) == 0xC2 && at + 1 < text.size() && byte(at + 1) >= 0x80 && byte(at + 1) <= 0x9F;
}

void write_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
          out += format("\\u{:04x}", static_cast<unsigned char>(c));
        else if (is_c1(text, i))
          out += format("\\u{:04x}", static_cast<unsigned char>(text[++i]));
        else
          out += c;
    }
  }
  out += '"';
}

constexpr int kCompact = -1;

void new_line(std::string& out, int indent) {
  if (indent == kCompact) return;
  out += '\n';
  out.append(static_cast<std::size_t>(indent) * 2, ' ');
}

void write(std::string& out, const Json& json, int indent);

template <typename Items, typename One>
void write_list(std::string& out, const Items& items, std::string_view brackets, int indent, One one) {
  out += brackets[0];
  int inner = indent == kCompact ? kCompact : indent + 1;
  for (const auto& item : items) {
    if (&item != &*items.begin()) out += ',';
    new_line(out, inner);
    one(item, inner);
  }
  if (!items.empty()) new_line(out, indent);
  out += brackets[1];
}

void write(std::string& out, const Json& json, int indent) {
  if (json.is_null())
    out += "null";
  else if (auto flag = json.as_bool())
    out += *flag ? "true" : "false";
  else if (auto whole = json.as_int())
    out += format("{}", *whole);
  else if (auto real = json.as_double())
    out += std::isfinite(*real) ? format("{}", *real) : "null";
  else if (auto text = json.as_string())
    write_string(out, *text);
  else if (json.is_array())
    write_list(out, json.items(), "[]", indent, [&](const Json& item, int inner) { write(out, item, inner); });
  else
    write_list(out, json.members(), "{}", indent, [&](const auto& member, int inner) {
      write_string(out, member.first);
      out += inner == kCompact ? ":" : ": ";
      write(out, member.second, inner);
    });
}

}  // namespace

Json Json::array(Array items) {
  Json json;
  json.value_ = std::move(items);
  return json;
}

Json Json::object(Object members) {
  Json json;
  json.value_ = std::move(members);
  return json;
}

std::optional<bool> Json::as_bool() const {
  auto value = std::get_if<bool>(&value_);
  return value ? std::optional(*value) : std::nullopt;
}

std::optional<std::int64_t> Json::as_int() const {
  auto value = std::get_if<std::int64_t>(&value_);
  return value ? std::optional(*value) : std::nullopt;
}

std::optional<double> Json::as_double() const {
  if (auto value = std::get_if<double>(&value_)) return *value;
  if (auto value = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*value);
  return std::nullopt;
}

std::string_view Json::text() const {
  auto value = as_string();
  return value ? std::string_view(*value) : std::string_view();
}

const Json::Array& Json::items() const {
  static const Array kNone;
  auto value = std::get_if<Array>(&value_);
  return value ? *value : kNone;
}

const Json::Object& Json::members() const {
  static const Object kNone;
  auto value = std::get_if<Object>(&value_);
  return value ? *value : kNone;
}

const Json& Json::operator[](std::string_view key) const {
  static const Json kNull;
  for (const auto& [name, value] : members())
    if (name == key) return value;
  return kNull;
}

bool Json::has(std::string_view key) const {
  return std::any_of(members().begin(), members().end(), [&](const auto& member) { return member.first == key; });
}

Json& Json::set(std::string_view key, Json value) {
  if (is_null()) value_ = Object();
  CHECK(is_object(), "Json::set on a value that is no object");
  auto& all = std::get<Object>(value_);
  for (auto& member : all)
    if (member.first == key) return member.second = std::move(value), *this;
  all.emplace_back(std::string(key), std::move(value));
  return *this;
}

Json& Json::push(Json value) {
  if (is_null()) value_ = Array();
  CHECK(is_array(), "Json::push on a value that is no array");
  std::get<Array>(value_).push_back(std::move(value));
  return *this;
}

std::string Json::dump() const {
  std::string out;
  write(out, *this, kCompact);
  return out;
}

std::string Json::dump_pretty() const {
  std::string out;
  write(out, *this, 0);
  return out += '\n';
}

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes_max)
    return over_limit(format("JSON of {} bytes; at most {} are read", text.size(), limits.bytes_max));
  boost::json::parse_options options;
  options.max_depth = limits.depth_max;
  boost::json::basic_parser<Builder> parser(options, limits.values_max);
  boost::json::error_code code;
  std::size_t used = parser.write_some(false, text.data(), text.size(), code);
  if (parser.handler().problem) return *parser.handler().problem;
  if (code == boost::json::error::too_deep) return over_limit(format("JSON nested deeper than {}", limits.depth_max));
  if (code) return invalid(format("not JSON at byte {}: {}", used, code.message()));
  if (auto rest = text.find_first_not_of(" \t\r\n", used); rest != std::string_view::npos)
    return invalid(format("not JSON at byte {}: text after the value", rest));
  return std::move(parser.handler().root);
}

}  // namespace pratique
