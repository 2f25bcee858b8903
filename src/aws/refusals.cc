// One table from what went wrong to the word and status of each protocol.
#include <array>

#include "aws/aws.h"
#include "base/check.h"

namespace pratique::aws {

namespace {

struct Words {
  Reason reason;
  std::string_view sts;
  int sts_status;
  std::string_view json;
  int json_status;
  std::string_view message;
};

constexpr std::array kWords = std::to_array<Words>({
    {Reason::MissingToken, "MissingAuthenticationToken", 403, "MissingAuthenticationTokenException", 400,
     "Request is missing Authentication Token"},
    {Reason::Incomplete, "IncompleteSignature", 400, "IncompleteSignatureException", 400,
     "The request signature does not conform to AWS standards."},
    {Reason::UnknownKey, "InvalidClientTokenId", 403, "UnrecognizedClientException", 400,
     "The security token included in the request is invalid."},
    {Reason::Expired, "ExpiredToken", 403, "ExpiredTokenException", 400,
     "The security token included in the request is expired"},
    {Reason::BadSignature, "SignatureDoesNotMatch", 403, "InvalidSignatureException", 400,
     "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
     "and signing method. Consult the service documentation for details."},
    {Reason::AccessDenied, "AccessDenied", 403, "AccessDeniedException", 400, "Access denied"},
    {Reason::Throttled, "Throttling", 400, "ThrottlingException", 400, "Rate exceeded"},
    {Reason::UnknownOperation, "InvalidAction", 400, "UnknownOperationException", 400, "Unknown operation"},
    {Reason::Invalid, "ValidationError", 400, "InvalidParameterException", 400, "Invalid parameter"},
    {Reason::Internal, "InternalFailure", 500, "ServerException", 500,
     "The gate cannot do this at the moment; try again, and tell the people who run it if that fails."},
});

}  // namespace

std::string_view signing_name(Service service) {
  switch (service) {
    case Service::Sts:
      return "sts";
    case Service::Ecr:
      return "ecr";
    case Service::EcrPublic:
      return "ecr-public";
  }
  return "";
}

Fault fault_of(Service service, const Refusal& refusal) {
  for (const auto& words : kWords) {
    if (words.reason != refusal.reason) continue;
    const bool is_sts = service == Service::Sts;
    return {.code = std::string(is_sts ? words.sts : words.json),
            .message = refusal.message.empty() ? std::string(words.message) : refusal.message,
            .status = is_sts ? words.sts_status : words.json_status};
  }
  CHECK(false, "a reason without words");
  return {};
}

}  // namespace pratique::aws
