// Copying images: into a registry, three blobs at a time, and into a layout directory.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "base/format.h"
#include "base/json.h"
#include "os/file.h"
#include "transport/layout.h"
#include "transport/streams.h"

namespace pratique::transport {

namespace {

constexpr int kParallelBlobs = 3;  // as docker and containerd; more only fight for the same line

// The blobs of an image once each, config last: a registry that sees the config has seen the layers.
std::vector<oci::Descriptor> blobs_of(const Image& image) {
  auto blobs = oci::references_of(oci::ParsedManifest(image.manifest())).blobs;
  if (!blobs.empty()) std::rotate(blobs.begin(), blobs.begin() + 1, blobs.end());
  return blobs;
}

// Takes blobs off one list with several threads; the first error ends it.
class BlobPusher {
 public:
  BlobPusher(Image& image, RegistryClient& registry, const oci::RepositoryName& repository, CopyProgress& progress)
      : image_(image), registry_(registry), repository_(repository), progress_(progress), blobs_(blobs_of(image)) {}

  Status run() {
    std::uint64_t total = 0;
    for (const auto& blob : blobs_) total += blob.size;
    progress_.begin(format("{} blobs", blobs_.size()), total);
    std::vector<std::thread> threads;
    for (int i = 0; i < kParallelBlobs; ++i) threads.emplace_back([this] { work(); });
    for (auto& thread : threads) thread.join();
    progress_.end(error_ ? "failed" : format("{} sent, {} already there", sent_, blobs_.size() - sent_));
    return error_ ? Status(*error_) : Status();
  }

 private:
  void work() {
    for (;;) {
      std::size_t number = next_++;
      if (number >= blobs_.size() || has_failed_) return;
      auto outcome = push(blobs_[number]);
      if (outcome.ok()) continue;
      std::lock_guard lock(mutex_);
      has_failed_ = true;
      if (!error_) error_ = outcome.error();
    }
  }

  Status push(const oci::Descriptor& blob) {
    if (TRY(registry_.has_blob(repository_, blob.digest))) {
      advance(blob.size);
      return {};
    }
    auto open = [&] { return image_.open_blob(blob); };
    TRY(registry_.push_blob(repository_, blob, open, [&](std::uint64_t bytes) { advance(bytes); }));
    ++sent_;
    return {};
  }

  void advance(std::uint64_t bytes) {
    std::lock_guard lock(mutex_);
    progress_.advance(bytes);
  }

  Image& image_;
  RegistryClient& registry_;
  const oci::RepositoryName& repository_;
  CopyProgress& progress_;
  const std::vector<oci::Descriptor> blobs_;
  std::atomic<std::size_t> next_{0}, sent_{0};
  std::atomic<bool> has_failed_{false};
  std::mutex mutex_;
  std::optional<Error> error_;  // guarded by mutex_ while threads run
};

Status write_blob(const std::string& directory, const oci::Descriptor& blob, BlobStream& stream,
                  CopyProgress& progress) {
  auto file = TRY(os::AtomicFile::create(directory + "/" + blob_path(blob.digest), 0644));
  std::string buffer(kCopyStep, '\0');
  for (;;) {
    auto room = std::as_writable_bytes(std::span(buffer));
    std::size_t got = TRY(stream.read(room));
    if (got == 0) break;
    TRY(file.write(room.first(got)));
    progress.advance(got);
  }
  return file.commit();
}

Status write_one(Image& image, const std::string& directory, const oci::Descriptor& blob, const std::string& what,
                 CopyProgress& progress) {
  progress.begin(what, blob.size);
  auto outcome = [&]() -> Status {
    auto stream = TRY(image.open_blob(blob));
    return write_blob(directory, blob, *stream, progress);
  }();
  progress.end(outcome.ok() ? "done" : "failed");
  return outcome;
}

Json entry_json(const oci::Descriptor& descriptor) {
  Json annotations = Json::object(), json = Json::object();
  for (const auto& [key, value] : descriptor.annotations) annotations.set(key, value);
  json.set("mediaType", descriptor.media_type).set("digest", descriptor.digest.to_string());
  return json.set("size", descriptor.size).set("annotations", std::move(annotations));
}

// The index.json with `entry` in it: other tags stay as they are, the same tag is replaced.
Result<std::string> index_with(const std::string& path, const oci::Descriptor& entry, const std::string& tag) {
  Json old = Json::object();
  if (os::exists(path)) {
    auto text = TRY(os::read_file(path, oci::kManifestBytesMax));
    TRY(oci::parse_manifest(text, oci::media_type::kOciIndex).with_context(path));
    old = TRY(parse_json(text));
  }
  Json list = Json::array();
  for (const auto& item : old["manifests"].items()) {
    if (item["annotations"]["org.opencontainers.image.ref.name"].text() != tag) list.push(item);
  }
  list.push(entry_json(entry));
  old.set("schemaVersion", 2).set("mediaType", oci::media_type::kOciIndex).set("manifests", std::move(list));
  return old.dump();
}

}  // namespace

Result<PushResult> push(Image& image, RegistryClient& registry, const oci::RepositoryName& repository,
                        const oci::Tag& tag, CopyProgress& progress) {
  TRY(BlobPusher(image, registry, repository, progress).run());
  progress.begin("manifest", image.manifest_bytes().size());
  auto answer = registry.push_manifest(repository, tag, image.manifest_bytes(), image.manifest_type());
  if (answer.ok()) progress.advance(image.manifest_bytes().size());
  progress.end(answer.ok() ? "accepted" : "refused");
  auto warnings = TRY(std::move(answer));
  return PushResult{image.digest(), std::move(warnings)};
}

Result<oci::Descriptor> write_layout(Image& image, const std::string& directory, const std::string& tag,
                                     CopyProgress& progress) {
  auto blobs = blobs_of(image);
  TRY(os::make_directories(directory + "/blobs/sha256"));
  for (const auto& blob : blobs) {
    if (blob.digest.algorithm() == oci::Algorithm::Sha512) TRY(os::make_directories(directory + "/blobs/sha512"));
  }
  for (std::size_t i = 0; i < blobs.size(); ++i) {
    auto what = i + 1 == blobs.size() ? std::string("config") : format("layer {} of {}", i + 1, blobs.size() - 1);
    TRY(write_one(image, directory, blobs[i], what, progress));
  }
  oci::Descriptor entry{.media_type = image.manifest_type(),
                        .digest = image.digest(),
                        .size = image.manifest_bytes().size(),
                        .annotations = {{"org.opencontainers.image.ref.name", tag}}};
  TRY(os::write_file(directory + "/" + blob_path(entry.digest), image.manifest_bytes(), 0644));
  // The index last: what it names is already there, whenever the power fails.
  TRY(os::write_file(directory + "/" + kLayoutFile, R"({"imageLayoutVersion":"1.0.0"})", 0644));
  auto index = TRY(index_with(directory + "/" + kIndexFile, entry, tag));
  TRY(os::write_file(directory + "/" + kIndexFile, index, 0644));
  return entry;
}

}  // namespace pratique::transport
