// The pieces of Signature Version 4 that its two files share. Private to the module.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/aws.h"

namespace pratique::aws {

inline constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
inline constexpr std::string_view kTerminator = "aws4_request";

// "20261120T132109Z" and back; nullopt for every other form.
std::optional<Time> parse_timestamp(std::string_view text);
std::string render_timestamp(Time time);
// The part of a request target after "?", as sent; "" without one.
std::string_view raw_query(std::string_view target);
// A query parameter of that exact name. Its name and value decoded once, "+" left alone: a signature is over %20.
struct QueryField {
  std::string name, value;
};
// Invalid percent-encoding gives nullopt.
std::optional<std::vector<QueryField>> parse_raw_query(std::string_view query);

}  // namespace pratique::aws
