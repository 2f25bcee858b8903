// Credentials as they stand in a header. Private to the module; the parsers are pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/http.h"
#include "identity/identity.h"

namespace pratique::distribution {

// The "service" of challenges and tokens. Clients hand it back as it is.
inline constexpr std::string_view kTokenService = "pratique";
// For an upload or two to finish.
inline constexpr seconds kRetryAfter{60};

struct BasicCredentials {
  std::string name;
  std::string password;  // may hold ":"
};
std::optional<BasicCredentials> parse_basic(std::string_view header);
std::optional<std::string> parse_bearer(std::string_view header);

// A user's own password, or one that was bought with temporary keys (user "AWS"). Denied, or Refused for temporary keys
// that have ended: signing in again with the same password does not help.
Result<identity::Principal> authenticate_basic(identity::Identity& identity, const BasicCredentials& given,
                                               const std::string& address);
// Is this one of the host names that a registry of AWS has?
bool is_ecr_host(std::string_view host);

// 429 with Retry-After where the asker must slow down; the error's own status otherwise.
http::Response too_many_or_unavailable(const Error& error);

}  // namespace pratique::distribution
