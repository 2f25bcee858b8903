// Roles as the database keeps them. Private to `identity`.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "identity/identity.h"

namespace pratique::identity {

inline constexpr std::string_view kSystemName = "system";

std::set<Role> every_role();
std::string roles_to_text(const std::set<Role>& roles);  // "submitter,admin"
// Words that are no role grant nothing.
std::set<Role> roles_from_text(std::string_view text);

}  // namespace pratique::identity
