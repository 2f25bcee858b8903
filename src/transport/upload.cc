#include "transport/upload.h"

#include "base/format.h"
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

  Status run(BlobStream& blob, const std::function<void(std::uint64_t)>& advanced) {
    TRY(begin());
    auto sent = send_bytes(blob, advanced);
    auto outcome = sent.ok() ? finish() : sent;
    if (!outcome.ok()) give_up();
    return outcome;
  }

 private:
  Status begin() {
    http::ClientRequest request{.method = "POST", .url = path_};
    auto response = TRY(session_.send(std::move(request), scope_, Repeat::Safely));
    if (response.status != 202) return registry_error(response, doing_);
    return follow(response);
  }

  // Every answer of an upload names where the next request goes.
  Status follow(const http::ClientResponse& response) {
    auto location = response.headers.find("Location");
    if (!location) return invalid(doing_ + ": the registry gives no Location for the upload");
    location_ = TRY(resolve_location(response.url, *location).with_context(doing_));
    return {};
  }

  Status send_bytes(BlobStream& blob, const std::function<void(std::uint64_t)>& advanced) {
    std::optional<Error> local;  // of our own side: not the registry's fault, and no reason to try again
    bool is_whole = false;
    http::ClientRequest request{.method = "PATCH", .url = location_};
    request.headers.set("Content-Type", "application/octet-stream");
    request.upload_length = descriptor_.size;
    request.upload = [&]() -> Result<std::string> {
      auto piece = next_piece(blob);
      if (!piece.ok())
        local = piece.error();
      else if (!piece->empty() && advanced)
        advanced(piece->size());
      is_whole = piece.ok() && piece->empty();
      return piece;
    };
    if (descriptor_.size > 0) {
      auto response = session_.send(std::move(request), scope_, Repeat::Never);
      if (local) return local->with_context(doing_);
      if (!response.ok()) return response.error().with_context(doing_);
      if (response->status == 401) return unavailable(doing_ + ": the registry's token ran out during the upload");
      if (response->status != 202) return registry_error(*response, doing_);
      TRY(follow(*response));
    }
    // The client stops asking at Content-Length; the digest is only checked by the read after it.
    if (!is_whole && !TRY(next_piece(blob).with_context(doing_)).empty())
      return corrupt(doing_ + ": more bytes than promised");
    return {};
  }

  static Result<std::string> next_piece(BlobStream& blob) {
    std::string piece(kCopyStep, '\0');
    std::size_t got = TRY(blob.read(std::as_writable_bytes(std::span(piece))));
    piece.resize(got);
    return piece;
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
  std::string location_;
};

}  // namespace

Status upload(Session& session, const oci::RepositoryName& repository, const oci::Descriptor& descriptor,
              BlobStream& blob, const std::function<void(std::uint64_t)>& advanced) {
  return Upload(session, repository, descriptor).run(blob, advanced);
}

}  // namespace pratique::transport
