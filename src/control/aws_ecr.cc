// ECR: the table of operations, the registry password, repositories and what there is to say of them.
#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/format.h"
#include "base/text.h"
#include "control/aws_impl.h"

namespace pratique::control {

namespace {

using Impl = AwsApi::Impl;
using identity::Role;
using registry::Mode;

struct EcrRoute {
  std::string_view operation;
  EcrHandler handler;
};

// What is not in here is refused to everybody: the gate's policy file, its namespaces and its submissions are not
// changed through ECR.
constexpr std::array kEcrRoutes = std::to_array<EcrRoute>({
    {"GetAuthorizationToken", &Impl::get_authorization_token},
    {"DescribeRepositories", &Impl::describe_repositories},
    {"CreateRepository", &Impl::create_repository},
    {"DescribeImages", &Impl::describe_images},
    {"ListImages", &Impl::list_images},
    {"BatchGetImage", &Impl::batch_get_image},
    {"BatchDeleteImage", &Impl::batch_delete_image},
    {"StartImageScan", &Impl::start_image_scan},
    {"DescribeImageScanFindings", &Impl::describe_image_scan_findings},
    {"BatchCheckLayerAvailability", &Impl::batch_check_layer_availability},
    {"InitiateLayerUpload", &Impl::initiate_layer_upload},
    {"UploadLayerPart", &Impl::upload_layer_part},
    {"CompleteLayerUpload", &Impl::complete_layer_upload},
    {"PutImage", &Impl::put_image},
    {"GetLifecyclePolicy", &Impl::get_lifecycle_policy},
    {"GetRepositoryPolicy", &Impl::get_repository_policy},
    {"ListTagsForResource", &Impl::list_tags_for_resource},
    {"DescribeRegistry", &Impl::describe_registry},
    {"GetRegistryScanningConfiguration", &Impl::get_scanning_configuration},
});

std::string host_of(std::string_view origin) {
  return std::string(origin.substr(origin.find("://") + 3));
}

}  // namespace

EcrHandler find_ecr_handler(std::string_view operation) {
  auto route = std::ranges::find(kEcrRoutes, operation, &EcrRoute::operation);
  return route == kEcrRoutes.end() ? nullptr : route->handler;
}

Impl::Outcome Impl::deny_always(AwsCall& call) {
  return deny(call, "*");
}

Error Impl::no_repository(AwsCall& call, std::string_view name) {
  return call.fail(
      "RepositoryNotFoundException",
      format("The repository with name '{}' does not exist in the registry with id '{}'", printable(name, 256),
             call.input.registry_id.empty() ? options.account : call.input.registry_id));
}

Impl::Outcome Impl::get_authorization_token(AwsCall& call) {
  const auto& session = *call.session;
  if (auto wait = guard.take_token(session.access_key_id, clock.now())) {
    call.retry_after = *wait;
    return call.fail("ThrottlingException", "Rate exceeded");
  }
  auto password = TRY(identity.issue_registry_password(session.access_key_id, call.request.peer));
  Json data =
      Json::object({{"authorizationToken", to_base64(as_bytes(format("{}:{}", identity::kRegistryUser, password)))},
                    {"expiresAt", ecr_time(session.expires)}});
  // The public service answers with one object, and has no endpoint to tell.
  if (call.service == aws::Service::EcrPublic) return Json::object({{"authorizationData", std::move(data)}});
  data.set("proxyEndpoint", registry_origin(call.request));
  return Json::object({{"authorizationData", Json::array({std::move(data)})}});
}

Result<Json> Impl::present(const AwsCall& call, const oci::RepositoryName& repository) const {
  auto space = TRY(registry.namespace_of(repository));
  auto created = registry.created(repository);
  if (!created.ok() && created.error().kind() != ErrorKind::NotFound) return created.error();
  // A repository is there before its first push: it comes into being with its user.
  const Time since = created.ok() ? *created : call.session->issued;
  return Json::object({{"repositoryArn", arn_of(repository)},
                       {"registryId", options.account},
                       {"repositoryName", repository.text()},
                       {"repositoryUri", format("{}/{}", host_of(registry_origin(call.request)), repository.text())},
                       {"createdAt", ecr_time(since)},
                       {"imageTagMutability", "MUTABLE"},
                       {"imageScanningConfiguration", Json::object({{"scanOnPush", space.mode == Mode::Staging}})}});
}

Impl::Outcome Impl::describe_repositories(AwsCall& call) {
  if (!call.who().push_only().empty()) return deny(call, "*");
  Json shown = Json::array();
  for (const auto& name : call.input.repository_names) {
    auto repository = TRY(repository_of(call, name));
    TRY(authorize_read(call, repository));
    auto created = registry.created(repository);
    const bool is_home = repository.after_first_component() == call.who().repository_component();
    if (!created.ok() && (created.error().kind() != ErrorKind::NotFound || !is_home)) return no_repository(call, name);
    shown.push(TRY(present(call, repository)));
  }
  if (!call.input.repository_names.empty()) return Json::object({{"repositories", std::move(shown)}});
  std::optional<std::string> last;
  if (!call.input.next_token.empty()) last = TRY(aws::parse_page_token(call.operation, call.input.next_token));
  bool has_more = true;
  while (has_more && shown.size() < call.input.page_size()) {
    auto page = TRY(registry.repositories(last, call.input.page_size()));
    has_more = page.has_more;
    for (const auto& name : page.names) {
      if (shown.size() == call.input.page_size()) {
        has_more = true;
        break;
      }
      last = name;
      auto repository = TRY(oci::RepositoryName::parse(name));
      if (may_see(call, repository)) shown.push(TRY(present(call, repository)));
    }
  }
  Json answer = Json::object({{"repositories", std::move(shown)}});
  if (has_more && last) answer.set("nextToken", aws::page_token(call.operation, *last));
  return answer;
}

// Repositories come into being with the first push, so there is nothing to make; the staff's script asks all the same,
// and goes on when it hears that the user's repository is there.
Impl::Outcome Impl::create_repository(AwsCall& call) {
  auto repository = TRY(repository_of(call, call.input.repository_name));
  if (!call.sees_all()) return deny(call, arn_of(repository));
  auto space = registry.namespace_of(repository);
  if (!space.ok()) return deny(call, arn_of(repository));
  bool exists = registry.created(repository).ok();
  if (!exists && space->mode != Mode::Open) {
    auto user = identity::unescape_user_name(repository.after_first_component());
    auto users = TRY(identity.users());
    exists = user.ok() && std::ranges::find(users, *user, &identity::User::name) != users.end();
    if (!exists) return deny(call, arn_of(repository));
  }
  if (exists)
    return call.fail("RepositoryAlreadyExistsException",
                     format("The repository with name '{}' already exists in the registry with id '{}'",
                            repository.text(), options.account));
  return Json::object({{"repository", TRY(present(call, repository))}});
}

Impl::Outcome Impl::get_lifecycle_policy(AwsCall& call) {
  auto repository = TRY(repository_of(call, call.input.repository_name));
  TRY(authorize_read(call, repository));
  auto space = TRY(registry.namespace_of(repository));
  if (space.mode != Mode::Approved)
    return call.fail("LifecyclePolicyNotFoundException",
                     format("Lifecycle policy does not exist for the repository with name '{}' in the registry with id "
                            "'{}'",
                            repository.text(), options.account));
  const auto lifetime = gate.options().policy.approval_lifetime.count();
  Json selection = Json::object({{"tagStatus", "any"},
                                 {"countType", "sinceImagePushed"},
                                 {"countUnit", "days"},
                                 {"countNumber", static_cast<std::int64_t>(lifetime)}});
  Json rule = Json::object({{"rulePriority", 1},
                            {"description", format("an approval lasts {} days", lifetime)},
                            {"selection", std::move(selection)},
                            {"action", Json::object({{"type", "expire"}})}});
  return Json::object({{"registryId", options.account},
                       {"repositoryName", repository.text()},
                       {"lifecyclePolicyText", Json::object({{"rules", Json::array({std::move(rule)})}}).dump()},
                       {"lastEvaluatedAt", ecr_time(clock.now())}});
}

Impl::Outcome Impl::get_repository_policy(AwsCall& call) {
  auto repository = TRY(repository_of(call, call.input.repository_name));
  TRY(authorize_read(call, repository));
  return call.fail("RepositoryPolicyNotFoundException",
                   format("Repository policy does not exist for the repository with name '{}' in the registry with id "
                          "'{}'",
                          repository.text(), options.account));
}

Impl::Outcome Impl::list_tags_for_resource(AwsCall& call) {
  const auto prefix = aws::repository_arn(options.region, options.account, "");
  if (!call.input.resource_arn.starts_with(prefix)) return no_repository(call, call.input.resource_arn);
  auto repository = TRY(repository_of(call, call.input.resource_arn.substr(prefix.size())));
  TRY(authorize_read(call, repository));
  return Json::object({{"tags", Json::array()}});
}

Impl::Outcome Impl::describe_registry(AwsCall& call) {
  if (!call.who().push_only().empty()) return deny(call, "*");
  return Json::object(
      {{"registryId", options.account}, {"replicationConfiguration", Json::object({{"rules", Json::array()}})}});
}

Impl::Outcome Impl::get_scanning_configuration(AwsCall& call) {
  if (!call.who().push_only().empty()) return deny(call, "*");
  Json filter = Json::object({{"filter", "*"}, {"filterType", "WILDCARD"}});
  Json rule =
      Json::object({{"scanFrequency", "SCAN_ON_PUSH"}, {"repositoryFilters", Json::array({std::move(filter)})}});
  return Json::object(
      {{"registryId", options.account},
       {"scanningConfiguration", Json::object({{"scanType", "BASIC"}, {"rules", Json::array({std::move(rule)})}})}});
}

}  // namespace pratique::control
