// ECR: images. Metadata by authorize_read; bytes of manifests by the gate's admission, as on /v2/.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "control/aws_impl.h"

namespace pratique::control {

namespace {

using Impl = AwsApi::Impl;
using registry::Mode;

std::uint64_t image_bytes(const oci::ParsedManifest& manifest) {
  std::uint64_t total = 0;
  const auto references = oci::references_of(manifest);
  for (const auto& blob : references.blobs) total += std::min<std::uint64_t>(blob.size, INT64_MAX / 4096);
  return total;
}

std::string words_of(const aws::ImageId& id) {
  return format("{{imageDigest:'{}', imageTag:'{}'}}", id.digest.empty() ? "null" : printable(id.digest, 200),
                id.tag.empty() ? "null" : printable(id.tag, 200));
}

struct FailureCode {
  std::string_view code, reason;
};

Json failure(const aws::ImageId& id, const FailureCode& why) {
  return Json::object({{"imageId", id.to_json()}, {"failureCode", why.code}, {"failureReason", why.reason}});
}

// What is wrong with an image id before anything is looked up; nullopt: it names something.
std::optional<FailureCode> judge_id(const aws::ImageId& id) {
  if (id.digest.empty() && id.tag.empty())
    return FailureCode{"MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null"};
  if (!id.digest.empty() && !oci::Digest::parse(id.digest).ok())
    return FailureCode{"InvalidImageDigest",
                       "Invalid request parameters: image digest should satisfy the regex "
                       "'[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"};
  if (!id.tag.empty() && !oci::Tag::parse(id.tag).ok())
    return FailureCode{"InvalidImageTag", "Invalid request parameters: image tag is malformed"};
  return std::nullopt;
}

constexpr FailureCode kNotFound{"ImageNotFound", "Requested image not found"};
constexpr FailureCode kMismatch{"ImageTagDoesNotMatchDigest", "Requested image tag does not match the digest"};

}  // namespace

Error Impl::no_image(AwsCall& call, const oci::RepositoryName& repository, const aws::ImageId& id) {
  return call.fail(
      "ImageNotFoundException",
      format("The image with imageId {} does not exist within the repository with name '{}' in the registry "
             "with id '{}'",
             words_of(id), repository.text(), options.account));
}

Result<AwsImage> Impl::wanted_image(AwsCall& call, const oci::RepositoryName& repository, const aws::ImageId& id) {
  auto image = find_image(repository, id);
  if (!image.ok() && image.error().kind() == ErrorKind::NotFound) return no_image(call, repository, id);
  return image;
}

Result<AwsImage> Impl::find_image(const oci::RepositoryName& repository, const aws::ImageId& id) const {
  if (judge_id(id)) return not_found("no image of that id");
  const bool by_tag = !id.tag.empty();
  auto reference = TRY(oci::parse_manifest_reference(by_tag ? id.tag : id.digest));
  auto info = TRY(registry.describe_manifest(repository, reference));
  if (by_tag && !id.digest.empty() && info.digest.to_string() != id.digest)
    return not_found("the tag names another image");
  return AwsImage{info.digest, id.tag, info.media_type, info.size};
}

// A page is one of tags: an image with many of them may stand in two pages, with its tags of each.
Result<std::vector<AwsImage>> Impl::page_of_images(AwsCall& call, const oci::RepositoryName& repository,
                                                   std::string& next) const {
  std::vector<AwsImage> images;
  // Every image that is kept here has a tag.
  if (call.input.tag_status == "UNTAGGED") return images;
  std::optional<std::string> last;
  if (!call.input.next_token.empty()) last = TRY(aws::parse_page_token(call.operation, call.input.next_token));
  auto page = TRY(registry.tags(repository, last, call.input.page_size()));
  for (const auto& tag : page.names) {
    auto image = find_image(repository, {.digest = "", .tag = tag});
    // Moved or withdrawn since the page was read.
    if (!image.ok() && image.error().kind() == ErrorKind::NotFound) continue;
    if (!image.ok()) return image.error();
    images.push_back(std::move(*image));
  }
  if (page.has_more && !page.names.empty()) next = aws::page_token(call.operation, page.names.back());
  return images;
}

Result<Json> Impl::describe(const AwsCall& call, const oci::RepositoryName& repository, const AwsImage& image,
                            const std::vector<std::string>& tags) const {
  Json names = Json::array();
  for (const auto& tag : tags) names.push(tag);
  Json detail = Json::object({{"registryId", options.account},
                              {"repositoryName", repository.text()},
                              {"imageDigest", image.digest.to_string()},
                              {"imageManifestMediaType", image.media_type}});
  if (!tags.empty()) detail.set("imageTags", std::move(names));
  auto stored = TRY(registry.get_manifest(repository, image.digest));
  auto manifest = TRY(oci::parse_manifest(stored.bytes, stored.media_type));
  if (const auto* single = std::get_if<oci::Manifest>(&manifest)) {
    detail.set("imageSizeInBytes", image_bytes(manifest));
    detail.set("artifactMediaType", single->config.media_type);
  }
  auto submission = TRY(submission_of(call, repository, image.digest));
  if (!submission) return detail;
  detail.set("imagePushedAt", ecr_time(submission->staged));
  detail.set("imageScanStatus", scan_status(submission));
  auto reports = gate.reports(submission->id);
  if (reports.ok() && !reports->empty())
    detail.set("imageScanFindingsSummary",
               Json::object({{"imageScanCompletedAt", ecr_time(reports->front().scanned)},
                             {"vulnerabilitySourceUpdatedAt", ecr_time(reports->front().database.newest)},
                             {"findingSeverityCounts", count_severities(*reports)}}));
  return detail;
}

Impl::Outcome Impl::describe_images(AwsCall& call) {
  auto repository = TRY(repository_of(call, call.input.repository_name));
  TRY(authorize_read(call, repository));
  if (!registry.created(repository).ok()) return no_repository(call, repository.text());
  std::string next;
  std::vector<AwsImage> images;
  for (const auto& id : call.input.image_ids) {
    images.push_back(TRY(wanted_image(call, repository, id)));
  }
  if (call.input.image_ids.empty()) images = TRY(page_of_images(call, repository, next));
  Json details = Json::array();
  for (std::size_t i = 0; i < images.size(); ++i) {
    auto is_same = [&](const AwsImage& other) { return other.digest == images[i].digest; };
    if (std::find_if(images.begin(), images.begin() + static_cast<std::ptrdiff_t>(i), is_same) !=
        images.begin() + static_cast<std::ptrdiff_t>(i))
      continue;
    std::vector<std::string> tags;
    for (const auto& other : images)
      if (is_same(other) && !other.tag.empty()) tags.push_back(other.tag);
    details.push(TRY(describe(call, repository, images[i], tags)));
  }
  Json answer = Json::object({{"imageDetails", std::move(details)}});
  if (!next.empty()) answer.set("nextToken", next);
  return answer;
}

Impl::Outcome Impl::list_images(AwsCall& call) {
  auto repository = TRY(repository_of(call, call.input.repository_name));
  TRY(authorize_read(call, repository));
  if (!registry.created(repository).ok()) return no_repository(call, repository.text());
  std::string next;
  Json ids = Json::array();
  for (const auto& image : TRY(page_of_images(call, repository, next)))
    ids.push(aws::ImageId{image.digest.to_string(), image.tag}.to_json());
  Json answer = Json::object({{"imageIds", std::move(ids)}});
  if (!next.empty()) answer.set("nextToken", next);
  return answer;
}

// Bytes leave by admission only, here as on /v2/, and each reading is in the journal.
Result<Json> Impl::get_image(AwsCall& call, const oci::RepositoryName& repository, const aws::ImageId& id) {
  auto space = TRY(registry.namespace_of(repository));
  auto reference = TRY(oci::parse_manifest_reference(id.tag.empty() ? id.digest : id.tag));
  std::optional<oci::Digest> digest;
  if (space.mode == Mode::Approved) {
    auto admitted = TRY(gate.admit(repository, reference, &call.who()));
    TRY(gate.record_pull(call.who(), admitted));
    digest = admitted.digest();
  } else {
    digest = TRY(registry.describe_manifest(repository, reference)).digest;
  }
  if (!id.digest.empty() && digest->to_string() != id.digest) return conflict("the tag names another image");
  auto stored = TRY(registry.get_manifest(repository, *digest));
  return Json::object({{"registryId", options.account},
                       {"repositoryName", repository.text()},
                       {"imageId", aws::ImageId{digest->to_string(), id.tag}.to_json()},
                       {"imageManifest", stored.bytes},
                       {"imageManifestMediaType", stored.media_type}});
}

Impl::Outcome Impl::batch_get_image(AwsCall& call) {
  auto repository = TRY(repository_of(call, call.input.repository_name));
  TRY(authorize_read(call, repository));
  auto space = TRY(registry.namespace_of(repository));
  if (space.mode == Mode::Staging) return deny(call, arn_of(repository));
  if (!registry.created(repository).ok()) return no_repository(call, repository.text());
  Json images = Json::array(), failures = Json::array();
  for (const auto& id : call.input.image_ids) {
    if (auto bad = judge_id(id)) {
      failures.push(failure(id, *bad));
      continue;
    }
    auto image = get_image(call, repository, id);
    if (image.ok()) {
      images.push(std::move(*image));
      continue;
    }
    const auto kind = image.error().kind();
    if (kind == ErrorKind::Unavailable || kind == ErrorKind::Corrupt) return image.error();
    if (kind == ErrorKind::Conflict)
      failures.push(failure(id, kMismatch));
    else if (kind == ErrorKind::Refused)
      failures.push(failure(id, {kNotFound.code, printable(image.error().message(), 500)}));
    else
      failures.push(failure(id, kNotFound));
  }
  return Json::object({{"images", std::move(images)}, {"failures", std::move(failures)}});
}

// Submissions are records and approvals are withdrawn by a reviewer: only what an open namespace holds is deleted.
Impl::Outcome Impl::batch_delete_image(AwsCall& call) {
  auto repository = TRY(repository_of(call, call.input.repository_name));
  auto space = registry.namespace_of(repository);
  if (!call.who().push_only().empty() || (space.ok() && space->mode != Mode::Open))
    return deny(call, arn_of(repository));
  TRY(authorize_push(call, repository));
  if (!registry.created(repository).ok()) return no_repository(call, repository.text());
  Json gone = Json::array(), failures = Json::array();
  for (const auto& id : call.input.image_ids) {
    if (auto bad = judge_id(id)) {
      failures.push(failure(id, *bad));
      continue;
    }
    auto image = find_image(repository, id);
    if (!image.ok()) {
      failures.push(failure(id, kNotFound));
      continue;
    }
    auto reference = TRY(oci::parse_manifest_reference(id.tag.empty() ? id.digest : id.tag));
    TRY(registry.delete_manifest(call.who(), repository, reference));
    gone.push(aws::ImageId{image->digest.to_string(), id.tag}.to_json());
  }
  return Json::object({{"imageIds", std::move(gone)}, {"failures", std::move(failures)}});
}

}  // namespace pratique::control
