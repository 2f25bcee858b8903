// Copying an image into a layout directory: blobs, and pieces of large ones, several at a time.
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "base/format.h"
#include "base/json.h"
#include "os/file.h"
#include "transport/layout.h"
#include "transport/part_file.h"
#include "transport/stored_image.h"
#include "transport/streams.h"

namespace pratique::transport {

namespace {

// One transfer seldom fills a line with a long delay; more than a handful only fight for it.
constexpr int kParallelTransfers = 4;
// Below this a blob is one transfer.
constexpr std::uint64_t kWholeBytesMax = 2 * kPieceBytes;

// A blob on its way in.
struct Incoming {
  explicit Incoming(const oci::Descriptor& blob_, std::string path_) : blob(blob_), path(std::move(path_)) {}
  const oci::Descriptor blob;
  const std::string path;
  std::optional<PartFile> part;  // of a large blob
  std::atomic<std::size_t> pieces_left = 0;
  std::mutex mutex;                  // of what is below
  std::optional<bool> gives_pieces;  // once the source was asked
  bool is_taken = false;             // a source without pieces: one thread takes it all
};

struct Task {
  Incoming* incoming;
  std::optional<std::size_t> piece;  // nullopt: the whole blob
};

class LayoutFetch {
 public:
  LayoutFetch(Image& image, const std::string& directory, CopyProgress& progress)
      : image_(image), directory_(directory), progress_(progress) {}

  Status run() {
    std::uint64_t total = 0;
    const auto blobs = blobs_of(image_);
    for (const auto& blob : blobs) total += blob.size;
    progress_.begin(format("{} blobs", blobs.size()), total);
    auto outcome = fetch(blobs);
    progress_.end(outcome.ok() ? format("{} fetched, {} already there", blobs.size() - there_, there_) : "failed");
    return outcome;
  }

 private:
  Status fetch(const std::vector<oci::Descriptor>& blobs) {
    for (const auto& blob : blobs) TRY(plan(blob));
    std::vector<std::thread> threads;
    for (int i = 0; i < kParallelTransfers; ++i) threads.emplace_back([this] { work(); });
    for (auto& thread : threads) thread.join();
    return error_ ? Status(*error_) : Status();
  }

  Status plan(const oci::Descriptor& blob) {
    const std::string path = directory_ + "/" + blob_path(blob.digest);
    if (is_there(path, blob)) {
      ++there_;
      progress_.advance(blob.size);
      return {};
    }
    auto incoming = std::make_unique<Incoming>(blob, path);
    if (blob.size <= kWholeBytesMax)
      tasks_.push_back({incoming.get(), std::nullopt});
    else
      TRY(plan_pieces(*incoming));
    incoming_.push_back(std::move(incoming));
    return {};
  }

  Status plan_pieces(Incoming& incoming) {
    incoming.part = TRY(PartFile::open(incoming.path, incoming.blob));
    std::vector<std::size_t> missing;
    for (std::size_t piece = 0; piece < incoming.part->pieces(); ++piece) {
      if (incoming.part->has(piece))
        progress_.advance(incoming.part->length_of(piece));
      else
        missing.push_back(piece);
    }
    // All there, but never looked at as a whole: the last run ended in between.
    if (missing.empty()) return incoming.part->commit();
    incoming.pieces_left = missing.size();
    for (auto piece : missing) tasks_.push_back({&incoming, piece});
    return {};
  }

  // A file under the blob's name that is the blob: an earlier pull's.
  static bool is_there(const std::string& path, const oci::Descriptor& blob) {
    auto file = os::open_for_reading(path);
    if (!file.ok()) return false;
    auto size = os::file_size(*file);
    if (!size.ok() || *size != blob.size) return false;
    auto stream = file_stream(*file, 0, *size);
    if (!stream.ok()) return false;
    auto measured = measure(*verified(std::move(*stream), blob));
    return measured.ok();
  }

  void work() {
    for (;;) {
      const std::size_t number = next_++;
      if (number >= tasks_.size() || has_failed_) return;
      auto outcome = fetch_task(tasks_[number]);
      if (outcome.ok()) continue;
      std::lock_guard lock(mutex_);
      has_failed_ = true;
      if (!error_) error_ = outcome.error();
    }
  }

  Status fetch_task(const Task& task) {
    auto& incoming = *task.incoming;
    if (!task.piece) return fetch_whole(incoming);
    if (!TRY(gives_pieces(incoming))) return fetch_without_pieces(incoming);
    TRY(fetch_piece(incoming, *task.piece));
    return --incoming.pieces_left == 0 ? incoming.part->commit() : Status();
  }

  // Asked once a blob, for one byte: what comes from a source that ignores the question must not be written anywhere.
  Result<bool> gives_pieces(Incoming& incoming) {
    std::lock_guard lock(incoming.mutex);
    if (incoming.gives_pieces) return *incoming.gives_pieces;
    auto asked = image_.read_range(incoming.blob, 1, 1, [](Bytes) { return Status(); });
    if (!asked.ok() && asked.error().kind() != ErrorKind::Refused) return asked.error();
    incoming.gives_pieces = asked.ok();
    return asked.ok();
  }

  Status fetch_piece(Incoming& incoming, std::size_t piece) {
    const auto& part = *incoming.part;
    std::uint64_t at = part.offset_of(piece);
    auto sink = [&](Bytes bytes) -> Status {
      if (has_failed_) return unavailable("another transfer failed");
      TRY(part.write(bytes, at));
      at += bytes.size();
      advance(bytes.size());
      return {};
    };
    TRY(image_.read_range(incoming.blob, part.offset_of(piece), part.length_of(piece), sink));
    return part.mark(piece);
  }

  // The first thread takes all of the blob; those that come later find it taken.
  Status fetch_without_pieces(Incoming& incoming) {
    {
      std::lock_guard lock(incoming.mutex);
      if (std::exchange(incoming.is_taken, true)) return {};
    }
    auto stream = TRY(image_.open_blob(incoming.blob));
    std::string buffer(kCopyStep, '\0');
    const auto room = std::as_writable_bytes(std::span(buffer));
    for (std::uint64_t at = 0;;) {
      const auto got = TRY(stream->read(room));
      if (got == 0) break;
      TRY(incoming.part->write(room.first(got), at));
      at += got;
      advance(got);
    }
    return incoming.part->commit();
  }

  Status fetch_whole(const Incoming& incoming) {
    auto stream = TRY(image_.open_blob(incoming.blob));
    auto file = TRY(os::AtomicFile::create(incoming.path, 0644));
    std::string buffer(kCopyStep, '\0');
    const auto room = std::as_writable_bytes(std::span(buffer));
    for (;;) {
      const auto got = TRY(stream->read(room));
      if (got == 0) break;
      TRY(file.write(room.first(got)));
      advance(got);
    }
    return file.commit();
  }

  void advance(std::uint64_t bytes) {
    std::lock_guard lock(mutex_);
    progress_.advance(bytes);
  }

  Image& image_;
  const std::string& directory_;
  CopyProgress& progress_;
  std::vector<std::unique_ptr<Incoming>> incoming_;
  std::vector<Task> tasks_;
  std::size_t there_ = 0;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> has_failed_{false};
  std::mutex mutex_;
  std::optional<Error> error_;  // guarded by mutex_ while threads run
};

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

Result<oci::Descriptor> write_layout(Image& image, const std::string& directory, const std::string& tag,
                                     CopyProgress& progress) {
  TRY(os::make_directories(directory + "/blobs/sha256"));
  for (const auto& blob : blobs_of(image)) {
    if (blob.digest.algorithm() == oci::Algorithm::Sha512) TRY(os::make_directories(directory + "/blobs/sha512"));
  }
  TRY(LayoutFetch(image, directory, progress).run());
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
