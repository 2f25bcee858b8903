#include "cli/syslog.h"

#include <algorithm>

#include "base/format.h"
#include "base/text.h"

namespace pratique::cli {

namespace {

// Facility 13 "log audit" times 8, severity 6 "informational" (section 6.2.1).
constexpr int kPriority = 13 * 8 + 6;
// Section 6: HOSTNAME has 255 characters, MSGID 32.
constexpr std::size_t kHostMax = 255;
constexpr std::size_t kMessageIdMax = 32;
// 32473 is the enterprise number for examples and documentation (RFC 5612): we have none.
constexpr std::string_view kElement = "pratique@32473";
constexpr std::size_t kValueBytesMax = 2'000;

// PRINTUSASCII without spaces; "-" stands for nothing.
std::string word(std::string_view text, std::size_t max) {
  std::string plain;
  for (char c : text.substr(0, max))
    if (c > ' ' && c < 0x7F) plain += c;
  return plain.empty() ? "-" : plain;
}

// Section 6.3.3: '"', '\' and ']' are escaped. Line ends would begin a forged entry, so they go.
std::string parameter(std::string_view name, std::string_view value) {
  std::string escaped;
  for (char c : printable(value, kValueBytesMax)) {
    if (c == '"' || c == '\\' || c == ']') escaped += '\\';
    escaped += c;
  }
  return format(" {}=\"{}\"", name, escaped);
}

}  // namespace

std::string syslog_line(const Json& entry, std::string_view host) {
  std::string element(kElement);
  element += parameter("sequence", std::to_string(entry["sequence"].as_int().value_or(0)));
  for (std::string_view name : {"actor", "subject", "hash"}) element += parameter(name, entry[name].text());
  // The details are JSON, whose strings hold no bare control characters.
  return format("<{}>1 {} {} pratique - {} [{}] \xEF\xBB\xBF{}", kPriority, word(entry["time"].text(), 64),
                word(host, kHostMax), word(entry["event"].text(), kMessageIdMax), element, entry["details"].dump());
}

}  // namespace pratique::cli
