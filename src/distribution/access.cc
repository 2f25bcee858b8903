#include "distribution/access.h"

#include "base/format.h"

namespace pratique::distribution {

namespace {

using identity::Role;
using registry::Mode;

// Is this repository below the principal's own component?
bool is_own(const identity::Principal& who, const oci::RepositoryName& repository) {
  const std::string_view rest = repository.after_first_component();
  const std::string& own = who.repository_component();
  return rest == own || (rest.starts_with(own) && rest.substr(own.size()).starts_with("/"));
}

bool is_pusher(const identity::Principal& who) {
  return who.has(Role::Submitter) || who.has(Role::Admin);
}

}  // namespace

Reading reading_of(const registry::Namespace& space) {
  switch (space.mode) {
    case Mode::Open:
      return Reading::Free;
    case Mode::Approved:
      return Reading::Admitted;
    case Mode::Staging:
      return Reading::Closed;
  }
  return Reading::Closed;
}

Status may_reach(const identity::Principal& who, const Target& target, std::string_view method) {
  if (who.push_only().empty() || target.endpoint == Endpoint::Base) return {};
  const bool is_push = target.endpoint == Endpoint::StartUpload || target.endpoint == Endpoint::Upload ||
                       (target.endpoint == Endpoint::Blob && method == "HEAD") ||
                       (target.endpoint == Endpoint::Manifest && (method == "PUT" || method == "HEAD"));
  if (!is_push) return denied(format("these temporary credentials push to {} and read nothing", who.push_only()));
  if (target.repository == who.push_only()) return {};
  return denied(format(
      "these temporary credentials push to {} only, not to {}: check the repository URI and that the exports were "
      "run in this terminal",
      who.push_only(), target.repository));
}

Status may_push(const identity::Principal& who, const registry::Namespace& space,
                const oci::RepositoryName& repository) {
  if (!who.push_only().empty() && who.push_only() != repository.text()) {
    return denied(format("these temporary credentials push to {} only, not to {}", who.push_only(), repository.text()));
  }
  if (space.mode == Mode::Approved) {
    return denied(format("{} is filled by approval only: push to your staging repository instead", space.name));
  }
  if (!is_pusher(who)) return denied(format("{} may not push: ask for the submitter role", who.name()));
  if (space.mode == Mode::Staging && who.push_only().empty() && !is_own(who, repository)) {
    return denied(format("{} may push to {}/{} only, not to {}", who.name(), space.name, who.repository_component(),
                         repository.text()));
  }
  return {};
}

Status may_delete(const identity::Principal& who, const registry::Namespace& space,
                  const oci::RepositoryName& repository) {
  if (space.mode == Mode::Staging) {
    return denied(
        format("what was pushed to {} is a submission and stays: push the tag again to replace it", repository.text()));
  }
  if (space.mode == Mode::Approved) {
    return denied(format("images in {} are withdrawn by a reviewer, not deleted", space.name));
  }
  if (!is_pusher(who)) return denied(format("{} may not delete: ask for the submitter role", who.name()));
  return {};
}

std::string closed_words(const registry::Namespace& space, const oci::RepositoryName& repository) {
  std::string words = format("{} takes pushes only: what is in it is inspected and cannot be read back", space.name);
  if (space.promotes_to.empty()) return words;
  return format("{}. Once approved, the image is {}/{}", words, space.promotes_to,
                std::string(repository.after_first_component()));
}

}  // namespace pratique::distribution
