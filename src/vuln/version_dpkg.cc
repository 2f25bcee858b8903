// Debian's order, deb-version(7): [epoch:]upstream[-revision].
//
// Upstream and revision alternate between non-digit and digit runs. Non-digits compare character by character with
// '~' before the end of the text, the end before letters, and letters before everything else; digits by value.
// Stricter than dpkg where dpkg only warns: a version that does not begin with a digit is none.
#include <limits>

#include "base/format.h"
#include "base/text.h"
#include "vuln/version.h"

namespace pratique::vuln {

namespace {

struct Parts {
  std::string_view epoch;  // "" when absent
  std::string_view upstream;
  std::string_view revision;  // "" when absent, which orders like "0"
};

Parts parts_of(std::string_view text) {
  Parts parts;
  if (auto colon = text.find(':'); colon != std::string_view::npos) {
    parts.epoch = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  auto hyphen = text.rfind('-');
  parts.upstream = text.substr(0, hyphen);
  if (hyphen != std::string_view::npos) parts.revision = text.substr(hyphen + 1);
  return parts;
}

// Where a character stands; `kEnd` for the end of the text or the start of a digit run.
constexpr int kEnd = 0;
int weight(char c) {
  if (c == '~') return -1;
  if (is_letter(c)) return c;
  return c + 256;
}

std::strong_ordering compare_part(std::string_view a, std::string_view b) {
  while (!a.empty() || !b.empty()) {
    bool a_is_text = !a.empty() && !is_digit(a.front());
    bool b_is_text = !b.empty() && !is_digit(b.front());
    if (a_is_text || b_is_text) {
      auto order = (a_is_text ? weight(a.front()) : kEnd) <=> (b_is_text ? weight(b.front()) : kEnd);
      if (order != 0) return order;
      a.remove_prefix(1);
      b.remove_prefix(1);
      continue;
    }
    auto order = compare_numbers(take_digits(a), take_digits(b));
    if (order != 0) return order;
  }
  return std::strong_ordering::equal;
}

Status only_characters(std::string_view text, std::string_view punctuation, std::string_view what) {
  for (char c : text) {
    if (is_digit(c) || is_letter(c) || punctuation.find(c) != std::string_view::npos) continue;
    return invalid(format("\"{}\" is not allowed in the {}", printable({&c, 1}), what));
  }
  return {};
}

}  // namespace

Status validate_dpkg(std::string_view text) {
  Parts parts = parts_of(text);
  if (text.find(':') != std::string_view::npos) {
    auto epoch = parse_decimal(parts.epoch);
    if (!epoch) return invalid("the epoch is no number");
    // dpkg keeps the epoch in an int and refuses what does not fit.
    if (*epoch > static_cast<std::uint64_t>(std::numeric_limits<int>::max())) return invalid("the epoch is too large");
  }
  if (parts.upstream.empty()) return invalid("there is no upstream version");
  if (!is_digit(parts.upstream.front())) return invalid("it does not begin with a digit");
  if (text.back() == '-') return invalid("the revision is empty");
  TRY(only_characters(parts.upstream, ".-+~:", "upstream version"));
  return only_characters(parts.revision, ".+~", "revision");
}

std::strong_ordering compare_dpkg(std::string_view a, std::string_view b) {
  Parts left = parts_of(a);
  Parts right = parts_of(b);
  if (auto order = compare_numbers(left.epoch, right.epoch); order != 0) return order;
  if (auto order = compare_part(left.upstream, right.upstream); order != 0) return order;
  return compare_part(left.revision, right.revision);
}

}  // namespace pratique::vuln
