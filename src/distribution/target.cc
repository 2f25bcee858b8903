#include "distribution/target.h"

namespace pratique::distribution {

namespace {

// The text before `suffix`, if it ends so and something is left.
std::optional<std::string_view> before(std::string_view text, std::string_view suffix) {
  if (text.size() <= suffix.size() || !text.ends_with(suffix)) return std::nullopt;
  return text.substr(0, text.size() - suffix.size());
}

}  // namespace

std::optional<Target> parse_target(std::string_view path) {
  if (path == "/v2" || path == "/v2/") return Target{};
  if (path == "/v2/token") return Target{.endpoint = Endpoint::Token};
  if (path == "/v2/_catalog") return Target{.endpoint = Endpoint::Catalog};
  if (!path.starts_with("/v2/")) return std::nullopt;
  const std::string_view rest = path.substr(4);
  if (auto name = before(rest, "/tags/list")) return Target{Endpoint::Tags, *name, {}};
  for (const std::string_view ending : {"/blobs/uploads/", "/blobs/uploads"}) {
    if (auto name = before(rest, ending)) return Target{Endpoint::StartUpload, *name, {}};
  }
  const auto slash = rest.rfind('/');
  if (slash == std::string_view::npos || slash + 1 == rest.size()) return std::nullopt;
  const std::string_view head = rest.substr(0, slash);
  const std::string_view last = rest.substr(slash + 1);
  if (auto name = before(head, "/blobs/uploads")) return Target{Endpoint::Upload, *name, last};
  if (auto name = before(head, "/blobs")) return Target{Endpoint::Blob, *name, last};
  if (auto name = before(head, "/manifests")) return Target{Endpoint::Manifest, *name, last};
  if (auto name = before(head, "/referrers")) return Target{Endpoint::Referrers, *name, last};
  return std::nullopt;
}

}  // namespace pratique::distribution
