// Bytes as text and back: hex, base64, base64url, percent-encoding. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pratique {

using Bytes = std::span<const std::byte>;

inline Bytes as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string to_hex(Bytes bytes);  // lower case
Result<std::string> from_hex(std::string_view text);
std::string to_base64(Bytes bytes);
Result<std::string> from_base64(std::string_view text);  // padding required; Invalid on any foreign character
std::string to_base64url(Bytes bytes);                   // RFC 4648 section 5, no padding
Result<std::string> from_base64url(std::string_view text);
std::string percent_encode(std::string_view text);  // RFC 3986: everything but unreserved characters
Result<std::string> percent_decode(std::string_view text);

}  // namespace pratique
