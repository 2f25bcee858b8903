// Plain text operations the standard library lacks. Pure; ASCII case rules only (names in this field are ASCII).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pratique {

std::string_view trim(std::string_view text);                                // spaces, tabs, CR, LF at both ends
std::vector<std::string_view> split(std::string_view text, char separator);  // "" gives one empty piece
std::string join(const std::vector<std::string>& pieces, std::string_view separator);
std::string to_lower(std::string_view text);
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);
bool contains(std::string_view text, std::string_view piece);
bool equals_ignoring_case(std::string_view a, std::string_view b);
// Text before and after the first separator; nullopt where there is none.
std::optional<std::pair<std::string_view, std::string_view>> cut(std::string_view text, std::string_view separator);
// The whole text as a decimal number without sign; nullopt for anything else, overflow included.
std::optional<std::uint64_t> parse_decimal(std::string_view text);
// Safe to show on a terminal, in a log or in an error: control and non-UTF-8 bytes become \xNN, at most `limit` bytes.
std::string printable(std::string_view text, std::size_t limit = 200);
bool is_utf8(std::string_view text);
std::string html_escape(std::string_view text);
// "1.4 MiB": for people.
std::string human_bytes(std::uint64_t bytes);

}  // namespace pratique
