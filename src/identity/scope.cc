#include <algorithm>

#include "base/text.h"
#include "identity/identity.h"

namespace pratique::identity {

namespace {

// A scope is a query parameter; a repository name has at most 255 bytes and there are three actions.
constexpr std::size_t kScopeBytesMax = 512;
constexpr std::size_t kRepositoryBytesMax = 255;

bool may_be_in_repository(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == '/';
}

}  // namespace

std::optional<Scope> parse_scope(std::string_view text) {
  constexpr std::string_view kType = "repository:";
  if (text.size() > kScopeBytesMax || !text.starts_with(kType)) return std::nullopt;
  auto parts = cut(text.substr(kType.size()), ":");
  if (!parts) return std::nullopt;
  auto [repository, actions] = *parts;
  if (repository.empty() || repository.size() > kRepositoryBytesMax) return std::nullopt;
  if (!std::all_of(repository.begin(), repository.end(), may_be_in_repository)) return std::nullopt;
  Scope scope{.repository = std::string(repository)};
  for (std::string_view action : split(actions, ',')) {
    if (action == "*") scope.actions = {"pull", "push", "delete"};
    if (action == "pull" || action == "push" || action == "delete") scope.actions.emplace(action);
  }
  return scope;
}

}  // namespace pratique::identity
