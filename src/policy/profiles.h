// The profiles that come with the program, as the YAML they are written in. Internal to `policy`.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace pratique::policy {

struct Profile {
  std::string_view name;
  std::string_view text;  // byte for byte src/policy/profiles/<name>.yaml
};

const std::vector<Profile>& profiles();
const Profile* find_profile(std::string_view name);

}  // namespace pratique::policy
