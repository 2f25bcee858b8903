#include <algorithm>
#include <array>

#include "base/text.h"
#include "identity/identity.h"
#include "identity/roles.h"

namespace pratique::identity {

namespace {

struct RoleName {
  Role role;
  std::string_view text;
};
constexpr std::array<RoleName, 4> kRoles = {{
    {Role::Submitter, "submitter"},
    {Role::Reviewer, "reviewer"},
    {Role::Runner, "runner"},
    {Role::Admin, "admin"},
}};

}  // namespace

std::string_view to_string(Role role) {
  for (const RoleName& entry : kRoles)
    if (entry.role == role) return entry.text;
  return "none";
}

std::optional<Role> parse_role(std::string_view text) {
  for (const RoleName& entry : kRoles)
    if (entry.text == text) return entry.role;
  return std::nullopt;
}

std::set<Role> every_role() {
  std::set<Role> roles;
  for (const RoleName& entry : kRoles) roles.insert(entry.role);
  return roles;
}

std::string roles_to_text(const std::set<Role>& roles) {
  std::vector<std::string> words;
  for (Role role : roles) words.emplace_back(to_string(role));
  return join(words, ",");
}

std::set<Role> roles_from_text(std::string_view text) {
  std::set<Role> roles;
  for (std::string_view word : split(text, ','))
    if (auto role = parse_role(word)) roles.insert(*role);
  return roles;
}

Principal::Principal(std::string name, std::set<Role> roles)
    : name_(std::move(name)), roles_(std::move(roles)), component_(escape_user_name(name_)) {}

Principal Principal::narrowed(const std::set<Role>& roles, const std::string& push_only) const {
  Principal less = *this;
  less.is_narrowed_ = true;
  std::erase_if(less.roles_, [&](Role role) { return !roles.contains(role); });
  if (push_only.empty() || push_only == less.push_only_) return less;
  // Two different repositories leave none: a name that no repository has.
  less.push_only_ = less.push_only_.empty() ? push_only : "-";
  return less;
}

Principal make_system_principal() {
  return Principal(std::string(kSystemName), {});
}

}  // namespace pratique::identity
