// Who may do what through ECR. Temporary keys for pushing push into their one repository and see nothing, not even what
// they pushed; an account's own keys may what their user may through the registry and the API.
//
//   namespace  push verbs                      read verbs
//   open       submitter, admin                any user
//   staging    submitter in their own, admin   about images: reviewer, admin, the submitter in their own; bytes: nobody
//   approved   nobody                          any user, bytes only by admission
#include "base/format.h"
#include "control/aws_impl.h"

namespace pratique::control {

namespace {

using identity::Role;
using registry::Mode;

bool is_own(const identity::Principal& who, const oci::RepositoryName& repository) {
  const auto rest = repository.after_first_component();
  const auto& own = who.repository_component();
  return rest == own || rest.starts_with(own + "/");
}

}  // namespace

std::string AwsApi::Impl::arn_of(const oci::RepositoryName& repository) const {
  return aws::repository_arn(options.region, options.account, repository.text());
}

Error AwsApi::Impl::deny(AwsCall& call, const std::string& resource) {
  return call.fail("AccessDeniedException",
                   format("User: {} is not authorized to perform: ecr:{} on resource: {} because no identity-based "
                          "policy allows the ecr:{} action",
                          identity_of(*call.session).arn, call.operation, resource, call.operation));
}

Result<oci::RepositoryName> AwsApi::Impl::repository_of(AwsCall& call, const std::string& name) {
  auto repository = oci::RepositoryName::parse(name);
  const bool is_here = call.input.registry_id.empty() || call.input.registry_id == options.account;
  if (!repository.ok() || !is_here) return no_repository(call, name);
  return repository;
}

Status AwsApi::Impl::authorize_push(AwsCall& call, const oci::RepositoryName& repository) {
  const auto& who = call.who();
  if (!who.push_only().empty()) {
    if (who.push_only() == repository.text()) return {};
    return deny(call, arn_of(repository));
  }
  auto space = registry.namespace_of(repository);
  if (!space.ok()) return no_repository(call, repository.text());
  const bool is_pusher = who.has(Role::Submitter) || who.has(Role::Admin);
  const bool is_allowed = space->mode == Mode::Open || (space->mode == Mode::Staging && is_own(who, repository));
  if (is_pusher && is_allowed) return {};
  return deny(call, arn_of(repository));
}

bool AwsApi::Impl::may_see(const AwsCall& call, const oci::RepositoryName& repository) const {
  if (!call.who().push_only().empty()) return false;
  auto space = registry.namespace_of(repository);
  if (!space.ok()) return false;
  return space->mode != Mode::Staging || call.sees_all() || is_own(call.who(), repository);
}

Status AwsApi::Impl::authorize_read(AwsCall& call, const oci::RepositoryName& repository) {
  if (!call.who().push_only().empty()) return deny(call, arn_of(repository));
  if (auto space = registry.namespace_of(repository); !space.ok()) return no_repository(call, repository.text());
  if (may_see(call, repository)) return {};
  return deny(call, arn_of(repository));
}

}  // namespace pratique::control
