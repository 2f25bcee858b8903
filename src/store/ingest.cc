// An upload on its way in. Format and crash rules: docs/formats/store.md. What holds at every moment:
//   - bytes [0, checkpointed) of `data` are on the disk and `state` names their hash;
//   - `hasher` and the tap have seen exactly bytes [0, size);
//   - nothing has a blob's name before its bytes are synced and match that name.
#include <fcntl.h>
#include <unistd.h>

#include "base/format.h"
#include "base/log.h"
#include "os/file.h"
#include "store/impl.h"
#include "store/upload_state.h"

namespace pratique::store {

namespace {

// The disk starts on what has come while the rest is still arriving; otherwise the fdatasync at the end waits for all
// of it. Smaller steps cost system calls, larger ones leave more for the end.
constexpr std::uint64_t kWriteBehindBytes = 8 << 20;
// From here on an upload has a second thread; smaller ones are over before it would pay.
constexpr std::uint64_t kLargeBytes = 16 << 20;
// 30 us of hashing: some times what handing it over costs.
constexpr std::size_t kLargePiece = 64 << 10;

}  // namespace

Ingest::Ingest(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Ingest::Ingest(Ingest&&) noexcept = default;
Ingest& Ingest::operator=(Ingest&& other) noexcept {
  std::swap(impl_, other.impl_);  // ours is parked when `other` goes
  return *this;
}
Ingest::~Ingest() {
  if (!impl_ || impl_->is_finished) return;
  Store::Impl& store = impl_->store;
  impl_->hash_thread.reset();  // it may wait here for a week
  store.park(std::move(impl_));
}

const std::string& Ingest::id() const {
  return impl_->id;
}
std::uint64_t Ingest::size() const {
  return impl_->size;
}

Status Ingest::append(Bytes bytes) {
  CHECK(!impl_->is_finished, "append() after the end");
  if (impl_->broken) return *impl_->broken;
  if (bytes.empty()) return {};
  std::uint64_t limit = impl_->store.options.blob_bytes_max;
  if (bytes.size() > limit || impl_->size > limit - bytes.size())
    return over_limit(format("a blob may have at most {} bytes", limit));
  if (Status status = impl_->write_and_hash(bytes); !status.ok()) return impl_->failed(status.error());
  impl_->size += bytes.size();
  if (Tap* tap = impl_->need_tap()) tap->on_bytes(bytes);
  return {};
}

Status Ingest::checkpoint() {
  CHECK(!impl_->is_finished, "checkpoint() after the end");
  if (impl_->broken) return *impl_->broken;
  if (Status status = impl_->checkpoint(); !status.ok()) return impl_->failed(status.error());
  return {};
}

Result<oci::Descriptor> Ingest::commit(const oci::Digest& expected) {
  CHECK(!impl_->is_finished, "commit() after the end");
  Impl& ingest = *impl_;
  if (ingest.broken) return *ingest.broken;
  if (Status status = ingest.check_digest(expected); !status.ok()) {
    if (status.error().kind() != ErrorKind::Invalid) return ingest.failed(status.error());
    abandon();
    return status.error();
  }
  Status status = sync_data(ingest.data);
  if (status.ok()) status = ingest.store.publish(ingest.store.data_path(ingest.id), expected);
  if (!status.ok()) return ingest.failed(status.error());
  if (Tap* tap = ingest.need_tap()) tap->on_commit(expected);
  oci::Descriptor descriptor{.media_type = "application/octet-stream", .digest = expected, .size = ingest.size};
  abandon();  // the blob has left the directory; the rest goes
  return descriptor;
}

void Ingest::abandon() {
  if (impl_->is_finished) return;
  impl_->is_finished = true;
  impl_->tap.reset();
  Status removed = os::remove_tree(impl_->store.upload_directory(impl_->id));
  if (!removed.ok()) log::warn("upload not removed", {{"upload", impl_->id}, {"error", removed.error().message()}});
  impl_->data.reset();
  impl_->store.forget(impl_->id);
}

Tap* Ingest::Impl::need_tap() {
  if (!tap && store.options.make_tap) tap = store.options.make_tap();
  return tap.get();
}

void Ingest::Impl::feed(Bytes bytes) {
  hasher.update(bytes);
  size += bytes.size();
  if (Tap* to = need_tap()) to->on_bytes(bytes);
}

Status Ingest::Impl::write_and_hash(Bytes bytes) {
  const bool is_worth_it = size >= kLargeBytes && bytes.size() >= kLargePiece;
  if (is_worth_it && !hash_thread) hash_thread = HashThread::make();
  if (!is_worth_it || !hash_thread) {
    TRY(write(bytes));
    hasher.update(bytes);
    return {};
  }
  hash_thread->start(hasher, bytes);
  Status written = write(bytes);
  hash_thread->wait();
  return written;
}

Status Ingest::Impl::write(Bytes bytes) {
  TRY(write_at(data, bytes, size));
  std::uint64_t end = size + bytes.size();
  if (end - pushed_out < kWriteBehindBytes) return {};
  // Only a hint: what goes wrong here is kept by the kernel and told by the fdatasync that counts.
  (void)::sync_file_range(data.get(), static_cast<off_t>(pushed_out), static_cast<off_t>(end - pushed_out),
                          SYNC_FILE_RANGE_WRITE);
  pushed_out = end;
  return {};
}

Status Ingest::Impl::checkpoint() {
  if (size == checkpointed) return {};
  TRY(sync_data(data));
  UploadState state{.size = size, .sha256 = to_hex(hasher.sum())};
  TRY(os::write_file(store.state_path(id), to_text(state)));
  // The first checkpoint also makes the upload's own directory survive.
  if (checkpointed == 0) TRY(os::sync_directory(store.uploads));
  checkpointed = size;
  return {};
}

Status Ingest::Impl::check_digest(const oci::Digest& expected) {
  // Clients open an upload without naming the algorithm, so sha512 is only known to be wanted at the end; it is rare
  // enough to read the file once more instead of hashing every upload twice.
  oci::Digest actual = expected.algorithm() == oci::Algorithm::Sha256 ? oci::Digest::from(hasher.sum())
                                                                      : TRY(hash_file(data, expected.algorithm()));
  if (actual == expected) return {};
  return invalid(
      format("digest mismatch: the {} bytes received are {}, not {}", size, actual.to_string(), expected.to_string()));
}

Error Ingest::Impl::failed(const Error& error) {
  broken = error;
  tap.reset();  // it may have seen bytes that will not be there on resume
  return error;
}

}  // namespace pratique::store
