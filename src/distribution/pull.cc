// Bytes on their way out. Invariant 1: no byte leaves /v2/ except by admission, blobs like manifests. admit_manifest
// and admit_blob are the only roads to get_manifest and open_blob in this module.
#include "base/format.h"
#include "distribution/access.h"
#include "distribution/errors.h"
#include "distribution/impl.h"
#include "distribution/range.h"

namespace pratique::distribution {

namespace {

std::string quoted(const oci::Digest& digest) {
  return format("\"{}\"", digest.to_string());
}

http::Response described(const oci::Digest& digest, std::string_view media_type, std::uint64_t size) {
  http::Response response;
  response.headers.set("Content-Type", std::string(media_type));
  response.headers.set("Docker-Content-Digest", digest.to_string());
  response.headers.set("ETag", quoted(digest));
  response.content_length = size;
  return response;
}

http::Response described_blob(const oci::Digest& digest, std::uint64_t size) {
  auto response = described(digest, "application/octet-stream", size);
  response.headers.set("Accept-Ranges", "bytes");
  return response;
}

std::variant<Whole, Unsatisfiable, ByteRange> asked_range(const http::Request& request, const oci::Digest& digest,
                                                          std::uint64_t size) {
  const auto range = request.headers.find("Range");
  if (!range) return Whole{};
  // RFC 9110 section 13.1.5: a range of something else than the client has is no use to it.
  const auto condition = request.headers.find("If-Range");
  if (condition && *condition != quoted(digest)) return Whole{};
  return parse_range(*range, size);
}

http::Response send_blob(const http::Request& request, const oci::Digest& digest, const store::Blob& blob) {
  auto file = blob.fd().duplicate();
  if (!file.ok()) return problem(file.error(), Subject::Blob);
  auto response = described_blob(digest, blob.size());
  const auto range = asked_range(request, digest, blob.size());
  if (std::holds_alternative<Unsatisfiable>(range)) {
    response = problem(416, "SIZE_INVALID", format("the blob has {} bytes", blob.size()));
    response.headers.set("Content-Range", format("bytes */{}", blob.size()));
    return response;
  }
  ByteRange part{.offset = 0, .length = blob.size()};
  if (const auto* asked = std::get_if<ByteRange>(&range)) {
    part = *asked;
    response.status = 206;
    response.headers.set("Content-Range",
                         format("bytes {}-{}/{}", part.offset, part.offset + part.length - 1, blob.size()));
  }
  response.content_length = part.length;
  response.body = http::FileBody{.file = std::move(*file), .offset = part.offset, .length = part.length};
  return response;
}

}  // namespace

Status Distribution::Impl::admit_blob(const oci::RepositoryName& repository, const registry::Namespace& space,
                                      const oci::Digest& blob) {
  switch (reading_of(space)) {
    case Reading::Free:
      return {};
    case Reading::Closed:
      return denied(closed_words(space, repository));
    case Reading::Admitted:
      break;
  }
  auto admitted = gate.admit_part(repository, blob);
  return admitted.ok() ? Status() : Status(admitted.error());
}

Result<Readable> Distribution::Impl::admit_manifest(const Call& call, const oci::ManifestReference& reference) {
  switch (reading_of(call.space)) {
    case Reading::Free:
      return Readable{TRY(registry.describe_manifest(call.repository, reference)).digest, {}};
    case Reading::Closed:
      return denied(closed_words(call.space, call.repository));
    case Reading::Admitted:
      break;
  }
  auto admitted = TRY(gate.admit(call.repository, reference, &call.who));
  return Readable{admitted.digest(), admitted};
}

http::Response Distribution::Impl::read_blob(Call& call) {
  const auto digest = oci::Digest::parse(call.last);
  if (!digest.ok()) return problem(digest.error(), Subject::Blob);
  if (call.is_head() && reading_of(call.space) == Reading::Closed) {
    // A pusher asks before it sends. 200 for what it has itself proved to hold, 404 for everything else and everybody
    // else: never a hint of what others pushed, never a 401 or 403, which clients take as fatal.
    const auto possessed = registry.possesses(call.who, *digest);
    if (!possessed.ok()) return problem(possessed.error(), Subject::Blob);
    const auto size = *possessed ? store.size_of(*digest) : std::nullopt;
    if (!size) return problem(404, "BLOB_UNKNOWN", "you have not pushed this blob");
    return described_blob(*digest, *size);
  }
  if (auto admitted = admit_blob(call.repository, call.space, *digest); !admitted.ok()) {
    return problem(admitted.error(), Subject::Blob);
  }
  if (call.is_head()) {
    const auto size = registry.blob_size(call.repository, *digest);
    return size.ok() ? described_blob(*digest, *size) : problem(size.error(), Subject::Blob);
  }
  const auto blob = registry.open_blob(call.repository, *digest);
  return blob.ok() ? send_blob(call.request, *digest, *blob) : problem(blob.error(), Subject::Blob);
}

http::Response Distribution::Impl::read_manifest(Call& call) {
  const auto reference = oci::parse_manifest_reference(call.last);
  if (!reference.ok()) return problem(reference.error(), Subject::Manifest);
  if (call.is_head() && reading_of(call.space) == Reading::Closed) {
    // Always to be sent, even again: the PUT is what submits. containerd leaves it out after a 200, so an image could
    // never be submitted a second time after its approval has run out; oras would go on to GET it.
    return problem(404, "MANIFEST_UNKNOWN", "manifests in this namespace are not told of; send it");
  }
  const auto readable = admit_manifest(call, *reference);
  if (!readable.ok()) return problem(readable.error(), Subject::Manifest);
  if (call.is_head()) {
    const auto info = registry.describe_manifest(call.repository, readable->digest);
    return info.ok() ? described(info->digest, info->media_type, info->size) : problem(info.error(), Subject::Manifest);
  }
  auto manifest = registry.get_manifest(call.repository, readable->digest);
  if (!manifest.ok()) return problem(manifest.error(), Subject::Manifest);
  if (readable->image) {
    // Before the bytes: a pull that cannot be recorded does not happen.
    const auto recorded = gate.record_pull(call.who, *readable->image);
    if (!recorded.ok()) return problem(recorded.error(), Subject::Manifest);
  }
  auto response = described(manifest->digest, manifest->media_type, manifest->bytes.size());
  response.body = std::move(manifest->bytes);
  return response;
}

}  // namespace pratique::distribution
