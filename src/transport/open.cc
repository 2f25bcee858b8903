// The table of transports, and what a bare path is.
#include <sys/stat.h>

#include <array>

#include "base/format.h"
#include "base/text.h"
#include "os/file.h"
#include "transport/archive_file.h"
#include "transport/daemon.h"
#include "transport/directory.h"
#include "transport/docker_archive.h"
#include "transport/layout.h"
#include "transport/streams.h"
#include "transport/target.h"

namespace pratique::transport {

namespace {

using Opened = Result<std::unique_ptr<Image>>;

Opened open_oci(const std::string& rest, const OpenOptions& options) {
  auto [path, name] = split_path_and_name(rest, os::exists);
  auto tree = TRY(directory_tree(path));
  return open_layout(std::move(tree), name, options.platform).with_context(path);
}

Result<std::unique_ptr<Tree>> open_archive_tree(const std::string& path) {
  auto file = TRY(open_archive(path));
  auto index = TRY(TarIndex::read(file).with_context(path));
  return archive_tree(std::move(file), std::move(index));
}

Opened open_oci_archive(const std::string& rest, const OpenOptions& options) {
  auto [path, name] = split_path_and_name(rest, os::exists);
  auto tree = TRY(open_archive_tree(path));
  if (!has_file(*tree, kLayoutFile) && has_file(*tree, kDockerManifestFile)) {
    return invalid(format("{} was written by docker save: use docker-archive:", path));
  }
  return open_layout(std::move(tree), name, options.platform).with_context(path);
}

Opened open_docker_archive(const std::string& rest, const OpenOptions& options) {
  auto [path, name] = split_path_and_name(rest, os::exists);
  auto tree = TRY(open_archive_tree(path));
  return open_docker_tree(std::move(tree), name, options.platform).with_context(path);
}

Opened open_dir(const std::string& rest, const OpenOptions& options) {
  return open_directory(rest, options.platform);
}

class RegistryBlobs final : public BlobSource {
 public:
  RegistryBlobs(std::unique_ptr<RegistryClient> client, oci::RepositoryName repository)
      : client_(std::move(client)), repository_(std::move(repository)) {}
  Result<std::unique_ptr<BlobStream>> open(const oci::Descriptor& descriptor) const override {
    if (!oci::is_manifest_type(descriptor.media_type) && !oci::is_index_type(descriptor.media_type)) {
      return client_->open_blob(repository_, descriptor);
    }
    auto answer = TRY(client_->get_manifest(repository_, descriptor.digest));
    return memory_stream(std::move(answer.bytes));
  }
  Status read_range(const oci::Descriptor& descriptor, std::uint64_t offset, std::uint64_t length,
                    const std::function<Status(Bytes)>& sink) const override {
    return client_->read_range(repository_, descriptor, offset, length, sink);
  }

 private:
  std::unique_ptr<RegistryClient> client_;
  oci::RepositoryName repository_;
};

Opened open_registry(const std::string& rest, const OpenOptions& options) {
  if (!rest.starts_with("//")) return invalid("a registry is named docker://HOST/REPOSITORY[:TAG]");
  auto reference = TRY(oci::Reference::parse(std::string_view(rest).substr(2)));
  auto credentials = options.credentials ? options.credentials : stored_credentials(reference.registry);
  auto client = std::make_unique<RegistryClient>(RegistryClient::Options{.host = reference.registry,
                                                                         .credentials = std::move(credentials),
                                                                         .plain_http = options.plain_http,
                                                                         .verify_tls = options.verify_tls});
  // Tag and digest: the digest is what is meant, the tag is for people.
  auto wanted = reference.digest ? oci::ManifestReference(*reference.digest) : oci::ManifestReference(*reference.tag);
  auto answer = TRY(client->get_manifest(reference.repository, wanted));
  RegistryBlobs source(std::move(client), reference.repository);
  auto document = TRY(resolve(std::move(answer.bytes), answer.media_type, options.platform, source)
                          .with_context(reference.to_string()));
  return make_image(std::move(document), std::make_unique<RegistryBlobs>(std::move(source)));
}

Opened open_docker_daemon(const std::string& rest, const OpenOptions& options) {
  return open_daemon(rest, options);
}
Opened open_storage(const std::string& rest, const OpenOptions& options) {
  return open_containers_storage(rest, options);
}

struct Row {
  std::string_view prefix;
  Opened (*open)(const std::string& rest, const OpenOptions& options);
};
constexpr std::array kTransports{
    Row{"oci", open_oci},
    Row{"oci-archive", open_oci_archive},
    Row{"docker-archive", open_docker_archive},
    Row{"docker-daemon", open_docker_daemon},
    Row{"docker", open_registry},
    Row{"containers-storage", open_storage},
    Row{"dir", open_dir},
};

constexpr std::string_view kForms =
    "oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:REF], docker-daemon:REF, docker://REF, "
    "containers-storage:REF, dir:PATH, or a path that exists";

Opened open_path(const std::string& path, const OpenOptions& options) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) return from_errno("looking at " + path, errno);
  if (S_ISDIR(info.st_mode)) {
    return os::exists(path + "/" + kLayoutFile) ? open_oci(path, options) : open_dir(path, options);
  }
  auto tree = TRY(open_archive_tree(path));
  if (has_file(*tree, kLayoutFile)) return open_layout(std::move(tree), "", options.platform).with_context(path);
  if (has_file(*tree, kDockerManifestFile)) {
    return open_docker_tree(std::move(tree), "", options.platform).with_context(path);
  }
  return invalid(
      format("{} is an archive of neither docker save nor an OCI layout; a root file system can be unpacked "
             "and read with dir:PATH",
             path));
}

}  // namespace

Result<std::unique_ptr<Image>> open(std::string_view target, const OpenOptions& options) {
  auto parts = cut(target, ":");
  for (const auto& row : kTransports) {
    if (!parts || parts->first != row.prefix) continue;
    if (parts->second.empty()) return invalid(format("\"{}\" names no image; forms are {}", printable(target), kForms));
    return row.open(std::string(parts->second), options);
  }
  if (os::exists(std::string(target))) return open_path(std::string(target), options);
  if (oci::Reference::parse(target).ok()) {
    return invalid(format("\"{}\" is no file; for a registry write docker://{}. Forms are {}", target, target, kForms));
  }
  return invalid(format("\"{}\" is no image; forms are {}", printable(target), kForms));
}

}  // namespace pratique::transport
