#include "transport/target.h"

namespace pratique::transport {

PathAndName split_path_and_name(std::string_view text, const std::function<bool(const std::string&)>& exists) {
  if (exists(std::string(text))) return {std::string(text), ""};
  for (auto colon = text.rfind(':'); colon != std::string_view::npos && colon > 0; colon = text.rfind(':', colon - 1)) {
    std::string path(text.substr(0, colon));
    if (exists(path)) return {std::move(path), std::string(text.substr(colon + 1))};
  }
  auto colon = text.find(':');
  if (colon == std::string_view::npos) return {std::string(text), ""};
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

}  // namespace pratique::transport
