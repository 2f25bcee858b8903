// What AWS's command line and SDKs say, and what they expect to hear: Signature Version 4, STS (query and XML), ECR
// (JSON 1.1). The wire shapes are in docs/formats/aws.md.
//
// Not here: who owns a key (identity), who may do what and what the answers hold (control). Pure: no I/O, no clock of
// its own, no memory between requests. Values and free functions; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/result.h"
#include "http/http.h"

namespace pratique::aws {

enum class Service { Sts, Ecr, EcrPublic };
std::string_view signing_name(Service service);  // "sts", "ecr", "ecr-public"

// -- refusals --------------------------------------------------------------------------------------------------------

enum class Reason {
  MissingToken,      // nothing is signed
  Incomplete,        // the signature's parts are missing or malformed
  UnknownKey,        // no such access key, or not with this session token
  Expired,           // the session is over
  BadSignature,      // does not match, is for another region, service or time
  AccessDenied,      // known, and may not
  Throttled,         // too often
  UnknownOperation,  // no such action
  Invalid,           // a parameter is missing or malformed
  Internal,          // our own trouble
};
// Why a request is refused, in words that do not depend on the service; "" takes AWS's usual sentence.
struct Refusal {
  Reason reason = Reason::Internal;
  std::string message = "";
};
// The same as one service says it.
struct Fault {
  std::string code;  // "ExpiredToken", "ExpiredTokenException"
  std::string message;
  int status = 400;
};
Fault fault_of(Service service, const Refusal& refusal);

// -- Signature Version 4
// -----------------------------------------------------------------------------------------------

// How far a signature's time may be from ours, either way: what AWS allows.
inline constexpr minutes kSkewMax{5};
// A presigned address lives at most this long; AWS allows a week, but a proof of identity needs a minute.
inline constexpr hours kPresignedMax{1};

// What a request says of its signature. Nothing of it is proved before verify().
struct Signature {
  std::string access_key_id;
  std::string session_token;  // "": none was sent
  std::string date;           // "20261120": of the credential scope
  std::string region;
  std::string service;
  std::string timestamp;                    // "20261120T132109Z"
  Time signed_at;                           // the same
  std::optional<seconds> presigned;         // in the query, valid for so long from signed_at
  std::vector<std::string> signed_headers;  // lower case, ascending, each once
  std::string signature;                    // 64 hex digits, lower case
};

// Reads the Authorization header or the X-Amz-* query, never both. MissingToken where there is neither; Incomplete for
// anything malformed, repeated or out of order, and where the host or a header "x-amz-…" is not signed.
std::variant<Signature, Refusal> read_signature(const http::Request& request);

using SigningKey = Sha256::Sum;
// AWS4+secret → date → region → service → "aws4_request".
SigningKey derive_key(std::string_view secret, std::string_view date, std::string_view region,
                      std::string_view service);

// What is verified against: all of it known to us, none of it out of the request's own claims.
struct Expected {
  SigningKey key;
  std::string_view host;  // as the client addressed us: the received Host header
  std::string_view body;
  Time now;
};
// nullopt: the holder of the key signed exactly this request, at about this time. BadSignature otherwise, in constant
// time over the signature.
std::optional<Refusal> verify(const Signature& signature, const http::Request& request, const Expected& expected);
// BadSignature unless the credential scope names one of these regions and this service.
std::optional<Refusal> check_scope(const Signature& signature, const std::vector<std::string>& regions,
                                   std::string_view service);

// The two texts of the specification; for tests and for whoever has to explain a mismatch.
std::string canonical_request(const Signature& signature, const http::Request& request, std::string_view host,
                              std::string_view body);
std::string string_to_sign(const Signature& signature, std::string_view canonical);
// Adds X-Amz-Date, X-Amz-Security-Token and Authorization to a request: the client's side of the same rules.
struct SigningCredentials {
  std::string access_key_id, secret, session_token, region, service;
};
void sign(http::Request& request, std::string_view body, const SigningCredentials& credentials, Time now);

// -- STS
// -----------------------------------------------------------------------------------------------------------------

// A form, or the query of a GET. A name given twice is Invalid: two readers that disagree on which one counts are how a
// check is fooled.
class Form {
 public:
  static Result<Form> parse(std::string_view text);
  const std::string* find(std::string_view name) const;
  std::string value(std::string_view name) const;  // "" where absent
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// "arn:aws:iam::123456789012:role/ann-ECRUploadRole" taken apart.
struct RoleArn {
  std::string account;
  std::string role;
};
Result<RoleArn> parse_role_arn(std::string_view text);

struct GetCallerIdentity {};
struct GetSessionToken {
  seconds lifetime{43'200};
};
struct AssumeRole {
  RoleArn role;
  std::string session_name;
  seconds lifetime{3'600};
};
using StsRequest = std::variant<GetCallerIdentity, GetSessionToken, AssumeRole>;
// UnknownOperation ("Could not find operation …"); Invalid for parameters, and for those that would narrow the session
// in ways we do not keep: ignoring a restriction would widen it.
std::variant<StsRequest, Refusal> parse_sts(const Form& form);
std::string_view action_of(const StsRequest& request);  // "GetCallerIdentity"

struct CallerIdentity {
  std::string arn, user_id, account;
};
struct Credentials {
  std::string access_key_id, secret_access_key, session_token;
  Time expiration;
};
// Whole XML documents.
std::string sts_answer(const CallerIdentity& identity, std::string_view request_id);
std::string sts_answer(const Credentials& session, std::string_view request_id);
std::string sts_answer(const Credentials& assumed, std::string_view assumed_role_id, std::string_view arn,
                       std::string_view request_id);
std::string sts_error(const Fault& fault, std::string_view request_id);
// Text that is safe as XML content: markup escaped, characters that XML 1.0 has no place for replaced.
std::string xml_escape(std::string_view text);

// -- ECR
// -----------------------------------------------------------------------------------------------------------------

inline constexpr std::size_t kLayerPartBytesMax = 20 << 20;  // as the service's model says
inline constexpr std::size_t kPageDefault = 100, kPageMax = 1'000;

struct ImageId {
  std::string digest;  // "sha256:…" or ""
  std::string tag;
  Json to_json() const;
  bool operator==(const ImageId&) const = default;
};

// The members of every operation's input that we read; each is checked wherever it stands.
struct EcrInput {
  std::string repository_name;
  std::vector<std::string> repository_names;
  std::vector<ImageId> image_ids;  // imageIds, or the one imageId
  std::string tag_status;          // "TAGGED", "UNTAGGED", "ANY", ""
  std::string next_token;
  std::optional<std::size_t> max_results;
  std::string upload_id;
  std::vector<std::string> layer_digests;  // layerDigests, or the one layerDigest
  std::optional<std::uint64_t> part_first, part_last;
  std::string layer_part;  // the bytes
  std::string manifest, manifest_media_type, image_tag, image_digest;
  std::vector<std::string> accepted_media_types;
  std::string resource_arn;
  std::string registry_id;
  std::size_t page_size() const { return max_results.value_or(kPageDefault); }
};

struct EcrCall {
  Service service = Service::Ecr;
  std::string operation;  // "DescribeImages"
};
// From X-Amz-Target. UnknownOperation for another prefix, and for what the service's model does not have.
std::variant<EcrCall, Refusal> parse_target(std::string_view target);
// How large the body of this operation may be.
std::size_t ecr_body_bytes_max(std::string_view operation);
// Invalid in AWS's words ("Invalid parameter at 'repositoryName' failed to satisfy constraint: …") for what is missing,
// malformed or too much. Members we do not read are ignored, as the service does.
std::variant<EcrInput, Refusal> parse_input(std::string_view operation, std::string_view body);

std::string ecr_error(const Fault& fault);  // {"__type":…,"message":…}

// Where a page ended, as an opaque text, and back. Invalid for a token that this operation did not give.
std::string page_token(std::string_view operation, std::string_view last);
Result<std::string> parse_page_token(std::string_view operation, std::string_view token);

// "123456789012", the form of an account.
bool is_account(std::string_view text);
// "arn:aws:ecr:us-east-1:123456789012:repository/nextflow-staging/ann".
std::string repository_arn(std::string_view region, std::string_view account, std::string_view repository);

}  // namespace pratique::aws
