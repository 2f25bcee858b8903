// Names in archives, brought into the one form the rest of the module knows.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace pratique::scan {

// Without leading "/", "." components and doubled slashes; ".." taken back lexically, as engines do before they join a
// name with the root. "" is the root. nullopt where the name leaves the root or holds a NUL.
std::optional<std::string> normalise(std::string_view raw);
bool is_normalised(std::string_view path);

// "usr/lib" and "os-release"; "" and the name where there is no "/".
std::pair<std::string_view, std::string_view> split_last(std::string_view path);
std::string join_path(std::string_view directory, std::string_view name);
// Whether `path` ends in the components of `tail`: "a/dpkg/status" and "dpkg/status", not "xdpkg/status".
bool ends_with_components(std::string_view path, std::string_view tail);

}  // namespace pratique::scan
