#include "http/target.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"

namespace pratique::http {

namespace {

constexpr std::size_t kAuthorityBytesMax = 262;    // 255 of a DNS name, a colon, five digits
constexpr std::size_t kQueryParametersMax = 1000;  // more is a way to make us allocate

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Dot segments and empty segments mean different things to different readers, so they mean nothing here. A single
// slash at the end is a name of its own ("/v2/").
Status check_path(std::string_view path) {
  if (path.find('\0') != std::string_view::npos) return invalid("the path holds a NUL");
  auto segments = split(path.substr(1), '/');
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (segments[i] == "." || segments[i] == "..") return invalid("the path holds a dot segment");
    if (segments[i].empty() && i + 1 < segments.size()) return invalid("the path holds an empty segment");
  }
  return {};
}

Result<std::string> decode_parameter(std::string_view text) {
  return percent_decode(replace_all(text, "+", " "));
}

Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  if (query.empty()) return parameters;
  for (auto piece : split(query, '&')) {
    if (piece.empty()) continue;
    if (parameters.size() == kQueryParametersMax) return over_limit("the query has too many parameters");
    auto pair = cut(piece, "=").value_or(std::pair(piece, std::string_view()));
    auto key = TRY(decode_parameter(pair.first));
    parameters.emplace_back(std::move(key), TRY(decode_parameter(pair.second)));
  }
  return parameters;
}

}  // namespace

Result<Target> parse_target(std::string_view target) {
  Target parsed;
  if (target == "*") {
    parsed.path = "*";
    return parsed;
  }
  for (std::string_view scheme : {"http://", "https://"}) {
    if (!equals_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    auto end = std::min(target.find_first_of("/?"), target.size());
    parsed.authority = std::string(target.substr(0, end));
    target.remove_prefix(end);
    if (!is_authority(parsed.authority)) return invalid("the request target holds no valid host");
    break;
  }
  std::string with_root;
  if (!parsed.authority.empty() && !target.starts_with('/')) {
    with_root = "/" + std::string(target);
    target = with_root;
  }
  if (!target.starts_with('/')) return invalid("the request target is not a path");
  // A fragment is never sent; a reader that cuts at "#" would see another path than one that does not.
  if (target.find('#') != std::string_view::npos) return invalid("the request target holds a fragment");
  auto parts = cut(target, "?").value_or(std::pair(target, std::string_view()));
  parsed.path = TRY(percent_decode(parts.first));
  TRY(check_path(parsed.path));
  parsed.query = TRY(parse_query(parts.second));
  return parsed;
}

bool is_authority(std::string_view text) {
  if (text.empty() || text.size() > kAuthorityBytesMax) return false;
  std::string_view port;
  if (text.front() == '[') {
    auto close = text.find(']');
    if (close == std::string_view::npos || close < 3) return false;
    auto inside = text.substr(1, close - 1);
    if (!std::all_of(inside.begin(), inside.end(), [](char c) { return is_hex(c) || c == ':' || c == '.'; }))
      return false;
    port = text.substr(close + 1);
  } else {
    auto colon = std::min(text.find(':'), text.size());
    auto name = text.substr(0, colon);
    auto allowed = [](char c) { return is_alphanumeric(c) || c == '-' || c == '.' || c == '_'; };
    if (name.empty() || !std::all_of(name.begin(), name.end(), allowed)) return false;
    port = text.substr(colon);
  }
  if (port.empty()) return true;
  auto number = parse_decimal(port.substr(1));
  return port.front() == ':' && port.size() <= 6 && number && *number <= 65535;
}

}  // namespace pratique::http
