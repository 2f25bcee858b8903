// What the files of the STS and ECR endpoints share. Private to the module.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/aws.h"
#include "control/aws_guard.h"
#include "control/control.h"

namespace pratique::control {

// One request to STS or ECR, from its first byte to its answer.
struct AwsCall {
  http::Request& request;
  std::string id;  // of the request, as its answer names it
  aws::Service service = aws::Service::Sts;
  std::string operation = "";
  std::string body = "";
  std::optional<identity::Session> session = std::nullopt;  // once the signature is verified: Valid
  aws::EcrInput input = {};
  std::optional<aws::Fault> fault = std::nullopt;
  std::optional<seconds> retry_after = std::nullopt;

  const identity::Principal& who() const { return *session->principal; }
  bool sees_all() const { return who().has(identity::Role::Reviewer) || who().has(identity::Role::Admin); }
  // Ends the call with a word of the service's own. The Error only carries it up.
  Error fail(std::string code, std::string message);
};

// An image as one repository knows it.
struct AwsImage {
  oci::Digest digest;
  std::string tag;  // "" when asked for by digest
  std::string media_type;
  std::uint64_t manifest_bytes = 0;
};

struct AwsApi::Impl {
  using Outcome = Result<Json>;

  // -- aws.cc: from bytes to an operation
  // ------------------------------------------------------------------------------
  http::Response serve(http::Request& request);
  std::optional<aws::Refusal> serve_sts(AwsCall& call, std::string& answer);
  std::optional<aws::Refusal> serve_ecr(AwsCall& call, std::string& answer);
  http::Response answer(const AwsCall& call, std::string body) const;
  http::Response answer(const AwsCall& call, const aws::Fault& fault) const;

  // -- aws_signature.cc: who is asking
  // --------------------------------------------------------------------------------- Sets call.session.
  std::optional<aws::Refusal> authenticate(AwsCall& call);
  std::optional<aws::Refusal> check_signature(AwsCall& call, const aws::Signature& signature);
  aws::Refusal refuse(AwsCall& call, const aws::Signature* signature, aws::Refusal refusal);

  // -- aws_sts.cc
  // ------------------------------------------------------------------------------------------------------
  std::variant<std::string, aws::Refusal> answer_sts(AwsCall& call, const aws::StsRequest& asked);
  std::variant<std::string, aws::Refusal> assume_role(AwsCall& call, const aws::AssumeRole& asked);
  std::variant<std::string, aws::Refusal> session_token(AwsCall& call, const aws::GetSessionToken& asked);
  aws::CallerIdentity identity_of(const identity::Session& session) const;

  // -- aws_access.cc: may they
  // ----------------------------------------------------------------------------------------- Refuses in AWS's words.
  // Ok says nothing of whether the repository exists.
  Status authorize_push(AwsCall& call, const oci::RepositoryName& repository);
  Status authorize_read(AwsCall& call, const oci::RepositoryName& repository);
  // Metadata is for those who may read, and for a submitter about what they submitted.
  bool may_see(const AwsCall& call, const oci::RepositoryName& repository) const;
  Error deny(AwsCall& call, const std::string& resource);
  // Parses it, and judges registryId.
  Result<oci::RepositoryName> repository_of(AwsCall& call, const std::string& name);
  std::string arn_of(const oci::RepositoryName& repository) const;

  // -- aws_ecr.cc
  // ------------------------------------------------------------------------------------------------------
  Outcome get_authorization_token(AwsCall& call);
  Outcome describe_repositories(AwsCall& call);
  Outcome create_repository(AwsCall& call);
  Outcome get_lifecycle_policy(AwsCall& call);
  Outcome get_repository_policy(AwsCall& call);
  Outcome list_tags_for_resource(AwsCall& call);
  Outcome describe_registry(AwsCall& call);
  Outcome get_scanning_configuration(AwsCall& call);
  Outcome deny_always(AwsCall& call);
  Result<Json> present(const AwsCall& call, const oci::RepositoryName& repository) const;
  Error no_repository(AwsCall& call, std::string_view name);

  // -- aws_images.cc
  // ---------------------------------------------------------------------------------------------------
  Outcome describe_images(AwsCall& call);
  Outcome list_images(AwsCall& call);
  Outcome batch_get_image(AwsCall& call);
  Outcome batch_delete_image(AwsCall& call);
  // NotFound for no such image or repository.
  Result<AwsImage> find_image(const oci::RepositoryName& repository, const aws::ImageId& id) const;
  Result<std::vector<AwsImage>> page_of_images(AwsCall& call, const oci::RepositoryName& repository,
                                               std::string& next) const;
  Error no_image(AwsCall& call, const oci::RepositoryName& repository, const aws::ImageId& id);
  // find_image(), in AWS's words where there is none.
  Result<AwsImage> wanted_image(AwsCall& call, const oci::RepositoryName& repository, const aws::ImageId& id);
  Result<Json> get_image(AwsCall& call, const oci::RepositoryName& repository, const aws::ImageId& id);
  Result<Json> describe(const AwsCall& call, const oci::RepositoryName& repository, const AwsImage& image,
                        const std::vector<std::string>& tags) const;

  // -- aws_findings.cc
  // -------------------------------------------------------------------------------------------------
  Outcome start_image_scan(AwsCall& call);
  Outcome describe_image_scan_findings(AwsCall& call);
  // The newest submission of that image which this caller may look into.
  Result<std::optional<gate::Submission>> submission_of(const AwsCall& call, const oci::RepositoryName& repository,
                                                        const oci::Digest& digest) const;

  // -- aws_upload.cc
  // ---------------------------------------------------------------------------------------------------
  Outcome batch_check_layer_availability(AwsCall& call);
  Outcome initiate_layer_upload(AwsCall& call);
  Outcome upload_layer_part(AwsCall& call);
  // The upload the call names; UploadNotFoundException where there is none.
  Result<registry::Upload> wanted_upload(AwsCall& call, const oci::RepositoryName& repository);
  Outcome complete_layer_upload(AwsCall& call);
  Outcome put_image(AwsCall& call);

  // "https://gate.example.org": where the registry is for whoever asked.
  std::string registry_origin(const http::Request& request) const;

  registry::Registry& registry;
  identity::Identity& identity;
  gate::Gate& gate;
  const Clock& clock;
  const AwsOptions options;
  AwsGuard guard = {};
};

using EcrHandler = AwsApi::Impl::Outcome (AwsApi::Impl::*)(AwsCall&);
// Null for an operation that this gate does not serve.
EcrHandler find_ecr_handler(std::string_view operation);

// How ECR says a severity: "CRITICAL" … "UNDEFINED".
std::string_view ecr_severity(vuln::Severity severity);
// {"status","description"} of a submission's scan; and the findings with their counts.
Json scan_status(const std::optional<gate::Submission>& submission);
Json count_severities(const std::vector<scan::ScanReport>& reports);
double ecr_time(Time time);

}  // namespace pratique::control
