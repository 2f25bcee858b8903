// ECR: the JSON road for layers and manifests, for the few clients that take it instead of /v2/. The same sessions, the
// same checks, the same staging; the verdict is then asked for with DescribeImageScanFindings or in the API.
#include "base/format.h"
#include "base/text.h"
#include "control/aws_impl.h"

namespace pratique::control {

namespace {

using Impl = AwsApi::Impl;
using registry::Mode;

// What the service itself tells its clients to send.
constexpr std::int64_t kPartBytes = 10 << 20;

}  // namespace

Impl::Outcome Impl::batch_check_layer_availability(AwsCall& call) {
  auto repository = TRY(repository_of(call, call.input.repository_name));
  TRY(call.who().push_only().empty() && may_see(call, repository) ? authorize_read(call, repository)
                                                                  : authorize_push(call, repository));
  auto space = TRY(registry.namespace_of(repository));
  Json layers = Json::array(), failures = Json::array();
  for (const auto& text : call.input.layer_digests) {
    auto digest = oci::Digest::parse(text);
    if (!digest.ok()) {
      failures.push(Json::object(
          {{"layerDigest", text}, {"failureCode", "InvalidLayerDigest"}, {"failureReason", "Invalid layer digest"}}));
      continue;
    }
    // In staging a pusher hears of what they have sent themselves, and of nothing else.
    auto size = registry.blob_size(repository, *digest);
    const bool is_known = space.mode == Mode::Staging ? TRY(registry.possesses(call.who(), *digest)) : size.ok();
    Json layer = Json::object({{"layerDigest", text}, {"layerAvailability", is_known ? "AVAILABLE" : "UNAVAILABLE"}});
    if (is_known && size.ok()) layer.set("layerSize", *size);
    layers.push(std::move(layer));
  }
  return Json::object({{"layers", std::move(layers)}, {"failures", std::move(failures)}});
}

Impl::Outcome Impl::initiate_layer_upload(AwsCall& call) {
  auto repository = TRY(repository_of(call, call.input.repository_name));
  TRY(authorize_push(call, repository));
  TRY(identity.note_push(call.who(), identity::PushStep::Started));
  auto upload = TRY(registry.start_upload(call.who(), repository));
  TRY(upload.checkpoint());
  return Json::object({{"uploadId", upload.id()}, {"partSize", kPartBytes}});
}

Result<registry::Upload> Impl::wanted_upload(AwsCall& call, const oci::RepositoryName& repository) {
  auto upload = registry.resume_upload(call.who(), repository, call.input.upload_id);
  if (!upload.ok() && upload.error().kind() == ErrorKind::NotFound)
    return call.fail("UploadNotFoundException",
                     "The upload could not be found, or the specified upload ID is not valid "
                     "for this repository.");
  return upload;
}

Impl::Outcome Impl::upload_layer_part(AwsCall& call) {
  auto repository = TRY(repository_of(call, call.input.repository_name));
  TRY(authorize_push(call, repository));
  auto upload = TRY(wanted_upload(call, repository));
  const auto& part = call.input.layer_part;
  const auto first = call.input.part_first.value_or(0);
  const bool is_whole = !call.input.part_last || *call.input.part_last + 1 == first + part.size();
  if (first != upload.size() || part.empty() || !is_whole)
    return call.fail(
        "InvalidLayerPartException",
        format("The layer part is not valid: the upload stands at byte {}, and first and last byte must be "
               "those of the part.",
               upload.size()));
  TRY(upload.append(as_bytes(part)));
  TRY(upload.checkpoint());
  TRY(identity.note_push(call.who(), identity::PushStep::Continued));
  return Json::object({{"registryId", options.account},
                       {"repositoryName", repository.text()},
                       {"uploadId", call.input.upload_id},
                       {"lastByteReceived", static_cast<std::int64_t>(upload.size() - 1)}});
}

Impl::Outcome Impl::complete_layer_upload(AwsCall& call) {
  auto repository = TRY(repository_of(call, call.input.repository_name));
  TRY(authorize_push(call, repository));
  auto digest = oci::Digest::parse(call.input.layer_digests.empty() ? "" : call.input.layer_digests.front());
  if (!digest.ok()) return call.fail("InvalidLayerException", "The layer digest is not valid.");
  auto upload = TRY(wanted_upload(call, repository));
  if (upload.size() == 0)
    return call.fail("EmptyUploadException", "The specified layer upload does not contain any layer parts.");
  auto blob = registry.finish_upload(call.who(), std::move(upload), *digest);
  if (!blob.ok() && blob.error().kind() == ErrorKind::Invalid)
    return call.fail("InvalidLayerException",
                     "The layer digest calculation performed upon receipt of the image layer "
                     "does not match the digest specified.");
  if (!blob.ok()) return blob.error();
  return Json::object({{"registryId", options.account},
                       {"repositoryName", repository.text()},
                       {"uploadId", call.input.upload_id},
                       {"layerDigest", digest->to_string()}});
}

Impl::Outcome Impl::put_image(AwsCall& call) {
  auto repository = TRY(repository_of(call, call.input.repository_name));
  TRY(authorize_push(call, repository));
  const auto& input = call.input;
  const auto digest = oci::Digest::of(as_bytes(input.manifest));
  if (!input.image_digest.empty() && input.image_digest != digest.to_string())
    return call.fail("ImageDigestDoesNotMatchException",
                     "The specified image digest does not match the digest that Amazon ECR calculated for the image.");
  oci::ManifestReference reference = digest;
  if (!input.image_tag.empty()) reference = TRY(oci::Tag::parse(input.image_tag));
  auto put = registry.put_manifest(call.who(), repository, reference, input.manifest, input.manifest_media_type);
  if (!put.ok() && put.error().kind() == ErrorKind::NotFound)
    return call.fail("LayersNotFoundException", printable(put.error().message(), 1'000));
  if (!put.ok()) return put.error();
  const bool is_end = !input.image_tag.empty();
  TRY(identity.note_push(call.who(), is_end ? identity::PushStep::Finished : identity::PushStep::Continued));
  Json image = Json::object({{"registryId", options.account},
                             {"repositoryName", repository.text()},
                             {"imageId", aws::ImageId{put->digest.to_string(), input.image_tag}.to_json()},
                             {"imageManifest", input.manifest}});
  return Json::object({{"image", std::move(image)}});
}

}  // namespace pratique::control
