// Blobs on their way in: end-4a, 4b, 4c, 5, 6, 11, 13, 14.
//
//   POST ──202──> PATCH* ──202──> PUT ──201            POST?mount= ──201 | 202
//                                                      POST?digest= with the bytes ──201
//
// A chunk that does not start where the upload stopped is 416 and changes nothing: the client asks with GET and goes
// on.
#include <memory>

#include "base/format.h"
#include "base/log.h"
#include "distribution/access.h"
#include "distribution/auth.h"
#include "distribution/errors.h"
#include "distribution/impl.h"
#include "distribution/range.h"

namespace pratique::distribution {

namespace {

// One read from the connection and one write to the disk: large enough that neither call shows, small enough that 128
// requests in work stay at 32 MiB.
constexpr std::size_t kBufferBytes = 256 << 10;

http::Response session_answer(const Call& call, int status, const registry::Upload& upload) {
  http::Response response{.status = status};
  response.headers.set("Location", call.address(format("blobs/uploads/{}", upload.id())));
  response.headers.set("Range", received_range(upload.size()));
  response.headers.set("Docker-Upload-UUID", upload.id());
  return response;
}

http::Response created_blob(const Call& call, const oci::Digest& digest) {
  http::Response response{.status = 201};
  response.headers.set("Location", call.address(format("blobs/{}", digest.to_string())));
  response.headers.set("Docker-Content-Digest", digest.to_string());
  return response;
}

// A client that sends 40 GB in one request loses no more than this when the machine does.
constexpr std::uint64_t kCheckpointBytes = 1ULL << 30;

// Appends the body. With a chunk range, exactly as many bytes as it says: never a byte more is written.
Status receive(http::BodyReader& body, registry::Upload& upload, const std::optional<ChunkRange>& chunk) {
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(kBufferBytes);
  std::uint64_t received = 0;
  for (;;) {
    auto count = body.read({buffer.get(), kBufferBytes});
    if (!count.ok()) {
      // What has come stays, so that a client that resumes does not start over; the answer is the read's error.
      static_cast<void>(upload.checkpoint().ok());
      return count.error();
    }
    if (*count == 0) break;
    received += *count;
    if (chunk && received > chunk->length()) return invalid("the chunk is longer than its Content-Range says");
    TRY(upload.append({buffer.get(), *count}));
    if (received / kCheckpointBytes != (received - *count) / kCheckpointBytes) TRY(upload.checkpoint());
  }
  if (chunk && received < chunk->length()) return invalid("the chunk is shorter than its Content-Range says");
  return {};
}

struct Chunk {
  std::optional<ChunkRange> range;
  std::optional<http::Response> refusal;
};

// The Content-Range of a PATCH or closing PUT against where the upload stands.
Chunk read_chunk_header(const Call& call, const registry::Upload& upload) {
  const auto header = call.request.headers.find("Content-Range");
  if (!header) return {};
  const auto range = parse_chunk_range(*header);
  if (!range.ok()) return {.range = {}, .refusal = problem(range.error(), Subject::Upload)};
  if (range->first != upload.size()) {
    const std::string words =
        format("the chunk starts at byte {}, the upload stands at {}", range->first, upload.size());
    auto refusal = problem(416, "BLOB_UPLOAD_INVALID", words);
    const auto session = session_answer(call, 416, upload);
    for (const auto& [name, value] : session.headers.lines()) refusal.headers.set(name, value);
    return {.range = {}, .refusal = std::move(refusal)};
  }
  const auto length = call.request.body->length();
  if (length && *length != range->length()) {
    return {
        .range = {},
        .refusal = problem(400, "SIZE_INVALID",
                           format("Content-Range says {} bytes, Content-Length says {}", range->length(), *length))};
  }
  return {.range = *range, .refusal = {}};
}

Result<oci::Digest> asked_digest(const http::Request& request) {
  const auto text = request.parameter("digest");
  if (!text) return invalid("the digest parameter is missing");
  return oci::Digest::parse(*text);
}

}  // namespace

// A push that straddles the end of its temporary keys is told from an abandoned one by when it was last heard of.
void Distribution::Impl::note_progress(const Call& call) {
  auto noted = identity.note_push(call.who, identity::PushStep::Continued);
  if (!noted.ok()) log::warn("push progress not noted", {{"error", noted.error().message()}});
}

http::Response Distribution::Impl::start_upload(Call& call) {
  if (auto allowed = may_push(call.who, call.space, call.repository); !allowed.ok()) {
    return problem(allowed.error(), Subject::Upload);
  }
  if (call.request.parameter("mount")) {
    auto mounted = try_mount(call);
    if (!mounted.ok()) return problem(mounted.error(), Subject::Blob);
    if (*mounted) return created_blob(call, **mounted);
  }
  std::optional<oci::Digest> digest;
  if (call.request.parameter("digest")) {
    auto parsed = asked_digest(call.request);
    if (!parsed.ok()) return problem(parsed.error(), Subject::Blob);
    digest = std::move(*parsed);
  }
  const auto algorithm = call.request.parameter("digest-algorithm").value_or("sha256");
  if (algorithm != "sha256" && algorithm != "sha512") {
    return problem(400, "DIGEST_INVALID", "digest-algorithm must be sha256 or sha512");
  }
  if (auto noted = identity.note_push(call.who, identity::PushStep::Started); !noted.ok()) {
    return problem(noted.error(), Subject::Upload);
  }
  auto upload = registry.start_upload(call.who, call.repository);
  if (!upload.ok()) return too_many_or_unavailable(upload.error());
  if (!digest) return session_answer(call, 202, *upload);
  const std::string id = upload->id();
  auto response = finish(call, std::move(*upload), *digest);
  // The client never learnt the id of this session, so nobody could resume it.
  if (response.status != 201) static_cast<void>(registry.cancel_upload(call.who, call.repository, id).ok());
  return response;
}

// A source counts only where this caller may read it now; everything else is "not mountable", which tells nothing.
Result<std::optional<oci::Digest>> Distribution::Impl::try_mount(const Call& call) {
  const auto blob = TRY(oci::Digest::parse(call.request.parameter("mount").value_or("")));
  std::optional<oci::RepositoryName> source;
  auto from = oci::RepositoryName::parse(call.request.parameter("from").value_or(""));
  // Temporary keys read nothing, so no repository vouches for a blob on their behalf.
  if (from.ok() && call.who.push_only().empty()) {
    const auto space = registry.namespace_of(*from);
    if (space.ok() && admit_blob(*from, *space, blob).ok()) source = std::move(*from);
  }
  const bool is_mounted = TRY(registry.mount(call.who, call.repository, blob, source));
  return is_mounted ? std::optional(blob) : std::nullopt;
}

http::Response Distribution::Impl::finish(Call& call, registry::Upload upload, const oci::Digest& digest) {
  auto chunk = read_chunk_header(call, upload);
  if (chunk.refusal) return std::move(*chunk.refusal);
  if (auto received = receive(*call.request.body, upload, chunk.range); !received.ok()) {
    return problem(received.error(), Subject::Upload);
  }
  auto blob = registry.finish_upload(call.who, std::move(upload), digest);
  note_progress(call);
  return blob.ok() ? created_blob(call, digest) : problem(blob.error(), Subject::Blob);
}

http::Response Distribution::Impl::append_upload(Call& call) {
  // Asked again at each request: a session outlives the role it was opened with.
  if (auto allowed = may_push(call.who, call.space, call.repository); !allowed.ok()) {
    return problem(allowed.error(), Subject::Upload);
  }
  auto upload = registry.resume_upload(call.who, call.repository, call.last);
  if (!upload.ok()) return problem(upload.error(), Subject::Upload);
  auto chunk = read_chunk_header(call, *upload);
  if (chunk.refusal) return std::move(*chunk.refusal);
  Status received = receive(*call.request.body, *upload, chunk.range);
  if (received.ok()) received = upload->checkpoint();
  note_progress(call);
  return received.ok() ? session_answer(call, 202, *upload) : problem(received.error(), Subject::Upload);
}

http::Response Distribution::Impl::finish_upload(Call& call) {
  if (auto allowed = may_push(call.who, call.space, call.repository); !allowed.ok()) {
    return problem(allowed.error(), Subject::Upload);
  }
  const auto digest = asked_digest(call.request);
  if (!digest.ok()) return problem(digest.error(), Subject::Blob);
  auto upload = registry.resume_upload(call.who, call.repository, call.last);
  if (!upload.ok()) return problem(upload.error(), Subject::Upload);
  return finish(call, std::move(*upload), *digest);
}

http::Response Distribution::Impl::describe_upload(Call& call) {
  const auto upload = registry.resume_upload(call.who, call.repository, call.last);
  return upload.ok() ? session_answer(call, 204, *upload) : problem(upload.error(), Subject::Upload);
}

http::Response Distribution::Impl::cancel_upload(Call& call) {
  const auto status = registry.cancel_upload(call.who, call.repository, call.last);
  return status.ok() ? http::Response{.status = 204} : problem(status.error(), Subject::Upload);
}

}  // namespace pratique::distribution
