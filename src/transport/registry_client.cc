#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "transport/download.h"
#include "transport/streams.h"
#include "transport/transport.h"
#include "transport/upload.h"

namespace pratique::transport {

struct RegistryClient::Impl {
  explicit Impl(Options options) : host(options.host), session(std::make_shared<Session>(std::move(options))) {}
  const std::string host;
  // Shared with the threads of open blob streams, which may outlive the client.
  const std::shared_ptr<Session> session;
};

namespace {

constexpr int kUploadAttempts = 5;  // of one blob: 40 GB over a bad line, not an endless fight

// A stream that belongs to somebody else.
class Borrowed final : public BlobStream {
 public:
  explicit Borrowed(BlobStream& stream) : stream_(stream) {}
  Result<std::size_t> read(std::span<std::byte> buffer) override { return stream_.read(buffer); }

 private:
  BlobStream& stream_;
};

std::string manifest_path(const oci::RepositoryName& repository, const oci::ManifestReference& reference) {
  return format("/v2/{}/manifests/{}", repository.text(), oci::to_string(reference));
}

std::vector<std::string> warnings_of(const http::ClientResponse& response) {
  std::vector<std::string> warnings;
  for (const auto& line : response.headers.all("Warning")) {
    if (auto text = parse_warning(line)) warnings.push_back(std::move(*text));
  }
  return warnings;
}

oci::Digest digest_of(std::string_view bytes, oci::Algorithm algorithm) {
  Hasher hasher(algorithm);
  hasher.update(as_bytes(bytes));
  return hasher.digest();
}

// What was asked for by digest must be that; what was asked for by tag must be what the registry says it is.
Result<oci::Digest> verify(std::string_view bytes, const oci::ManifestReference& asked,
                           const std::optional<std::string>& header) {
  std::optional<oci::Digest> wanted;
  if (auto digest = std::get_if<oci::Digest>(&asked))
    wanted = *digest;
  else if (header)
    wanted = TRY(oci::Digest::parse(*header).with_context("Docker-Content-Digest"));
  auto found = digest_of(bytes, wanted ? wanted->algorithm() : oci::Algorithm::Sha256);
  if (wanted && found != *wanted) {
    return corrupt(format("manifest {} hashes to {}", wanted->to_string(), found.to_string()));
  }
  return found;
}

}  // namespace

RegistryClient::RegistryClient(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
RegistryClient::~RegistryClient() = default;

Result<RegistryClient::ManifestAnswer> RegistryClient::get_manifest(const oci::RepositoryName& repository,
                                                                    const oci::ManifestReference& reference) {
  auto doing = format("reading {}/{} {}", impl_->host, repository.text(), oci::to_string(reference));
  http::ClientRequest request{.url = manifest_path(repository, reference)};
  for (auto type : {oci::media_type::kOciManifest, oci::media_type::kOciIndex, oci::media_type::kDockerManifest,
                    oci::media_type::kDockerManifestList}) {
    request.headers.add("Accept", std::string(type));
  }
  auto response = TRY(impl_->session->send(std::move(request), scope_of(repository, Access::Pull), Repeat::Safely));
  if (response.status != 200) return registry_error(response, doing);
  if (response.body.size() > oci::kManifestBytesMax) return over_limit(doing + ": the manifest is too large");
  auto header = response.headers.find("Docker-Content-Digest");
  auto digest = TRY(verify(response.body, reference, header).with_context(doing));
  auto type = media_type_of(response.headers.find("Content-Type").value_or(""));
  auto warnings = warnings_of(response);
  return ManifestAnswer{std::move(response.body), std::move(type), std::move(digest), std::move(warnings)};
}

Status RegistryClient::read_range(const oci::RepositoryName& repository, const oci::Descriptor& descriptor,
                                  std::uint64_t offset, std::uint64_t length,
                                  const std::function<Status(Bytes)>& sink) {
  return download_range(impl_->session, repository, descriptor, offset, length, sink);
}

Result<std::unique_ptr<BlobStream>> RegistryClient::open_blob(const oci::RepositoryName& repository,
                                                              const oci::Descriptor& descriptor) {
  return verified(TRY(download(impl_->session, repository, descriptor)), descriptor);
}

// Asked before a push, so with the rights of one: a registry may let a submitter push who may not pull.
Result<bool> RegistryClient::has_blob(const oci::RepositoryName& repository, const oci::Digest& digest) {
  http::ClientRequest request{.method = "HEAD",
                              .url = format("/v2/{}/blobs/{}", repository.text(), digest.to_string())};
  auto response = TRY(impl_->session->send(std::move(request), scope_of(repository, Access::Push), Repeat::Safely));
  if (response.status == 200) return true;
  if (response.status == 404) return false;
  return registry_error(response, format("asking {} for {}", impl_->host, digest.short_text()));
}

Status RegistryClient::push_blob(const oci::RepositoryName& repository, const oci::Descriptor& descriptor,
                                 const BlobOpener& open, const std::function<void(std::uint64_t)>& advanced) {
  return upload(*impl_->session, repository, descriptor, {open, kUploadAttempts}, advanced);
}

Status RegistryClient::push_blob(const oci::RepositoryName& repository, const oci::Descriptor& descriptor,
                                 BlobStream& blob, const std::function<void(std::uint64_t)>& advanced) {
  auto open = [&]() -> Result<std::unique_ptr<BlobStream>> {
    return std::unique_ptr<BlobStream>(std::make_unique<Borrowed>(blob));
  };
  return upload(*impl_->session, repository, descriptor, {open, 1}, advanced);
}

Result<std::vector<std::string>> RegistryClient::push_manifest(const oci::RepositoryName& repository,
                                                               const oci::ManifestReference& reference,
                                                               std::string_view bytes, std::string_view media_type) {
  auto doing = format("pushing {}/{} {}", impl_->host, repository.text(), oci::to_string(reference));
  http::ClientRequest request{.method = "PUT", .url = manifest_path(repository, reference), .body = std::string(bytes)};
  request.headers.set("Content-Type", std::string(media_type));
  auto response = TRY(impl_->session->send(std::move(request), scope_of(repository, Access::Push), Repeat::Safely));
  int status = response.status;
  if (status == 201) return warnings_of(response);
  auto error = registry_error(response, doing);
  // A gate says no with 4xx; 401 is about who we are, 429 about patience.
  bool is_refusal = status >= 400 && status < 500 && status != 401 && status != 429;
  return is_refusal ? refused(error.message()) : error;
}

}  // namespace pratique::transport
