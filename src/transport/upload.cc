#include "transport/upload.h"

#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "transport/streams.h"

namespace pratique::transport {

namespace {

class Upload {
 public:
  Upload(Session& session, const oci::RepositoryName& repository, const oci::Descriptor& descriptor)
      : session_(session),
        path_(format("/v2/{}/blobs/uploads/", repository.text())),
        scope_(scope_of(repository, Access::Push)),
        descriptor_(descriptor),
        doing_(format("pushing {}", descriptor.digest.short_text())) {}

  Status run(const UploadSource& source, const std::function<void(std::uint64_t)>& advanced) {
    for (int attempt = 1;; ++attempt) {
      auto outcome = attempt_once(source, advanced);
      if (outcome.ok()) return outcome;
      bool is_final =
          is_our_fault_ || outcome.error().kind() != ErrorKind::Unavailable || attempt >= source.attempts_max;
      if (is_final) {
        give_up();
        return outcome;
      }
      pause_before_repeat(attempt - 1);
    }
  }

 private:
  Status attempt_once(const UploadSource& source, const std::function<void(std::uint64_t)>& advanced) {
    offset_ = 0;
    if (location_.empty() || !can_go_on()) TRY(begin());
    auto blob = source.open();
    is_our_fault_ = !blob.ok();
    if (!blob.ok()) return blob.error();
    TRY(skip(**blob));
    TRY(send_bytes(**blob, advanced));
    return finish();
  }

  Status begin() {
    http::ClientRequest request{.method = "POST", .url = path_};
    auto response = TRY(session_.send(std::move(request), scope_, Repeat::Safely));
    if (response.status != 202) return registry_error(response, doing_);
    return follow(response);
  }

  // Asks how far the upload came; false where it has to begin again.
  bool can_go_on() {
    http::ClientRequest request{.url = location_};
    auto response = session_.send(std::move(request), scope_, Repeat::Safely);
    if (!response.ok() || response->status != 204) return false;
    auto have = parse_upload_range(response->headers.find("Range").value_or(""));
    if (!have || *have > descriptor_.size) return false;
    offset_ = *have;
    return !response->headers.find("Location") || follow(*response).ok();
  }

  // Every answer of an upload names where the next request goes.
  Status follow(const http::ClientResponse& response) {
    auto location = response.headers.find("Location");
    if (!location) return invalid(doing_ + ": the registry gives no Location for the upload");
    location_ = TRY(resolve_location(response.url, *location).with_context(doing_));
    return {};
  }

  // What the registry has is read again all the same: the digest is of the whole.
  Status skip(BlobStream& blob) {
    for (std::uint64_t left = offset_; left > 0;) {
      auto piece = next_piece(blob, left);
      is_our_fault_ = !piece.ok() || piece->empty();
      if (!piece.ok()) return piece.error().with_context(doing_);
      if (piece->empty()) return corrupt(doing_ + ": the blob is shorter than before");
      left -= piece->size();
    }
    return {};
  }

  Status send_bytes(BlobStream& blob, const std::function<void(std::uint64_t)>& advanced) {
    std::optional<Error> local;  // of our own side: not the registry's fault, and no reason to try again
    bool is_whole = false;
    http::ClientRequest request{.method = "PATCH", .url = location_};
    request.headers.set("Content-Type", "application/octet-stream");
    if (offset_ > 0) request.headers.set("Content-Range", format("{}-{}", offset_, descriptor_.size - 1));
    request.upload_length = descriptor_.size - offset_;
    request.upload = [&]() -> Result<std::string> {
      auto piece = next_piece(blob, kCopyStep);
      if (!piece.ok())
        local = piece.error();
      else
        advance(piece->size(), advanced);
      is_whole = piece.ok() && piece->empty();
      return piece;
    };
    if (descriptor_.size > offset_) {
      auto response = session_.send(std::move(request), scope_, Repeat::Never);
      is_our_fault_ = local.has_value();
      if (local) return local->with_context(doing_);
      if (!response.ok()) return response.error().with_context(doing_);
      if (response->status == 401) return unavailable(doing_ + ": the registry's token ran out during the upload");
      if (response->status == 416) return unavailable(doing_ + ": the registry has another number of bytes");
      if (response->status != 202) return registry_error(*response, doing_);
      TRY(follow(*response));
    }
    // The client stops asking at Content-Length; the digest is only checked by the read after it.
    if (is_whole) return {};
    auto rest = next_piece(blob, kCopyStep);
    is_our_fault_ = !rest.ok();
    if (!rest.ok()) return rest.error().with_context(doing_);
    return rest->empty() ? Status() : corrupt(doing_ + ": more bytes than promised");
  }

  static Result<std::string> next_piece(BlobStream& blob, std::uint64_t bytes_max) {
    std::string piece(static_cast<std::size_t>(std::min<std::uint64_t>(kCopyStep, bytes_max)), '\0');
    std::size_t got = TRY(blob.read(std::as_writable_bytes(std::span(piece))));
    piece.resize(got);
    return piece;
  }

  // Bytes that are sent a second time are no news.
  void advance(std::uint64_t bytes, const std::function<void(std::uint64_t)>& advanced) {
    offset_ += bytes;
    if (offset_ <= told_) return;
    std::uint64_t news = offset_ - std::exchange(told_, offset_);
    if (advanced) advanced(news);
  }

  Status finish() {
    http::ClientRequest request{.method = "PUT",
                                .url = with_query(location_, "digest", descriptor_.digest.to_string())};
    auto response = TRY(session_.send(std::move(request), scope_, Repeat::Never).with_context(doing_));
    if (response.status != 201) return registry_error(response, doing_);
    return {};
  }

  // Frees what the registry keeps; it forgets by itself too, so the answer does not matter.
  void give_up() {
    if (location_.empty()) return;
    http::ClientRequest request{.method = "DELETE", .url = location_};
    (void)session_.send(std::move(request), scope_, Repeat::Never).ok();
  }

  Session& session_;
  const std::string path_, scope_;
  const oci::Descriptor& descriptor_;
  const std::string doing_;
  std::string location_;      // of an upload that has begun
  std::uint64_t offset_ = 0;  // bytes the registry has, or that are on their way
  std::uint64_t told_ = 0;
  bool is_our_fault_ = false;  // the last failure came from our own side
};

}  // namespace

std::optional<std::uint64_t> parse_upload_range(std::string_view range) {
  if (range.starts_with("bytes=")) range.remove_prefix(6);
  auto pair = cut(range, "-");
  auto last = pair && pair->first == "0" ? parse_decimal(pair->second) : std::nullopt;
  if (!last || *last == 0 || *last == UINT64_MAX) return std::nullopt;
  return *last + 1;
}

Status upload(Session& session, const oci::RepositoryName& repository, const oci::Descriptor& descriptor,
              const UploadSource& source, const std::function<void(std::uint64_t)>& advanced) {
  return Upload(session, repository, descriptor).run(source, advanced);
}

}  // namespace pratique::transport
