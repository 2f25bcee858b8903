// Signing in with an identity provider from a terminal.
#pragma once

#include <string>

#include "base/result.h"

namespace pratique::cli {

// Shows the person where to go and waits. Gives the provider's id_token, which the gate verifies. Denied when they say
// no or let the code expire; Conflict where the provider has no device flow.
Result<std::string> device_flow(const std::string& issuer, const std::string& client_id);

}  // namespace pratique::cli
