// Copying images into a registry, three blobs at a time.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "base/format.h"
#include "transport/stored_image.h"

namespace pratique::transport {

namespace {

constexpr int kParallelBlobs = 3;  // as docker and containerd; more only fight for the same line

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

}  // namespace pratique::transport
