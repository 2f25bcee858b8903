// The request for credentials as people send it by e-mail. The template is in docs/formats/access-request.md. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pratique::cli {

struct MailedRequest {
  std::string login;    // who asks, as they wrote it; "" where they did not
  std::string purpose;  // "" where the template's line was left as it is
  std::string window;   // "afternoon"; "" …
  bool is_acknowledged = false;
  bool operator==(const MailedRequest&) const = default;
};

// A mail has no reason to be longer; a person pastes.
inline constexpr std::size_t kMailBytesMax = 256 << 10;

std::string_view mail_template();
// Reads the template's lines out of whatever surrounds them: headers, quotes ("> "), a signature. Invalid when a
// question is answered twice or the acknowledgement says something else than yes or no; Limit beyond kMailBytesMax.
Result<MailedRequest> parse_mail(std::string_view text);

}  // namespace pratique::cli
