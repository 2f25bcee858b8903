// SPDX licence expressions (SPDX 2.3, annex D). Private to lint.
#pragma once

#include <string_view>

namespace pratique::lint {

// Identifiers of the list of this program, LicenseRef-…, joined by AND, OR, WITH and parentheses.
bool is_spdx_expression(std::string_view text);

}  // namespace pratique::lint
