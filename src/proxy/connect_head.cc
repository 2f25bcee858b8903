#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "proxy/proxy.h"

namespace pratique::proxy {

namespace {

constexpr std::size_t kHostBytesMax = 253;  // RFC 1035
constexpr std::string_view kTlsPort = "443";

bool is_host(std::string_view text) {
  auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; };
  return !text.empty() && text.size() <= kHostBytesMax && text.front() != '.' && std::ranges::all_of(text, allowed);
}

// A name, a colon, printable bytes; the proxy uses none of them, and passes none on.
bool is_field(std::string_view line) {
  auto parts = cut(line, ":");
  if (!parts || parts->first.empty()) return false;
  auto is_name = [](char c) { return c > ' ' && c < 0x7F && c != ':'; };
  auto is_value = [](char c) { return c == '\t' || static_cast<unsigned char>(c) >= ' '; };
  return std::ranges::all_of(parts->first, is_name) && std::ranges::all_of(parts->second, is_value);
}

}  // namespace

Result<std::string> parse_connect(std::string_view head) {
  if (!head.ends_with("\r\n\r\n")) return invalid("the request head has no end");
  auto first = cut(head, "\r\n");
  auto words = split(first->first, ' ');
  if (words.size() != 3 || (words[2] != "HTTP/1.1" && words[2] != "HTTP/1.0"))
    return invalid("the request line is malformed");
  auto fields = first->second.substr(0, first->second.size() - 2);
  while (!fields.empty()) {
    auto line = cut(fields, "\r\n");
    if (!line || !is_field(line->first)) return invalid("a header line is malformed");
    fields = line->second;
  }
  if (words[0] != "CONNECT")
    return denied(
        "this is the gate's proxy for AWS's names: it takes CONNECT, as https:// addresses make clients send");
  auto colon = words[1].rfind(':');
  if (colon == std::string_view::npos || words[1].substr(colon + 1) != kTlsPort)
    return denied("this proxy reaches port 443 only");
  auto host = to_lower(words[1].substr(0, colon));
  if (!is_host(host)) return invalid("the host of the CONNECT is malformed");
  return host;
}

}  // namespace pratique::proxy
