// RPM's order: [epoch:]version[-release], each compared run by run.
//
// A run is all digits or all letters; what separates runs does not count. At each place '~' orders before the end of
// the text, the end before '^', '^' before letters, letters before digits. A missing epoch is 0. A missing release
// orders before any release, as in librpm.
#include <limits>

#include "base/format.h"
#include "base/text.h"
#include "vuln/version.h"

namespace pratique::vuln {

namespace {

struct Parts {
  std::string_view epoch;
  std::string_view version;
  std::string_view release;
  bool has_epoch = false;
  bool has_release = false;
};

Parts parts_of(std::string_view text) {
  Parts parts;
  std::string_view rest = text;
  std::string_view digits = take_digits(rest);
  if (!rest.empty() && rest.front() == ':') {
    parts.has_epoch = true;
    parts.epoch = digits;
    text = rest.substr(1);
  }
  auto hyphen = text.rfind('-');
  parts.version = text.substr(0, hyphen);
  if (hyphen != std::string_view::npos) {
    parts.has_release = true;
    parts.release = text.substr(hyphen + 1);
  }
  return parts;
}

enum class Place { Tilde, End, Caret, Letters, Digits };  // in rising order

struct Run {
  Place place = Place::End;
  std::string_view text;
};

Run take_run(std::string_view& text) {
  auto is_run_start = [](char c) { return is_digit(c) || is_letter(c) || c == '~' || c == '^'; };
  while (!text.empty() && !is_run_start(text.front())) text.remove_prefix(1);
  if (text.empty()) return {};
  if (text.front() == '~' || text.front() == '^') {
    Place place = text.front() == '~' ? Place::Tilde : Place::Caret;
    text.remove_prefix(1);
    return {place, {}};
  }
  if (is_digit(text.front())) return {Place::Digits, take_digits(text)};
  std::size_t length = 0;
  while (length < text.size() && is_letter(text[length])) ++length;
  Run run{Place::Letters, text.substr(0, length)};
  text.remove_prefix(length);
  return run;
}

std::strong_ordering compare_part(std::string_view a, std::string_view b) {
  for (;;) {
    Run left = take_run(a);
    Run right = take_run(b);
    if (left.place != right.place) return left.place <=> right.place;
    if (left.place == Place::End) return std::strong_ordering::equal;
    auto order =
        left.place == Place::Digits ? compare_numbers(left.text, right.text) : compare_bytes(left.text, right.text);
    if (order != 0) return order;
  }
}

Status validate_part(std::string_view text, std::string_view what) {
  bool has_substance = false;
  for (char c : text) {
    if (is_digit(c) || is_letter(c)) {
      has_substance = true;
    } else if (std::string_view("._+~^").find(c) == std::string_view::npos) {
      return invalid(format("\"{}\" is not allowed in the {}", printable({&c, 1}), what));
    }
  }
  if (!has_substance) return invalid(format("the {} has neither letter nor digit", what));
  return {};
}

}  // namespace

Status validate_rpm(std::string_view text) {
  Parts parts = parts_of(text);
  if (parts.has_epoch) {
    auto epoch = parse_decimal(parts.epoch);
    // The header tag is 32 bits wide.
    if (!epoch || *epoch > std::numeric_limits<std::uint32_t>::max()) return invalid("the epoch is no 32-bit number");
  }
  TRY(validate_part(parts.version, "version"));
  if (parts.has_release) TRY(validate_part(parts.release, "release"));
  return {};
}

std::strong_ordering compare_rpm(std::string_view a, std::string_view b) {
  Parts left = parts_of(a);
  Parts right = parts_of(b);
  if (auto order = compare_numbers(left.epoch, right.epoch); order != 0) return order;
  if (auto order = compare_part(left.version, right.version); order != 0) return order;
  if (left.has_release != right.has_release) return left.has_release <=> right.has_release;
  return compare_part(left.release, right.release);
}

}  // namespace pratique::vuln
