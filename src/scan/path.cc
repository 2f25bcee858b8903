#include "scan/path.h"

namespace pratique::scan {

std::optional<std::string> normalise(std::string_view raw) {
  std::string path;
  path.reserve(raw.size());
  if (raw.find('\0') != std::string_view::npos) return std::nullopt;
  while (!raw.empty()) {
    auto component = raw.substr(0, raw.find('/'));
    raw.remove_prefix(std::min(raw.size(), component.size() + 1));
    if (component.empty() || component == ".") continue;
    if (component == "..") {
      if (path.empty()) return std::nullopt;
      path.resize(path.find_last_of('/') == std::string::npos ? 0 : path.find_last_of('/'));
      continue;
    }
    if (!path.empty()) path += '/';
    path += component;
  }
  return path;
}

bool is_normalised(std::string_view path) {
  auto again = normalise(path);
  return again && *again == path;
}

std::pair<std::string_view, std::string_view> split_last(std::string_view path) {
  auto at = path.find_last_of('/');
  if (at == std::string_view::npos) return {std::string_view(), path};
  return {path.substr(0, at), path.substr(at + 1)};
}

std::string join_path(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.empty() && !name.empty()) path += '/';
  path += name;
  return path;
}

bool ends_with_components(std::string_view path, std::string_view tail) {
  if (!path.ends_with(tail)) return false;
  return path.size() == tail.size() || path[path.size() - tail.size() - 1] == '/';
}

}  // namespace pratique::scan
