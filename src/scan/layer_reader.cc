#include "scan/layer_reader.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/format.h"
#include "base/text.h"
#include "scan/extractors/extractors.h"

namespace pratique::scan {

namespace {

// Large enough that a hand-over costs nothing beside inflating it, small enough that eight stay in the second cache.
constexpr std::size_t kBufferBytes = 256 << 10;
constexpr std::size_t kBuffers = 8;

// Records are handed on in pieces of about a pipe's default size.
constexpr std::size_t kRecordsBytes = 64 << 10;

// A layer of a million bad entries is one problem, not a million.
constexpr std::size_t kGapsPerLayerMax = 200;

}  // namespace

// A ring: commit() moves `committed` on, the thread moves `hashed` after it, acquire() waits while the ring is full.
struct DigestingOutput::Hashing {
  std::mutex mutex;
  std::condition_variable changed;
  std::array<std::size_t, kBuffers> counts{};
  std::size_t committed = 0;
  std::size_t hashed = 0;
  bool started = false;
  bool ending = false;
  std::thread thread;

  void run(const std::byte* buffers, Sha256& hasher) {
    std::unique_lock lock(mutex);
    started = true;
    changed.notify_all();
    for (;;) {
      changed.wait(lock, [this] { return hashed < committed || ending; });
      if (hashed == committed) return;
      auto slot = hashed % kBuffers;
      auto count = counts[slot];
      lock.unlock();
      hasher.update({buffers + slot * kBufferBytes, count});
      lock.lock();
      ++hashed;
      changed.notify_all();
    }
  }
  void wait_until_hashed() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return hashed == committed; });
  }
};

DigestingOutput::DigestingOutput(Threads threads, std::function<void(Bytes)> next) : next_(std::move(next)) {
  if (threads == Threads::One) {
    buffers_ = std::make_unique_for_overwrite<std::byte[]>(kBufferBytes);
    return;
  }
  buffers_ = std::make_unique_for_overwrite<std::byte[]>(kBufferBytes * kBuffers);
  hashing_ = std::make_unique<Hashing>();
  hashing_->thread = std::thread([this] { hashing_->run(buffers_.get(), hasher_); });
  // A thread registers with the kernel when it first runs, with calls the sandbox forbids: so not after it is entered.
  std::unique_lock lock(hashing_->mutex);
  hashing_->changed.wait(lock, [this] { return hashing_->started; });
}

DigestingOutput::~DigestingOutput() {
  if (!hashing_) return;
  {
    std::lock_guard lock(hashing_->mutex);
    hashing_->ending = true;
  }
  hashing_->changed.notify_all();
  hashing_->thread.join();
}

std::span<std::byte> DigestingOutput::acquire() {
  if (!hashing_) return {buffers_.get(), kBufferBytes};
  std::unique_lock lock(hashing_->mutex);
  hashing_->changed.wait(lock, [this] { return hashing_->committed - hashing_->hashed < kBuffers; });
  current_ = hashing_->committed % kBuffers;
  return {buffers_.get() + current_ * kBufferBytes, kBufferBytes};
}

void DigestingOutput::commit(std::size_t count) {
  if (count == 0) return;
  Bytes bytes(buffers_.get() + current_ * kBufferBytes, count);
  if (!hashing_) {
    hasher_.update(bytes);
    return next_(bytes);
  }
  {
    std::lock_guard lock(hashing_->mutex);
    hashing_->counts[current_] = count;
    // Hashing may start now; the buffer is not given out again before the ring has gone round, and this thread is the
    // only one that asks.
    ++hashing_->committed;
  }
  hashing_->changed.notify_all();
  next_(bytes);
}

Sha256::Sum DigestingOutput::sum() {
  if (hashing_) hashing_->wait_until_hashed();
  return hasher_.sum();
}

LayerReader::LayerReader(const Limits& limits, DigestingOutput::Threads threads, Sink sink)
    : limits_(limits),
      sink_(std::move(sink)),
      tar_(limits_, *this),
      output_(threads, [this](Bytes bytes) { tar_.feed(bytes); }),
      inflater_(limits_, output_) {}

void LayerReader::feed(Bytes compressed) {
  if (stopped_) return;
  if (auto problem = inflater_.feed(compressed)) return stop(*problem);
  if (tar_.is_foreign()) stopped_ = true;
}

// The uncompressed bytes are not known to their end, so neither is the diffID.
void LayerReader::stop(const Problem& problem) {
  if (!tar_.is_foreign()) on_gap({problem.code, "", problem.reason});
  stopped_ = true;
}

void LayerReader::finish() {
  if (!stopped_)
    if (auto problem = inflater_.finish()) stop(*problem);
  // A stream that broke off says so itself; the archive's missing end would only repeat it.
  if (!stopped_) tar_.finish();
  LayerEnd end{.is_layer = !tar_.is_foreign()};
  // Of what is no layer only the start was read, how much depends on the pieces it came in.
  if (end.is_layer) end.uncompressed_bytes = inflater_.output_bytes();
  if (!stopped_ && end.is_layer) end.diff_id = output_.sum();
  writer_.end(end);
  give();
}

TarVisitor::Data LayerReader::on_entry(FileEntry entry, bool is_sparse) {
  writer_.entry(entry);
  ++entries_;
  if (records_.size() > kRecordsBytes) give();
  const auto* extractor = entry.type == FileType::Regular ? extractor_for(entry.path) : nullptr;
  if (!extractor) return Data::Unwanted;
  if (extractor->file_bytes_max > 0) return on_source(*extractor, std::move(entry), is_sparse);
  // Where such a file counts, merge() finds it unread and says so.
  if (is_sparse) return Data::Unwanted;
  if (entry.size > limits_.kept_file_bytes_max || kept_bytes_ + entry.size > limits_.kept_bytes_max) {
    on_gap(
        {"limit", printable(entry.path), format("the file has {} bytes, more than is read of its kind", entry.size)});
    return Data::Unwanted;
  }
  kept_bytes_ += entry.size;
  kept_path_ = std::move(entry.path);
  kept_.clear();
  return Data::Wanted;
}

// What only advises has its own room: it must not keep a package database from being read.
TarVisitor::Data LayerReader::on_source(const Extractor& extractor, FileEntry entry, bool is_sparse) {
  if (is_sparse || entry.size > extractor.file_bytes_max || source_bytes_ + entry.size > extractor.layer_bytes_max) {
    Extract unread{.entry = entries_ - 1, .extractor = std::string(extractor.name)};
    unread.notes.push_back({NoteKind::UnreadSource, 0, human_bytes(entry.size)});
    writer_.extract(unread);
    return Data::Unwanted;
  }
  source_bytes_ += entry.size;
  kept_path_ = std::move(entry.path);
  kept_.clear();
  return Data::Wanted;
}

void LayerReader::on_data(Bytes bytes) {
  kept_ += as_text(bytes);
}

void LayerReader::on_data_end() {
  const auto* extractor = extractor_for(kept_path_);
  CHECK(extractor != nullptr, "kept a file nobody wants");
  Extract extract{.entry = entries_ - 1, .extractor = std::string(extractor->name)};
  extractor->extract(kept_path_, kept_, extract);
  writer_.extract(extract);
  kept_.clear();
  kept_.shrink_to_fit();
}

void LayerReader::on_gap(Gap gap) {
  if (++gaps_ > kGapsPerLayerMax) return;
  if (gaps_ == kGapsPerLayerMax) gap = {"limit", "", "there are more problems in this layer than are listed"};
  writer_.gap(gap);
}

void LayerReader::give() {
  sink_(records_);
  records_.clear();
}

LayerInventory read_layer(Bytes compressed, const oci::Digest& blob, const Limits& limits) {
  std::string records;
  LayerReader reader(limits, DigestingOutput::Threads::One, [&](std::string_view piece) { records += piece; });
  reader.feed(compressed);
  reader.finish();
  LayerInventory inventory{.blob = blob};
  auto decoded = decode_records(records, limits, inventory);
  CHECK(decoded.ok(), decoded.ok() ? "" : decoded.error().message());
  return inventory;
}

}  // namespace pratique::scan
