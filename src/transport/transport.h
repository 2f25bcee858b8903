// Images where people keep them, behind one reader: OCI layouts, archives, daemons, directories, registries — and the
// way into a registry. Names follow containers-transports(5).
//
// Every blob read is verified against its descriptor before the reader says it is done. Not here: what is inside a
// layer. Thread rule: an Image and a RegistryClient may be used from several threads; a BlobStream from one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/http.h"
#include "oci/oci.h"

namespace pratique::transport {

// A blob read front to back. The last read verifies length and digest: Corrupt instead of the final 0.
class BlobStream {
 public:
  virtual ~BlobStream() = default;
  virtual Result<std::size_t> read(std::span<std::byte> buffer) = 0;  // 0 at the verified end
};

// One image (one platform of an index), wherever it is.
class Image {
 public:
  virtual ~Image() = default;
  virtual const std::string& manifest_bytes() const = 0;  // synthesised for archives that have none
  virtual const std::string& manifest_type() const = 0;   // media type
  virtual const oci::Manifest& manifest() const = 0;
  virtual Result<std::unique_ptr<BlobStream>> open_blob(const oci::Descriptor& descriptor) = 0;
  // `length` bytes of a blob from `offset`, in order and unverified, into `sink`; an error of the sink ends it. Refused
  // where blobs are read whole only.
  virtual Status read_range(const oci::Descriptor& descriptor, std::uint64_t offset, std::uint64_t length,
                            const std::function<Status(Bytes)>& sink);
  oci::Digest digest() const { return oci::Digest::of(as_bytes(manifest_bytes())); }
};
// The whole blob, verified; Limit where the descriptor says more than `bytes_max`.
Result<std::string> read_blob(Image& image, const oci::Descriptor& descriptor, std::size_t bytes_max);

struct Credentials {
  std::string user;
  std::string password;
};

struct OpenOptions {
  oci::Platform platform{"linux", "amd64", ""};  // which child of an index
  bool plain_http = false;                       // registries: loopback is tried plain too, as docker does
  bool verify_tls = true;
  std::optional<Credentials> credentials;  // else the auth files docker and podman write
  std::string daemon_socket;               // "" : $DOCKER_HOST, then /var/run/docker.sock
};

// "oci:DIR[:TAG]", "oci-archive:FILE[:TAG]", "docker-archive:FILE[:REF]", "docker-daemon:REF", "docker://REF",
// "containers-storage:REF" (through podman or skopeo), "dir:PATH" (a root file system as one layer), or a bare path
// that exists. Invalid names what the accepted forms are; NotFound names what there is instead (tags, references).
Result<std::unique_ptr<Image>> open(std::string_view target, const OpenOptions& options = {});

// A registry as a client: challenges, tokens, uploads. One a host; reuses tokens.
class RegistryClient {
 public:
  struct Options {
    std::string host;                        // "127.0.0.1:5000"
    std::optional<Credentials> credentials;  // nullopt: anonymous; see stored_credentials
    bool plain_http = false;
    bool verify_tls = true;
  };
  explicit RegistryClient(Options options);
  ~RegistryClient();

  struct ManifestAnswer {
    std::string bytes;
    std::string media_type;
    oci::Digest digest;
    std::vector<std::string> warnings;  // texts of Warning: 299 lines
  };
  // Verified against the digest asked for, or the Docker-Content-Digest header.
  Result<ManifestAnswer> get_manifest(const oci::RepositoryName& repository, const oci::ManifestReference& reference);
  Result<std::unique_ptr<BlobStream>> open_blob(const oci::RepositoryName& repository,
                                                const oci::Descriptor& descriptor);
  // As Image::read_range; goes on where it broke.
  Status read_range(const oci::RepositoryName& repository, const oci::Descriptor& descriptor, std::uint64_t offset,
                    std::uint64_t length, const std::function<Status(Bytes)>& sink);
  Result<bool> has_blob(const oci::RepositoryName& repository, const oci::Digest& digest);
  // Opens the same blob from its front, each time it is called.
  using BlobOpener = std::function<Result<std::unique_ptr<BlobStream>>()>;
  // Sends a blob up; `advanced` hears of bytes that arrived for the first time. A broken upload goes on where the
  // registry says it stopped.
  Status push_blob(const oci::RepositoryName& repository, const oci::Descriptor& descriptor, const BlobOpener& open,
                   const std::function<void(std::uint64_t)>& advanced);
  // The same for a stream that can be read once only: Unavailable when it breaks.
  Status push_blob(const oci::RepositoryName& repository, const oci::Descriptor& descriptor, BlobStream& blob,
                   const std::function<void(std::uint64_t)>& advanced);
  // What the registry said: its warnings on success; Refused with its message on a 4xx.
  Result<std::vector<std::string>> push_manifest(const oci::RepositoryName& repository,
                                                 const oci::ManifestReference& reference, std::string_view bytes,
                                                 std::string_view media_type);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Hears of work as it goes: "config", "layer 2 of 5".
class CopyProgress {
 public:
  virtual ~CopyProgress() = default;
  virtual void begin(const std::string& what, std::uint64_t bytes) = 0;
  virtual void advance(std::uint64_t bytes) = 0;
  virtual void end(const std::string& outcome) = 0;
};

struct PushResult {
  oci::Digest digest;
  std::vector<std::string> warnings;
};
// Copies an image into a registry: blobs it lacks, then the manifest.
Result<PushResult> push(Image& image, RegistryClient& registry, const oci::RepositoryName& repository,
                        const oci::Tag& tag, CopyProgress& progress);
// Copies an image into an OCI layout directory (created when absent), every byte verified, tagged `tag`. Several blobs
// and several parts of a large one come at once where the source can; what an earlier call left unfinished is gone on
// with.
Result<oci::Descriptor> write_layout(Image& image, const std::string& directory, const std::string& tag,
                                     CopyProgress& progress);

// "localhost", 127.0.0.0/8 as numbers and [::1], with or without port. A name such as 127.0.0.1.example is not.
bool is_loopback_host(std::string_view host);

// What `docker login` / `podman login` stored for a host: $REGISTRY_AUTH_FILE, $DOCKER_CONFIG, ~/.docker/config.json,
// $XDG_RUNTIME_DIR/containers/auth.json. nullopt where there is nothing.
std::optional<Credentials> stored_credentials(std::string_view host);
// Adds or replaces one host's entry in pratique's own file (0600).
Status store_credentials(std::string_view host, const Credentials& credentials);

}  // namespace pratique::transport
