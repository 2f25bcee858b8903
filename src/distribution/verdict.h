// The gate's verdict in the words a pusher reads: lines for Warning headers, or one message for a refusal. Private.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gate/gate.h"

namespace pratique::distribution {

// distribution-spec "Warnings": all values together.
inline constexpr std::size_t kWarningBytesMax = 4096;

// "approved: pull it as host/…", "rejected: …", "waiting for a reviewer: …"; then the report's address; then up to two
// further reasons.
std::vector<std::string> verdict_lines(const gate::Submission& submission, std::string_view origin);
std::string report_address(const gate::Submission& submission, std::string_view origin);
std::string rejection_message(const gate::Submission& submission, std::string_view origin);

// `299 - "…"`: printable ASCII, quoted. Lines that would pass kWarningBytesMax together are left out.
std::vector<std::string> warning_values(const std::vector<std::string>& lines);

}  // namespace pratique::distribution
