// What registries write into headers and error bodies, read carefully: all of it is the other side's word.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pratique::transport {

// One challenge of WWW-Authenticate (RFC 9110 section 11.6.1): scheme and parameter names in lower case.
struct Challenge {
  std::string scheme;
  std::map<std::string, std::string> parameters;
  std::string_view parameter(std::string_view name) const;  // "" when absent
};
// All well-formed challenges of one header line, up to the first that is not.
std::vector<Challenge> parse_challenges(std::string_view line);

// The text of a `Warning: 299 - "…"` line (RFC 7234 section 5.5, distribution-spec "Warnings"); nullopt for others.
std::optional<std::string> parse_warning(std::string_view line);

// "DENIED: message; …" of a distribution-spec error body, else what the body says in plain text, shortened; "" if
// there is nothing to say. Safe to print.
std::string error_text(std::string_view body);

// scheme://host:port of an http(s) URL, in lower case and with the port written out; Invalid for other schemes.
Result<std::string> origin_of(std::string_view url);
// A Location header against the URL that was asked. Invalid for other schemes, and for a way from https to http.
Result<std::string> resolve_location(std::string_view asked, std::string_view location);
// Adds one query parameter, value percent-encoded.
std::string with_query(std::string_view url, std::string_view name, std::string_view value);
// Seconds of a Retry-After header; nullopt for dates and anything else.
std::optional<std::uint64_t> parse_retry_after(std::string_view value);
// "a/b; charset=utf-8" as "a/b".
std::string media_type_of(std::string_view content_type);

}  // namespace pratique::transport
