#include "vuln/version.h"

#include "base/check.h"
#include "base/format.h"
#include "base/text.h"

namespace pratique::vuln {

namespace {

constexpr VersionOrder kOrders[] = {
    {VersionScheme::Dpkg, "dpkg", validate_dpkg, compare_dpkg},
    {VersionScheme::Apk, "apk", validate_apk, compare_apk},
    {VersionScheme::Rpm, "rpm", validate_rpm, compare_rpm},
};

Status validate(const VersionOrder& order, std::string_view text) {
  if (text.empty()) return invalid(format("an empty text is no {} version", order.name));
  if (text.size() > kVersionBytesMax) {
    return invalid(format("a {} version of more than {} bytes", order.name, kVersionBytesMax));
  }
  Status status = order.validate(text);
  if (status.ok()) return status;
  return std::move(status).with_context(format("\"{}\" is no {} version", printable(text, 80), order.name));
}

}  // namespace

const VersionOrder& version_order(VersionScheme scheme) {
  for (const auto& order : kOrders)
    if (order.scheme == scheme) return order;
  CHECK(false, "a version scheme without an order");
  __builtin_unreachable();
}

Result<std::strong_ordering> compare_versions(VersionScheme scheme, std::string_view a, std::string_view b) {
  const VersionOrder& order = version_order(scheme);
  TRY(validate(order, a));
  TRY(validate(order, b));
  return order.compare(a, b);
}

bool is_version(VersionScheme scheme, std::string_view text) {
  return validate(version_order(scheme), text).ok();
}

std::string_view take_digits(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && is_digit(text[length])) ++length;
  std::string_view digits = text.substr(0, length);
  text.remove_prefix(length);
  return digits;
}

std::strong_ordering compare_numbers(std::string_view a, std::string_view b) {
  while (!a.empty() && a.front() == '0') a.remove_prefix(1);
  while (!b.empty() && b.front() == '0') b.remove_prefix(1);
  if (a.size() != b.size()) return a.size() <=> b.size();
  return compare_bytes(a, b);
}

std::strong_ordering compare_bytes(std::string_view a, std::string_view b) {
  return a.compare(b) <=> 0;
}

}  // namespace pratique::vuln
