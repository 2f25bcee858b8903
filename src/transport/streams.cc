#include "transport/streams.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/format.h"
#include "os/file.h"

namespace pratique::transport {

namespace {

class MemoryStream final : public BlobStream {
 public:
  explicit MemoryStream(std::string bytes) : bytes_(std::move(bytes)) {}

  Result<std::size_t> read(std::span<std::byte> buffer) override {
    std::size_t count = std::min(buffer.size(), bytes_.size() - at_);
    std::memcpy(buffer.data(), bytes_.data() + at_, count);
    at_ += count;
    return count;
  }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

class FileStream final : public BlobStream {
 public:
  FileStream(os::Fd file, std::uint64_t offset, std::uint64_t length)
      : file_(std::move(file)), offset_(offset), left_(length) {}

  Result<std::size_t> read(std::span<std::byte> buffer) override {
    if (left_ == 0) return std::size_t{0};
    auto want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left_));
    std::size_t got = TRY(os::read_at(file_, buffer.first(want), offset_));
    if (got == 0) return corrupt(format("the file ends {} bytes early", left_));
    offset_ += got;
    left_ -= got;
    return got;
  }

 private:
  os::Fd file_;
  std::uint64_t offset_;
  std::uint64_t left_;
};

// Never hands on a byte beyond the length that was promised, and remembers that it failed.
class VerifyingStream final : public BlobStream {
 public:
  VerifyingStream(std::unique_ptr<BlobStream> raw, const oci::Descriptor& descriptor)
      : raw_(std::move(raw)), digest_(descriptor.digest), left_(descriptor.size), hasher_(digest_.algorithm()) {}

  Result<std::size_t> read(std::span<std::byte> buffer) override {
    CHECK(!buffer.empty(), "a read of no bytes cannot be told from the end");
    if (failure_) return *failure_;
    if (is_done_) return std::size_t{0};
    auto got = step(buffer);
    if (!got.ok()) failure_ = got.error();
    return got;
  }

 private:
  Result<std::size_t> step(std::span<std::byte> buffer) {
    std::size_t got = TRY(raw_->read(buffer).with_context(format("reading {}", digest_.short_text())));
    if (got > left_) return corrupt(format("{} is longer than its descriptor says", digest_.to_string()));
    if (got == 0) return finish();
    hasher_.update(buffer.first(got));
    left_ -= got;
    return got;
  }

  Result<std::size_t> finish() {
    if (left_ != 0) return corrupt(format("{} ends {} bytes early", digest_.to_string(), left_));
    auto found = hasher_.digest();
    if (found != digest_) {
      return corrupt(format("bytes of {} hash to {}", digest_.to_string(), found.to_string()));
    }
    is_done_ = true;
    return std::size_t{0};
  }

  std::unique_ptr<BlobStream> raw_;
  oci::Digest digest_;
  std::uint64_t left_;
  Hasher hasher_;
  bool is_done_ = false;
  std::optional<Error> failure_;
};

// Hands every piece of a stream to `take` until the end.
template <typename Take>
Status for_each_piece(BlobStream& stream, Take take) {
  std::string buffer(kCopyStep, '\0');
  for (;;) {
    auto room = std::as_writable_bytes(std::span(buffer));
    std::size_t got = TRY(stream.read(room));
    if (got == 0) return {};
    TRY(take(Bytes(room.first(got))));
  }
}

}  // namespace

Hasher::Hasher(oci::Algorithm algorithm) {
  if (algorithm == oci::Algorithm::Sha512) state_.emplace<Sha512>();
}

void Hasher::update(Bytes bytes) {
  std::visit([&](auto& state) { state.update(bytes); }, state_);
}

oci::Digest Hasher::digest() const {
  return std::visit([](const auto& state) { return oci::Digest::from(state.sum()); }, state_);
}

std::unique_ptr<BlobStream> memory_stream(std::string bytes) {
  return std::make_unique<MemoryStream>(std::move(bytes));
}

Result<std::unique_ptr<BlobStream>> file_stream(const os::Fd& file, std::uint64_t offset, std::uint64_t length) {
  os::Fd own = TRY(file.duplicate());
  return std::unique_ptr<BlobStream>(std::make_unique<FileStream>(std::move(own), offset, length));
}

std::unique_ptr<BlobStream> verified(std::unique_ptr<BlobStream> raw, const oci::Descriptor& descriptor) {
  return std::make_unique<VerifyingStream>(std::move(raw), descriptor);
}

Result<std::string> read_all(BlobStream& stream, std::size_t bytes_max) {
  std::string all;
  TRY(for_each_piece(stream, [&](Bytes piece) -> Status {
    if (piece.size() > bytes_max - all.size()) return over_limit(format("longer than {} bytes", bytes_max));
    all += as_text(piece);
    return {};
  }));
  return all;
}

Status copy_all(BlobStream& stream, const os::Fd& out) {
  return for_each_piece(stream, [&](Bytes piece) { return os::write_all(out, piece); });
}

Result<Measured> measure(BlobStream& stream) {
  Hasher hasher(oci::Algorithm::Sha256);
  std::uint64_t size = 0;
  TRY(for_each_piece(stream, [&](Bytes piece) -> Status {
    hasher.update(piece);
    size += piece.size();
    return {};
  }));
  return Measured{hasher.digest(), size};
}

Result<os::Fd> scratch_file() {
  auto directory = TRY(os::TemporaryDirectory::create());
  std::string path = directory.path() + "/scratch";
  int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return from_errno("creating " + path, errno);
  return os::Fd(fd);
}

Result<std::string> read_blob(Image& image, const oci::Descriptor& descriptor, std::size_t bytes_max) {
  if (descriptor.size > bytes_max) {
    return over_limit(format("{} has {} bytes; at most {} are read here", descriptor.digest.short_text(),
                             descriptor.size, bytes_max));
  }
  auto stream = TRY(image.open_blob(descriptor));
  return read_all(*stream, bytes_max);
}

}  // namespace pratique::transport
