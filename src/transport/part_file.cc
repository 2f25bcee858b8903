#include "transport/part_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/format.h"
#include "os/file.h"
#include "transport/streams.h"

namespace pratique::transport {

namespace {

constexpr std::string_view kPart = ".part", kPieces = ".part.pieces";

// Not through a link: who may write to the directory must not be able to point us elsewhere.
Result<os::Fd> open_own(const std::string& path) {
  os::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file.is_open()) return from_errno("opening " + path, errno);
  return file;
}

Status write_at(const os::Fd& file, Bytes bytes, std::uint64_t offset, const std::string& path) {
  while (!bytes.empty()) {
    const auto wrote = ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return from_errno("writing " + path, wrote < 0 ? errno : EIO);
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    offset += static_cast<std::uint64_t>(wrote);
  }
  return {};
}

Result<std::string> read_marks(const os::Fd& file, std::size_t count) {
  std::string marks(count, '0');
  TRY(os::read_at(file, std::as_writable_bytes(std::span(marks)), 0));
  std::replace_if(marks.begin(), marks.end(), [](char mark) { return mark != '1'; }, '0');
  return marks;
}

}  // namespace

Result<PartFile> PartFile::open(const std::string& path, const oci::Descriptor& blob) {
  auto file = TRY(open_own(path + std::string(kPart)));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
    return conflict(format("{} is being fetched by another process", path));
  auto marks_file = TRY(open_own(path + std::string(kPieces)));
  const auto pieces = static_cast<std::size_t>((blob.size + kPieceBytes - 1) / kPieceBytes);
  // A file of another length was not made for this blob by us; its marks say nothing.
  if (TRY(os::file_size(file)) != blob.size && ::ftruncate(marks_file.get(), 0) != 0)
    return from_errno("emptying " + path + std::string(kPieces), errno);
  if (::ftruncate(file.get(), static_cast<off_t>(blob.size)) != 0) return from_errno("making room for " + path, errno);
  auto marks = TRY(read_marks(marks_file, pieces));
  return PartFile(path, blob, std::move(file), std::move(marks_file), std::move(marks));
}

std::uint64_t PartFile::length_of(std::size_t piece) const {
  return std::min(kPieceBytes, blob_.size - offset_of(piece));
}

Status PartFile::write(Bytes bytes, std::uint64_t offset) const {
  return write_at(file_, bytes, offset, path_);
}

Status PartFile::mark(std::size_t piece) const {
  return write_at(marks_file_, as_bytes("1"), piece, path_);
}

Status PartFile::verify() const {
  Hasher hasher(blob_.digest.algorithm());
  std::string buffer(kCopyStep, '\0');
  const auto room = std::as_writable_bytes(std::span(buffer));
  for (std::uint64_t offset = 0; offset < blob_.size;) {
    const auto got = TRY(os::read_at(file_, room, offset));
    if (got == 0) break;
    hasher.update(room.first(got));
    offset += got;
  }
  if (hasher.digest() == blob_.digest) return {};
  return corrupt(
      format("what was fetched for {} is something else; it is fetched anew the next time", blob_.digest.to_string()));
}

Status PartFile::discard() const {
  TRY(os::remove_file(path_ + std::string(kPieces)));
  return os::remove_file(path_ + std::string(kPart));
}

Status PartFile::commit() {
  if (auto verified = verify(); !verified.ok()) {
    static_cast<void>(discard().ok());
    return verified;
  }
  if (::fsync(file_.get()) != 0) return from_errno("writing " + path_, errno);
  const std::string part = path_ + std::string(kPart);
  if (::rename(part.c_str(), path_.c_str()) != 0) return from_errno("naming " + path_, errno);
  TRY(os::remove_file(path_ + std::string(kPieces)));
  return os::sync_directory(path_.substr(0, path_.rfind('/')));
}

}  // namespace pratique::transport
