// What a request says of its signature, read strictly: two readings of one signature are how a signed request is made
// to mean something else.
#include <algorithm>

#include "aws/signature.h"
#include "base/format.h"
#include "base/text.h"

namespace pratique::aws {

namespace {

// The longest real ones: a session token of AWS is some 1,500 bytes, ours are shorter.
constexpr std::size_t kAuthorizationBytesMax = 4'096;
constexpr std::size_t kTokenBytesMax = 4'096;
constexpr std::size_t kKeyIdBytesMax = 128;
constexpr std::size_t kSignedHeadersMax = 64;

using Read = std::variant<Signature, Refusal>;

Refusal incomplete(std::string message) {
  return {Reason::Incomplete, std::move(message)};
}

bool is_word(std::string_view text, std::size_t bytes_max) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !text.empty() && text.size() <= bytes_max && std::ranges::all_of(text, allowed);
}

bool is_hex_sum(std::string_view text) {
  auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == 64 && std::ranges::all_of(text, is_hex);
}

bool is_header_name(std::string_view text) {
  auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; };
  return !text.empty() && std::ranges::all_of(text, allowed);
}

// The parts common to both forms, as text.
struct Claims {
  std::string credential, signed_headers, signature, timestamp, token;
};

std::optional<Refusal> take_credential(std::string_view text, Signature& into) {
  auto parts = split(text, '/');
  if (parts.size() != 5 || parts[4] != kTerminator || !is_word(parts[0], kKeyIdBytesMax) || !is_word(parts[2], 64) ||
      !is_word(parts[3], 64) || parts[1].size() != 8 || !parse_decimal(parts[1]))
    return incomplete(
        format("Credential must have exactly 5 slash-delimited elements, e.g. "
               "keyid/date/region/service/aws4_request, got '{}'",
               printable(text)));
  into.access_key_id = parts[0];
  into.date = parts[1];
  into.region = parts[2];
  into.service = parts[3];
  return std::nullopt;
}

// Ascending and each once: the canonical form is over the list as sent, so another order would be another signature of
// the same request, and a repeated name a place to hide a second value.
std::optional<Refusal> take_signed_headers(std::string_view text, Signature& into) {
  for (auto name : split(text, ';')) {
    if (!is_header_name(name) || into.signed_headers.size() == kSignedHeadersMax)
      return incomplete("SignedHeaders must be lower-case header names, separated by ';'");
    if (!into.signed_headers.empty() && into.signed_headers.back() >= name)
      return incomplete("SignedHeaders must be in ascending order, each once");
    into.signed_headers.emplace_back(name);
  }
  return std::nullopt;
}

std::optional<Refusal> check_signed(const Signature& signature, const http::Request& request) {
  auto is_signed = [&](std::string_view name) { return std::ranges::binary_search(signature.signed_headers, name); };
  if (!is_signed("host")) return incomplete("'Host' must be a 'SignedHeader' in the AWS Authorization.");
  std::vector<std::string> loose;
  for (const auto& [name, value] : request.headers.lines()) {
    auto lower = to_lower(name);
    if (lower.starts_with("x-amz-") && !is_signed(lower)) loose.push_back(lower);
  }
  if (loose.empty()) return std::nullopt;
  return incomplete(
      format("There were headers present in the request which were not signed: {}", printable(join(loose, ", "))));
}

// Every header that decides something must be there once: which of two would count is nobody's guess.
std::optional<std::string> single_header(const http::Request& request, std::string_view name) {
  auto all = request.headers.all(name);
  if (all.empty()) return std::string();
  if (all.size() > 1) return std::nullopt;
  return std::string(trim(all.front()));
}

Read assemble(const Claims& claims, const http::Request& request) {
  Signature read;
  if (auto bad = take_credential(claims.credential, read)) return *bad;
  if (auto bad = take_signed_headers(claims.signed_headers, read)) return *bad;
  if (!is_hex_sum(claims.signature)) return incomplete("Signature must be 64 lower-case hexadecimal digits");
  read.signature = claims.signature;
  auto signed_at = parse_timestamp(claims.timestamp);
  if (!signed_at)
    return incomplete(format("Date must be in ISO-8601 'basic format'. Got '{}'. See RFC 3339, e.g. 20261120T132109Z",
                             printable(claims.timestamp, 40)));
  read.timestamp = claims.timestamp;
  read.signed_at = *signed_at;
  if (read.timestamp.substr(0, 8) != read.date)
    return Refusal{Reason::BadSignature,
                   format("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                          "'{}' != '{}', from '{}'.",
                          read.date, read.timestamp.substr(0, 8), read.timestamp)};
  if (claims.token.size() > kTokenBytesMax) return incomplete("The security token is too long");
  read.session_token = claims.token;
  if (auto bad = check_signed(read, request)) return *bad;
  return read;
}

Read read_header(const std::string& header, const http::Request& request) {
  if (header.size() > kAuthorizationBytesMax) return incomplete("The Authorization header is too long");
  auto parts = cut(trim(header), " ");
  if (!parts || parts->first != kAlgorithm) return Refusal{Reason::MissingToken, ""};
  Claims claims;
  for (auto piece : split(parts->second, ',')) {
    auto pair = cut(trim(piece), "=");
    std::string* into = !pair                            ? nullptr
                        : pair->first == "Credential"    ? &claims.credential
                        : pair->first == "SignedHeaders" ? &claims.signed_headers
                        : pair->first == "Signature"     ? &claims.signature
                                                         : nullptr;
    if (!into || !into->empty() || pair->second.empty())
      return incomplete("Authorization header requires 'Credential', 'SignedHeaders' and 'Signature', each once.");
    *into = pair->second;
  }
  auto date = single_header(request, "X-Amz-Date");
  auto token = single_header(request, "X-Amz-Security-Token");
  if (!date || !token) return incomplete("X-Amz-Date and X-Amz-Security-Token may be sent once only.");
  if (date->empty()) return incomplete("Authorization header requires existence of a 'X-Amz-Date' header.");
  claims.timestamp = *date;
  claims.token = *token;
  return assemble(claims, request);
}

Read read_query(const std::vector<QueryField>& fields, const http::Request& request) {
  Claims claims;
  std::string algorithm, expires;
  const std::pair<std::string_view, std::string*> wanted[] = {
      {"X-Amz-Algorithm", &algorithm},
      {"X-Amz-Credential", &claims.credential},
      {"X-Amz-SignedHeaders", &claims.signed_headers},
      {"X-Amz-Signature", &claims.signature},
      {"X-Amz-Date", &claims.timestamp},
      {"X-Amz-Expires", &expires},
      {"X-Amz-Security-Token", &claims.token},
  };
  for (const auto& field : fields) {
    for (const auto& [name, into] : wanted) {
      if (!equals_ignoring_case(field.name, name)) continue;
      if (field.name != name || !into->empty() || field.value.empty())
        return incomplete(format("{} may be given once only, spelt so", name));
      *into = field.value;
    }
  }
  if (algorithm != kAlgorithm) return incomplete(format("X-Amz-Algorithm must be {}", kAlgorithm));
  if (request.headers.find("X-Amz-Date") || request.headers.find("X-Amz-Security-Token"))
    return incomplete("A presigned request carries its date and token in the query");
  auto lifetime = parse_decimal(expires);
  if (!lifetime || *lifetime == 0 || *lifetime > static_cast<std::uint64_t>(seconds(kPresignedMax).count()))
    return incomplete(format("X-Amz-Expires must be 1 to {} seconds here", seconds(kPresignedMax).count()));
  auto read = assemble(claims, request);
  if (auto* signature = std::get_if<Signature>(&read))
    signature->presigned = seconds(static_cast<std::int64_t>(*lifetime));
  return read;
}

}  // namespace

std::string_view raw_query(std::string_view target) {
  auto parts = cut(target, "?");
  return parts ? parts->second : std::string_view();
}

std::optional<std::vector<QueryField>> parse_raw_query(std::string_view query) {
  std::vector<QueryField> fields;
  if (query.empty()) return fields;
  for (auto piece : split(query, '&')) {
    if (piece.empty()) continue;
    auto pair = cut(piece, "=").value_or(std::pair(piece, std::string_view()));
    auto name = percent_decode(pair.first);
    auto value = percent_decode(pair.second);
    if (!name.ok() || !value.ok()) return std::nullopt;
    fields.push_back({std::move(*name), std::move(*value)});
  }
  return fields;
}

std::variant<Signature, Refusal> read_signature(const http::Request& request) {
  auto headers = request.headers.all("Authorization");
  auto fields = parse_raw_query(raw_query(request.target));
  if (!fields) return incomplete("The query is malformed");
  const bool is_presigned =
      std::ranges::any_of(*fields, [](const auto& field) { return to_lower(field.name).starts_with("x-amz-"); });
  if (headers.size() > 1 || (is_presigned && !headers.empty()))
    return incomplete("A request is signed once: in one Authorization header or in its query");
  if (is_presigned) return read_query(*fields, request);
  if (headers.empty()) return Refusal{Reason::MissingToken, ""};
  return read_header(headers.front(), request);
}

}  // namespace pratique::aws
