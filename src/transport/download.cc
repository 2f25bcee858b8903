#include "transport/download.h"

#include <thread>

#include "base/format.h"
#include "transport/byte_queue.h"
#include "transport/streams.h"

namespace pratique::transport {

namespace {

// Configs and small layers are not worth a thread.
constexpr std::uint64_t kSmallBytesMax = 1 << 20;
// What may lie between network and reader; a few network buffers' worth.
constexpr std::size_t kQueueBytesMax = 4 << 20;
constexpr int kRepeatsMax = 5;  // of one blob: 40 GB over a bad line, not an endless fight

struct Target {
  std::shared_ptr<Session> session;
  std::string path;  // "/v2/…/blobs/sha256:…"
  std::string scope;
  std::uint64_t size;
  std::string name;  // for errors
};

Result<http::ClientResponse> ask(const Target& target, http::ClientRequest request, Repeat repeat) {
  request.url = target.path;
  return target.session->send(std::move(request), target.scope, repeat);
}

// One byte is asked for: a registry that answers with it can go on from there, others would begin at the front.
bool can_resume(const Target& target, std::uint64_t from) {
  http::ClientRequest request;
  request.headers.set("Range", format("bytes={}-{}", from, from));
  std::uint64_t seen = 0;
  request.sink = [&](Bytes bytes) -> Status {
    seen += bytes.size();
    return seen > 1 ? Status(invalid("the registry ignores ranges")) : Status();
  };
  auto response = ask(target, std::move(request), Repeat::Safely);
  if (!response.ok() || response->status != 206 || seen != 1) return false;
  return response->headers.find("Content-Range").value_or("").starts_with(format("bytes {}-{}/", from, from));
}

class Downloader {
 public:
  Downloader(Target target, ByteQueue& queue) : target_(std::move(target)), queue_(queue) {}

  Status run() {
    for (int repeats = 0;; ++repeats) {
      auto outcome = transfer();
      bool is_broken = !outcome.ok() && outcome.error().kind() == ErrorKind::Unavailable && !has_reader_left_;
      if (!is_broken || repeats == kRepeatsMax || received_ >= target_.size) return outcome;
      pause_before_repeat(repeats);
      if (received_ > 0 && !can_resume(target_, received_)) return outcome;
    }
  }

 private:
  Status transfer() {
    http::ClientRequest request;
    std::uint64_t from = received_;
    if (from > 0) request.headers.set("Range", format("bytes={}-{}", from, target_.size - 1));
    request.sink = [&](Bytes bytes) { return take(bytes); };
    // Not repeated inside the session: the queue would get the first bytes twice.
    auto response = TRY(ask(target_, std::move(request), Repeat::Never));
    if (response.status != (from > 0 ? 206 : 200)) return registry_error(response, "reading " + target_.name);
    if (received_ < target_.size) return unavailable(format("{} ended after {} bytes", target_.name, received_));
    return {};
  }

  Status take(Bytes bytes) {
    received_ += bytes.size();
    auto pushed = queue_.push(bytes);
    has_reader_left_ = !pushed.ok();
    return pushed;
  }

  Target target_;
  ByteQueue& queue_;
  std::uint64_t received_ = 0;
  bool has_reader_left_ = false;
};

class DownloadStream final : public BlobStream {
 public:
  explicit DownloadStream(Target target)
      : queue_(kQueueBytesMax), thread_([this, target = std::move(target)]() mutable {
          queue_.finish(Downloader(std::move(target), queue_).run());
        }) {}
  ~DownloadStream() override {
    queue_.leave();
    thread_.join();
  }
  Result<std::size_t> read(std::span<std::byte> buffer) override { return queue_.pull(buffer); }

 private:
  ByteQueue queue_;
  std::thread thread_;
};

// One range of a blob, which may take several transfers.
class RangeReader {
 public:
  RangeReader(Target target, std::uint64_t offset, std::uint64_t length, const std::function<Status(Bytes)>& sink)
      : target_(std::move(target)), next_(offset), end_(offset + length), sink_(sink) {}

  Status run() {
    for (int repeats = 0; next_ < end_; ++repeats) {
      auto outcome = transfer();
      if (outcome.ok()) continue;
      bool is_broken = outcome.error().kind() == ErrorKind::Unavailable && !is_sinks_fault_;
      if (!is_broken || repeats == kRepeatsMax) return outcome;
      pause_before_repeat(repeats);
    }
    return {};
  }

 private:
  Status transfer() {
    const std::uint64_t from = next_;
    http::ClientRequest request;
    request.headers.set("Range", format("bytes={}-{}", from, end_ - 1));
    bool is_whole_blob = false;
    request.sink = [&](Bytes bytes) -> Status {
      // More than was asked for: a registry that does not know ranges sends the blob from its front.
      is_whole_blob = bytes.size() > end_ - next_;
      if (is_whole_blob) return refused(target_.name + ": the registry ignores ranges");
      auto taken = sink_(bytes);
      is_sinks_fault_ = !taken.ok();
      if (taken.ok()) next_ += bytes.size();
      return taken;
    };
    auto response = TRY(ask(target_, std::move(request), Repeat::Never));
    if (response.status == 200) return refused(target_.name + ": the registry ignores ranges");
    if (response.status != 206) return registry_error(response, "reading " + target_.name);
    const auto given = response.headers.find("Content-Range").value_or("");
    if (!given.starts_with(format("bytes {}-", from))) return corrupt(target_.name + ": another range than asked for");
    if (next_ == from) return unavailable(target_.name + " ended early");
    return {};
  }

  const Target target_;
  std::uint64_t next_;
  const std::uint64_t end_;
  const std::function<Status(Bytes)>& sink_;
  bool is_sinks_fault_ = false;
};

Target target_of(std::shared_ptr<Session> session, const oci::RepositoryName& repository,
                 const oci::Descriptor& descriptor) {
  return {.session = std::move(session),
          .path = format("/v2/{}/blobs/{}", repository.text(), descriptor.digest.to_string()),
          .scope = scope_of(repository, Access::Pull),
          .size = descriptor.size,
          .name = descriptor.digest.short_text()};
}

}  // namespace

Status download_range(const std::shared_ptr<Session>& session, const oci::RepositoryName& repository,
                      const oci::Descriptor& descriptor, std::uint64_t offset, std::uint64_t length,
                      const std::function<Status(Bytes)>& sink) {
  return RangeReader(target_of(session, repository, descriptor), offset, length, sink).run();
}

Result<std::unique_ptr<BlobStream>> download(std::shared_ptr<Session> session, const oci::RepositoryName& repository,
                                             const oci::Descriptor& descriptor) {
  auto target = target_of(std::move(session), repository, descriptor);
  if (descriptor.size > kSmallBytesMax)
    return std::unique_ptr<BlobStream>(std::make_unique<DownloadStream>(std::move(target)));
  std::string bytes;
  http::ClientRequest request;
  auto response = TRY(ask(target, std::move(request), Repeat::Safely));
  if (response.status != 200) return registry_error(response, "reading " + target.name);
  return memory_stream(std::move(response.body));
}

}  // namespace pratique::transport
