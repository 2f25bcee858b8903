// The version orders behind compare_versions(). Private to vuln: one file a scheme, and the table that lists them.
#pragma once

#include <compare>
#include <string_view>

#include "base/result.h"
#include "vuln/vuln.h"

namespace pratique::vuln {

// Longer texts are no versions: the longest in Debian, Alpine and Fedora together is below 130 bytes.
inline constexpr std::size_t kVersionBytesMax = 1024;

struct VersionOrder {
  VersionScheme scheme;
  std::string_view name;
  // Ok, or Invalid with what is wrong. The text is not empty and within kVersionBytesMax.
  Status (*validate)(std::string_view text);
  // Both texts have been validated.
  std::strong_ordering (*compare)(std::string_view a, std::string_view b);
};

Status validate_dpkg(std::string_view text);
std::strong_ordering compare_dpkg(std::string_view a, std::string_view b);
Status validate_apk(std::string_view text);
std::strong_ordering compare_apk(std::string_view a, std::string_view b);
Status validate_rpm(std::string_view text);
std::strong_ordering compare_rpm(std::string_view a, std::string_view b);

const VersionOrder& version_order(VersionScheme scheme);

inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
inline bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
inline bool is_letter(char c) {
  return is_lower(c) || (c >= 'A' && c <= 'Z');
}

// Removes and returns the digits at the front.
std::string_view take_digits(std::string_view& text);
// Decimal numbers of any length by value; "" is zero.
std::strong_ordering compare_numbers(std::string_view a, std::string_view b);
// Byte order, unsigned.
std::strong_ordering compare_bytes(std::string_view a, std::string_view b);

}  // namespace pratique::vuln
