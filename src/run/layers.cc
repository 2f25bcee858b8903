#include "run/layers.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/format.h"
#include "base/random.h"
#include "os/file.h"
#include "run/extract.h"
#include "run/layer_stream.h"
#include "run/owner.h"

namespace pratique::run {

namespace {

constexpr std::string_view kUnfinishedPrefix = "unfinished-";

std::string layers_of(const std::string& directory) {
  return directory + "/layers";
}

std::string name_of(const oci::Digest& diff_id) {
  auto algorithm = diff_id.algorithm() == oci::Algorithm::Sha512 ? "sha512" : "sha256";
  return format("{}-{}", algorithm, diff_id.encoded());
}

// Removes the directory unless it was kept.
class Unfinished {
 public:
  static Result<Unfinished> create(const std::string& layers) {
    auto path = format("{}/{}", layers, owned_name(format("{}{}", kUnfinishedPrefix, random_hex(6))));
    if (::mkdir(path.c_str(), 0755) != 0) return from_errno("making " + path, errno);
    return Unfinished(std::move(path));
  }
  ~Unfinished() {
    if (!path_.empty()) (void)os::remove_tree(path_);
  }
  Unfinished(Unfinished&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Unfinished& operator=(Unfinished&&) = delete;
  const std::string& path() const { return path_; }

  // Makes it visible. Another job that was faster has verified the same bytes; then ours is dropped.
  Status keep_as(const std::string& target) {
    if (::rename(path_.c_str(), target.c_str()) == 0) {
      path_.clear();
      return {};
    }
    if (errno == EEXIST || errno == ENOTEMPTY) return {};
    return from_errno("renaming " + path_, errno);
  }

 private:
  explicit Unfinished(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

Result<Extraction> unpack(const std::string& layers, const std::string& target, const oci::Descriptor& descriptor,
                          const oci::Digest& diff_id, const BlobOpener& blobs) {
  auto stream = TRY(LayerStream::open(TRY(blobs(descriptor)), descriptor, diff_id));
  auto unfinished = TRY(Unfinished::create(layers));
  os::Fd root(::open(unfinished.path().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!root.is_open()) return from_errno("opening " + unfinished.path(), errno);
  TarReader tar([&](std::span<std::byte> buffer) { return stream.read(buffer); });
  auto extraction = TRY(extract_layer(tar, root));
  // Only now is it known that these were the right bytes.
  TRY(stream.finish());
  // After a power cut a name without its content would look like a verified layer.
  if (::syncfs(root.get()) != 0) return from_errno("syncing an unpacked layer", errno);
  TRY(unfinished.keep_as(target));
  TRY(os::sync_directory(layers));
  return extraction;
}

}  // namespace

Result<UnpackedLayers> unpack_layers(const std::string& directory, const std::vector<oci::Descriptor>& layers,
                                     const std::vector<oci::Digest>& diff_ids, const BlobOpener& blobs) {
  if (layers.size() != diff_ids.size()) {
    return invalid(format("the image has {} layers but its configuration names {}", layers.size(), diff_ids.size()));
  }
  auto store = layers_of(directory);
  // 0700 for all above it: the tree holds programs with the images' set-id bits, which nobody here may start.
  TRY(os::make_directories(store));
  UnpackedLayers result;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    auto target = format("{}/{}", store, name_of(diff_ids[i]));
    if (!os::exists(target)) {
      auto extraction = TRY(unpack(store, target, layers[i], diff_ids[i], blobs)
                                .with_context(format("unpacking layer {}", layers[i].digest.short_text())));
      if (extraction.devices_left_out > 0) {
        result.notes.push_back(format("layer {}: {} device nodes were left out", layers[i].digest.short_text(),
                                      extraction.devices_left_out));
      }
    }
    result.directories.push_back(std::move(target));
  }
  return result;
}

Status sweep_layers(const std::string& directory) {
  auto store = layers_of(directory);
  for (const auto& name : os::list_directory(store)) {
    if (!name.starts_with(kUnfinishedPrefix) || owner_is_alive(name)) continue;
    TRY(os::remove_tree(format("{}/{}", store, name)));
  }
  return {};
}

}  // namespace pratique::run
