// Taking "FILE[:NAME]" apart where both may hold colons.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace pratique::transport {

struct PathAndName {
  std::string path;
  std::string name;  // "" when there is none
};
// The longest front that `exists`, cut at a colon, is the path. When none does, the first colon cuts, so that the error
// names what was meant.
PathAndName split_path_and_name(std::string_view text, const std::function<bool(const std::string&)>& exists);

}  // namespace pratique::transport
