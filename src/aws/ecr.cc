// ECR's JSON 1.1: targets, inputs checked member by member, errors, page tokens.
#include <algorithm>
#include <array>

#include "aws/aws.h"
#include "base/format.h"
#include "base/text.h"

namespace pratique::aws {

namespace {

constexpr std::string_view kPrivatePrefix = "AmazonEC2ContainerRegistry_V20150921.";
constexpr std::string_view kPublicPrefix = "SpencerFrontendService.";

// Every operation of the service's model (2015-09-21, as botocore 1.43 ships it). What is in here and not offered is
// refused; what is not in here is unknown.
constexpr std::array kOperations = std::to_array<std::string_view>({
    "BatchCheckLayerAvailability",
    "BatchDeleteImage",
    "BatchGetImage",
    "BatchGetRepositoryScanningConfiguration",
    "CompleteLayerUpload",
    "CreatePullThroughCacheRule",
    "CreateRepository",
    "CreateRepositoryCreationTemplate",
    "DeleteLifecyclePolicy",
    "DeletePullThroughCacheRule",
    "DeleteRegistryPolicy",
    "DeleteRepository",
    "DeleteRepositoryCreationTemplate",
    "DeleteRepositoryPolicy",
    "DescribeImageReplicationStatus",
    "DescribeImageScanFindings",
    "DescribeImages",
    "DescribePullThroughCacheRules",
    "DescribeRegistry",
    "DescribeRepositories",
    "DescribeRepositoryCreationTemplates",
    "GetAccountSetting",
    "GetAuthorizationToken",
    "GetDownloadUrlForLayer",
    "GetLifecyclePolicy",
    "GetLifecyclePolicyPreview",
    "GetRegistryPolicy",
    "GetRegistryScanningConfiguration",
    "GetRepositoryPolicy",
    "InitiateLayerUpload",
    "ListImages",
    "ListTagsForResource",
    "PutAccountSetting",
    "PutImage",
    "PutImageScanningConfiguration",
    "PutImageTagMutability",
    "PutLifecyclePolicy",
    "PutRegistryPolicy",
    "PutRegistryScanningConfiguration",
    "PutReplicationConfiguration",
    "SetRepositoryPolicy",
    "StartImageScan",
    "StartLifecyclePolicyPreview",
    "TagResource",
    "UntagResource",
    "UpdatePullThroughCacheRule",
    "UpdateRepositoryCreationTemplate",
    "UploadLayerPart",
    "ValidatePullThroughCacheRule",
});

struct Needs {
  std::string_view operation;
  std::array<std::string_view, 4> members;
};
constexpr std::array kNeeds = std::to_array<Needs>({
    {"DescribeImages", {"repositoryName"}},
    {"ListImages", {"repositoryName"}},
    {"BatchGetImage", {"repositoryName", "imageIds"}},
    {"BatchDeleteImage", {"repositoryName", "imageIds"}},
    {"BatchCheckLayerAvailability", {"repositoryName", "layerDigests"}},
    {"GetDownloadUrlForLayer", {"repositoryName", "layerDigest"}},
    {"InitiateLayerUpload", {"repositoryName"}},
    {"UploadLayerPart", {"repositoryName", "uploadId", "partFirstByte", "layerPartBlob"}},
    {"CompleteLayerUpload", {"repositoryName", "uploadId", "layerDigests"}},
    {"PutImage", {"repositoryName", "imageManifest"}},
    {"StartImageScan", {"repositoryName", "imageId"}},
    {"DescribeImageScanFindings", {"repositoryName", "imageId"}},
    {"CreateRepository", {"repositoryName"}},
    {"DeleteRepository", {"repositoryName"}},
    {"GetLifecyclePolicy", {"repositoryName"}},
    {"GetRepositoryPolicy", {"repositoryName"}},
    {"ListTagsForResource", {"resourceArn"}},
});

constexpr std::size_t kBodyBytesMax = 1 << 20;                         // a hundred image ids are some 20 KiB
constexpr std::size_t kManifestBodyBytesMax = 10 << 20;                // 4 MiB of manifest, escaped
constexpr std::size_t kPartBodyBytesMax = kLayerPartBytesMax * 3 / 2;  // base64 and its frame
constexpr std::size_t kImageIdsMax = 100;
constexpr std::size_t kLayerDigestsMax = 100;
constexpr std::size_t kTagBytesMax = 300;
constexpr std::size_t kDigestBytesMax = 200;
constexpr std::size_t kTokenBytesMax = 2'048;
constexpr std::size_t kManifestBytesMax = 4 << 20;
constexpr std::size_t kArnBytesMax = 512;
constexpr std::string_view kRepositoryPattern =
    "must satisfy regular expression '(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*'";

Refusal bad_member(std::string_view member, std::string_view constraint) {
  return {Reason::Invalid, format("Invalid parameter at '{}' failed to satisfy constraint: '{}'", member, constraint)};
}

bool is_lower_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// [a-z0-9]+(?:[._-][a-z0-9]+)*, and the double separators that the registry's own grammar adds ("__", "-----"), which a
// repository made with another client may have.
bool is_component(std::string_view text) {
  if (text.empty() || !is_lower_alphanumeric(text.front()) || !is_lower_alphanumeric(text.back())) return false;
  return std::ranges::all_of(text, [](char c) { return is_lower_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_repository_name(std::string_view text) {
  if (text.size() < 2 || text.size() > 256) return false;
  return std::ranges::all_of(split(text, '/'), is_component);
}

// Reads the members of one input; the first complaint stays.
class Reader {
 public:
  explicit Reader(const Json& json) : json_(json) {}
  std::optional<Refusal> complaint() const { return complaint_; }

  void text(std::string_view name, std::string& into, std::size_t bytes_max) {
    const Json& member = json_[name];
    if (member.is_null()) return;
    const auto* value = member.as_string();
    if (!value || value->empty() || value->size() > bytes_max)
      return complain(bad_member(name, format("must have length between 1 and {}", bytes_max)));
    into = *value;
  }
  void texts(std::string_view name, std::vector<std::string>& into, std::size_t count_max, std::size_t bytes_max) {
    const Json& member = json_[name];
    if (member.is_null()) return;
    if (!member.is_array() || member.size() > count_max)
      return complain(bad_member(name, format("must be a list of at most {}", count_max)));
    for (const auto& item : member.items()) {
      const auto* value = item.as_string();
      if (!value || value->empty() || value->size() > bytes_max)
        return complain(bad_member(name, format("members must have length between 1 and {}", bytes_max)));
      into.push_back(*value);
    }
  }
  std::optional<std::uint64_t> number(std::string_view name, std::int64_t lowest, std::int64_t highest) {
    const Json& member = json_[name];
    if (member.is_null()) return std::nullopt;
    auto value = member.as_int();
    if (value && *value >= lowest && *value <= highest) return static_cast<std::uint64_t>(*value);
    complain(bad_member(name, format("must be between {} and {}", lowest, highest)));
    return std::nullopt;
  }
  void image_id(const Json& member, std::vector<ImageId>& into) {
    if (!member.is_object()) return complain(bad_member("imageIds", "must be objects"));
    Reader inner(member);
    ImageId id;
    inner.text("imageDigest", id.digest, kDigestBytesMax);
    inner.text("imageTag", id.tag, kTagBytesMax);
    if (inner.complaint()) return complain(*inner.complaint());
    into.push_back(std::move(id));
  }
  void complain(Refusal refusal) {
    if (!complaint_) complaint_ = std::move(refusal);
  }

 private:
  const Json& json_;
  std::optional<Refusal> complaint_;
};

void read_images(const Json& json, Reader& reader, EcrInput& input) {
  const Json& ids = json["imageIds"];
  if (!ids.is_null() && (!ids.is_array() || ids.size() == 0 || ids.size() > kImageIdsMax))
    return reader.complain(bad_member("imageIds", format("must be a list of 1 to {}", kImageIdsMax)));
  for (const auto& id : ids.items()) reader.image_id(id, input.image_ids);
  if (json.has("imageId")) {
    input.image_ids.clear();
    reader.image_id(json["imageId"], input.image_ids);
  }
  const Json& filter = json["filter"];
  if (filter.is_object()) {
    Reader inner(filter);
    inner.text("tagStatus", input.tag_status, 16);
    const auto& status = input.tag_status;
    if (inner.complaint() || (!status.empty() && status != "TAGGED" && status != "UNTAGGED" && status != "ANY"))
      reader.complain(bad_member("filter.tagStatus", "must be one of TAGGED, UNTAGGED, ANY"));
  }
}

void read_upload(const Json& json, Reader& reader, EcrInput& input) {
  reader.text("uploadId", input.upload_id, 64);
  reader.texts("layerDigests", input.layer_digests, kLayerDigestsMax, kDigestBytesMax);
  if (json.has("layerDigest")) {
    input.layer_digests.resize(1);
    reader.text("layerDigest", input.layer_digests.front(), kDigestBytesMax);
  }
  input.part_first = reader.number("partFirstByte", 0, INT64_MAX / 2);
  input.part_last = reader.number("partLastByte", 0, INT64_MAX / 2);
  const Json& part = json["layerPartBlob"];
  if (part.is_null()) return;
  auto bytes = part.is_string() ? from_base64(part.text()) : Result<std::string>(invalid("no text"));
  if (!bytes.ok() || bytes->size() > kLayerPartBytesMax)
    return reader.complain(
        bad_member("layerPartBlob", format("must be base64 of at most {} bytes", kLayerPartBytesMax)));
  input.layer_part = std::move(*bytes);
}

void check_names(const EcrInput& input, Reader& reader) {
  if (!input.repository_name.empty() && !is_repository_name(input.repository_name))
    reader.complain(bad_member("repositoryName", kRepositoryPattern));
  for (const auto& name : input.repository_names)
    if (!is_repository_name(name)) reader.complain(bad_member("repositoryNames", kRepositoryPattern));
  if (!input.registry_id.empty() && !is_account(input.registry_id))
    reader.complain(bad_member("registryId", "must satisfy regular expression '[0-9]{12}'"));
}

std::optional<Refusal> check_needs(std::string_view operation, const Json& json) {
  for (const auto& needs : kNeeds) {
    if (needs.operation != operation) continue;
    for (auto member : needs.members)
      if (!member.empty() && json[member].is_null()) return bad_member(member, "Member must not be null");
  }
  return std::nullopt;
}

}  // namespace

Json ImageId::to_json() const {
  Json json = Json::object();
  if (!digest.empty()) json.set("imageDigest", digest);
  if (!tag.empty()) json.set("imageTag", tag);
  return json;
}

std::variant<EcrCall, Refusal> parse_target(std::string_view target) {
  EcrCall call;
  if (target.starts_with(kPublicPrefix)) {
    call = {Service::EcrPublic, std::string(target.substr(kPublicPrefix.size()))};
    if (call.operation == "GetAuthorizationToken") return call;
  } else if (target.starts_with(kPrivatePrefix)) {
    call = {Service::Ecr, std::string(target.substr(kPrivatePrefix.size()))};
    if (std::ranges::find(kOperations, call.operation) != kOperations.end()) return call;
  }
  return Refusal{Reason::UnknownOperation, format("Unknown operation {}", printable(target, 120))};
}

std::size_t ecr_body_bytes_max(std::string_view operation) {
  if (operation == "UploadLayerPart") return kPartBodyBytesMax;
  return operation == "PutImage" ? kManifestBodyBytesMax : kBodyBytesMax;
}

std::variant<EcrInput, Refusal> parse_input(std::string_view operation, std::string_view body) {
  auto parsed = parse_json(body.empty() ? std::string_view("{}") : body,
                           {.bytes_max = ecr_body_bytes_max(operation), .depth_max = 16, .values_max = 100'000});
  if (!parsed.ok()) return Refusal{Reason::Invalid, "SerializationException: " + printable(parsed.error().message())};
  const Json& json = *parsed;
  if (!json.is_object()) return Refusal{Reason::Invalid, "SerializationException: the input is no object"};
  if (auto missing = check_needs(operation, json)) return *missing;
  EcrInput input;
  Reader reader(json);
  reader.text("repositoryName", input.repository_name, 256);
  reader.texts("repositoryNames", input.repository_names, 100, 256);
  reader.text("registryId", input.registry_id, 12);
  reader.text("nextToken", input.next_token, kTokenBytesMax);
  reader.text("imageManifest", input.manifest, kManifestBytesMax);
  reader.text("imageManifestMediaType", input.manifest_media_type, 256);
  reader.text("imageTag", input.image_tag, kTagBytesMax);
  reader.text("imageDigest", input.image_digest, kDigestBytesMax);
  reader.text("resourceArn", input.resource_arn, kArnBytesMax);
  reader.texts("acceptedMediaTypes", input.accepted_media_types, 100, 256);
  if (auto size = reader.number("maxResults", 1, kPageMax)) input.max_results = *size;
  read_images(json, reader, input);
  read_upload(json, reader, input);
  check_names(input, reader);
  if (reader.complaint()) return *reader.complaint();
  return input;
}

std::string ecr_error(const Fault& fault) {
  return Json::object({{"__type", fault.code}, {"message", fault.message}}).dump();
}

// Not secret and not signed: a token somebody invents only starts the page elsewhere, among what they may see anyway.
std::string page_token(std::string_view operation, std::string_view last) {
  return to_base64url(as_bytes(format("{}\n{}", operation, last)));
}

Result<std::string> parse_page_token(std::string_view operation, std::string_view token) {
  auto text = from_base64url(token);
  auto parts = text.ok() ? cut(*text, "\n") : std::nullopt;
  if (!parts || parts->first != operation || parts->second.size() > kTokenBytesMax || !is_utf8(parts->second))
    return invalid("Invalid parameter at 'nextToken' failed to satisfy constraint: 'must be of the same operation'");
  return std::string(parts->second);
}

std::string repository_arn(std::string_view region, std::string_view account, std::string_view repository) {
  return format("arn:aws:ecr:{}:{}:repository/{}", region, account, repository);
}

}  // namespace pratique::aws
