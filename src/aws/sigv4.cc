// Signature Version 4: canonical request, string to sign, keys, and the comparison.
//
//   canonical = method \n path \n query \n name:value\n… \n names \n sha256(body)
//   string    = AWS4-HMAC-SHA256 \n time \n scope \n sha256(canonical)
#include <algorithm>

#include "aws/signature.h"
#include "base/format.h"
#include "base/text.h"

namespace pratique::aws {

namespace {

std::string scope_of(const Signature& signature) {
  return format("{}/{}/{}/{}", signature.date, signature.region, signature.service, kTerminator);
}

// Everything but S3 encodes the path as sent once more. The server refuses dot segments and empty ones beforehand.
std::string canonical_path(std::string_view target) {
  auto path = target.substr(0, target.find('?'));
  std::string canonical;
  for (auto segment : split(path, '/')) {
    if (!canonical.empty() || segment.data() != path.data()) canonical += '/';
    canonical += percent_encode(segment);
  }
  return canonical.empty() ? "/" : canonical;
}

std::string canonical_query(std::string_view target) {
  auto fields = parse_raw_query(raw_query(target));
  if (!fields) return "";
  std::vector<std::string> lines;
  for (const auto& field : *fields)
    if (field.name != "X-Amz-Signature")
      lines.push_back(percent_encode(field.name) + "=" + percent_encode(field.value));
  std::ranges::sort(lines);
  return join(lines, "&");
}

// Trimmed, inner runs of spaces become one; repeated lines are joined in their order.
std::string canonical_value(const http::Request& request, std::string_view name) {
  std::string whole;
  bool is_first = true;
  for (const auto& line : request.headers.all(name)) {
    if (!is_first) whole += ',';
    is_first = false;
    bool after_space = false;
    for (char c : trim(line)) {
      const bool is_space = c == ' ' || c == '\t';
      if (!is_space) whole += c;
      if (is_space && !after_space) whole += ' ';
      after_space = is_space;
    }
  }
  return whole;
}

std::string hmac(const SigningKey& key, std::string_view text) {
  return to_hex(hmac_sha256(key, as_bytes(text)));
}

Refusal bad_signature(std::string message = "") {
  return {Reason::BadSignature, std::move(message)};
}

// AWS's own sentences: the person reading them has a wrong clock.
std::optional<Refusal> check_time(const Signature& signature, Time now) {
  const auto text = render_timestamp(now);
  if (signature.signed_at > now + kSkewMax)
    return bad_signature(format("Signature not yet current: {} is still later than {} ({} + 5 min.)",
                                signature.timestamp, render_timestamp(now + kSkewMax), text));
  const Duration lifetime = signature.presigned ? Duration(*signature.presigned) : Duration(kSkewMax);
  if (signature.signed_at + lifetime < now)
    return bad_signature(format("Signature expired: {} is now earlier than {} ({} - {})", signature.timestamp,
                                render_timestamp(now - lifetime), text,
                                signature.presigned ? format("{} s.", signature.presigned->count()) : "5 min."));
  return std::nullopt;
}

// The hash of the body is computed here whatever the request says; what it says must not be something else. Only S3 has
// unsigned payloads.
std::optional<Refusal> check_payload_claim(const http::Request& request, std::string_view body) {
  auto claims = request.headers.all("X-Amz-Content-Sha256");
  if (claims.empty()) return std::nullopt;
  if (claims.size() == 1 && trim(claims.front()) == sha256_hex(body)) return std::nullopt;
  return bad_signature("The provided 'x-amz-content-sha256' header does not match what was computed.");
}

}  // namespace

std::optional<Time> parse_timestamp(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  if (!parse_decimal(text.substr(0, 8)) || !parse_decimal(text.substr(9, 6))) return std::nullopt;
  auto time = Time::parse(format("{}-{}-{}T{}:{}:{}Z", text.substr(0, 4), text.substr(4, 2), text.substr(6, 2),
                                 text.substr(9, 2), text.substr(11, 2), text.substr(13, 2)));
  return time.ok() ? std::optional(*time) : std::nullopt;
}

std::string render_timestamp(Time time) {
  return replace_all(replace_all(time.to_rfc3339(), "-", ""), ":", "");
}

SigningKey derive_key(std::string_view secret, std::string_view date, std::string_view region,
                      std::string_view service) {
  auto key = hmac_sha256(as_bytes("AWS4" + std::string(secret)), as_bytes(date));
  key = hmac_sha256(key, as_bytes(region));
  key = hmac_sha256(key, as_bytes(service));
  return hmac_sha256(key, as_bytes(kTerminator));
}

std::string canonical_request(const Signature& signature, const http::Request& request, std::string_view host,
                              std::string_view body) {
  std::string text =
      format("{}\n{}\n{}\n", request.method, canonical_path(request.target), canonical_query(request.target));
  for (const auto& name : signature.signed_headers)
    text += format("{}:{}\n", name, name == "host" ? std::string(host) : canonical_value(request, name));
  return text + format("\n{}\n{}", join(signature.signed_headers, ";"), sha256_hex(body));
}

std::string string_to_sign(const Signature& signature, std::string_view canonical) {
  return format("{}\n{}\n{}\n{}", kAlgorithm, signature.timestamp, scope_of(signature), sha256_hex(canonical));
}

std::optional<Refusal> verify(const Signature& signature, const http::Request& request, const Expected& expected) {
  if (auto bad = check_payload_claim(request, expected.body)) return bad;
  const auto canonical = canonical_request(signature, request, expected.host, expected.body);
  const auto right = hmac(expected.key, string_to_sign(signature, canonical));
  if (!equals_in_constant_time(right, signature.signature)) return bad_signature();
  // Only now: whoever cannot sign learns nothing of our clock.
  return check_time(signature, expected.now);
}

std::optional<Refusal> check_scope(const Signature& signature, const std::vector<std::string>& regions,
                                   std::string_view service) {
  if (std::ranges::find(regions, signature.region) == regions.end())
    return bad_signature(format("Credential should be scoped to a valid region, not '{}': use --region {}",
                                printable(signature.region, 64), regions.empty() ? "" : regions.front()));
  if (signature.service != service)
    return bad_signature(format("Credential should be scoped to correct service: '{}'.", service));
  return std::nullopt;
}

void sign(http::Request& request, std::string_view body, const SigningCredentials& credentials, Time now) {
  Signature signature{.access_key_id = credentials.access_key_id,
                      .session_token = credentials.session_token,
                      .date = render_timestamp(now).substr(0, 8),
                      .region = credentials.region,
                      .service = credentials.service,
                      .timestamp = render_timestamp(now),
                      .signed_at = now};
  request.headers.set("X-Amz-Date", signature.timestamp);
  if (!credentials.session_token.empty()) request.headers.set("X-Amz-Security-Token", credentials.session_token);
  std::vector<std::string> names{"host"};
  for (const auto& [name, value] : request.headers.lines()) {
    auto lower = to_lower(name);
    if (lower == "content-type" || lower.starts_with("x-amz-")) names.push_back(lower);
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  signature.signed_headers = names;
  const auto canonical = canonical_request(signature, request, request.headers.find("Host").value_or(""), body);
  const auto key = derive_key(credentials.secret, signature.date, signature.region, signature.service);
  request.headers.set("Authorization",
                      format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm, signature.access_key_id,
                             scope_of(signature), join(names, ";"), hmac(key, string_to_sign(signature, canonical))));
}

}  // namespace pratique::aws
