// application/x-www-form-urlencoded, as the token endpoint gets it. Private to the module; pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace pratique::distribution {

struct Form {
  std::vector<std::pair<std::string, std::string>> fields;
  std::string value(std::string_view name) const;  // the first; "" when absent
  std::vector<std::string> values(std::string_view name) const;
};
// Invalid for broken percent-encoding; Limit beyond 256 fields.
Result<Form> parse_form(std::string_view text);

}  // namespace pratique::distribution
