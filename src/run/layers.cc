#include "run/layers.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <system_error>
#include <thread>

#include "base/format.h"
#include "base/random.h"
#include "os/file.h"
#include "os/owner.h"
#include "run/extract.h"
#include "run/layer_stream.h"

namespace pratique::run {

namespace {

constexpr std::string_view kUnfinishedPrefix = "unfinished-";
constexpr int kObtainAttempts = 5;
constexpr std::size_t kWorkersMax = 8;  // more wait for the same disk

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
    auto path = format("{}/{}", layers, os::owned_name(format("{}{}", kUnfinishedPrefix, random_hex(6))));
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

// In use while somebody holds a shared lock on its directory; removed only under an exclusive one. The name is looked
// up again after locking, because the directory may have been removed, or made anew, in between.
Result<os::Fd> lock_layer(const std::string& target) {
  os::Fd fd(::open(target.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.is_open()) return from_errno("opening " + target, errno);
  if (::flock(fd.get(), LOCK_SH) != 0) return from_errno("locking " + target, errno);
  struct stat held, named;
  bool is_same = ::fstat(fd.get(), &held) == 0 && ::stat(target.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
                 held.st_dev == named.st_dev;
  if (!is_same) return not_found(target + " was removed");
  return fd;
}

struct Wanted {
  const oci::Descriptor* descriptor;
  const oci::Digest* diff_id;
  std::string target;
  os::Fd lock;
  std::string note;
};

Status obtain(const std::string& store, Wanted& layer, const BlobOpener& blobs) {
  // Twice is enough: it is removed again only by a run that ended in the blink between our rename and our lock.
  for (int attempt = 0; attempt < kObtainAttempts; ++attempt) {
    if (auto lock = lock_layer(layer.target)) {
      layer.lock = std::move(*lock);
      return {};
    }
    auto extraction = TRY(unpack(store, layer.target, *layer.descriptor, *layer.diff_id, blobs)
                              .with_context(format("unpacking layer {}", layer.descriptor->digest.short_text())));
    if (extraction.devices_left_out > 0) {
      layer.note = format("layer {}: {} device nodes were left out", layer.descriptor->digest.short_text(),
                          extraction.devices_left_out);
    }
  }
  return unavailable(format("layer {} is removed again and again", layer.descriptor->digest.short_text()));
}

// Layers do not depend on each other until they are stacked. The first error ends the others' turn.
Status obtain_all(const std::string& store, std::vector<Wanted>& layers, const BlobOpener& blobs) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::optional<Error> failure;
  auto work = [&] {
    for (std::size_t i = next++; i < layers.size(); i = next++) {
      auto done = obtain(store, layers[i], blobs);
      if (done.ok()) continue;
      std::lock_guard held(mutex);
      if (!failure) failure = done.error();
      next = layers.size();
    }
  };
  std::vector<std::thread> helpers;
  auto count = std::min<std::size_t>({layers.size(), std::thread::hardware_concurrency(), kWorkersMax});
  try {
    while (helpers.size() + 1 < count) helpers.emplace_back(work);
  } catch (const std::system_error&) {
    // Fewer hands then.
  }
  work();
  for (auto& helper : helpers) helper.join();
  return failure ? Status(*failure) : Status();
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
  std::vector<Wanted> wanted;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    wanted.push_back({&layers[i], &diff_ids[i], format("{}/{}", store, name_of(diff_ids[i])), os::Fd(), ""});
  }
  TRY(obtain_all(store, wanted, blobs));
  UnpackedLayers result;
  for (auto& layer : wanted) {
    if (!layer.note.empty()) result.notes.push_back(std::move(layer.note));
    result.directories.push_back(std::move(layer.target));
    result.locks.push_back(std::move(layer.lock));
  }
  return result;
}

Status remove_unused_layers(const std::string& directory, const std::vector<std::string>& layers) {
  for (const auto& target : layers) {
    os::Fd fd(::open(target.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.is_open() || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) continue;
    // Renamed first: a half-removed layer must not carry the name of a verified one.
    auto grave =
        format("{}/{}", layers_of(directory), os::owned_name(format("{}{}", kUnfinishedPrefix, random_hex(6))));
    if (::rename(target.c_str(), grave.c_str()) != 0) {
      if (errno == ENOENT) continue;
      return from_errno("removing " + target, errno);
    }
    TRY(os::remove_tree(grave));
  }
  return {};
}

Status sweep_layers(const std::string& directory) {
  auto store = layers_of(directory);
  for (const auto& name : os::list_directory(store)) {
    if (!name.starts_with(kUnfinishedPrefix) || os::owner_is_alive(name)) continue;
    TRY(os::remove_tree(format("{}/{}", store, name)));
  }
  return {};
}

}  // namespace pratique::run
