// Blobs that are there: putting small ones, reading, removing, checking.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "base/format.h"
#include "base/log.h"
#include "base/random.h"
#include "os/file.h"
#include "store/impl.h"

namespace pratique::store {

namespace {

// Every entry, or the error: a scrub that silently took an unreadable directory for an empty one would report health.
Result<std::vector<std::string>> entries_of(const std::string& path) {
  std::vector<std::string> names;
  std::error_code problem;
  for (std::filesystem::directory_iterator it(path, problem), end; !problem && it != end; it.increment(problem))
    names.push_back(it->path().filename().string());
  if (problem) return from_errno("listing " + path, problem.value());
  return names;
}

std::optional<std::uint64_t> size_of_file(const std::string& path) {
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(info.st_size);
}

// Removes a file unless it has been renamed away.
struct Temporary {
  std::string path;
  os::Fd fd;
  ~Temporary() {
    if (fd.is_open()) ::unlink(path.c_str());
  }
};

}  // namespace

std::string_view directory_name(oci::Algorithm algorithm) {
  return algorithm == oci::Algorithm::Sha256 ? "sha256" : "sha512";
}

std::string Store::Impl::blob_directory(const oci::Digest& digest) const {
  return format("{}/{}/{}", blobs, directory_name(digest.algorithm()), digest.encoded().substr(0, 2));
}

std::string Store::Impl::blob_path(const oci::Digest& digest) const {
  return blob_directory(digest) + "/" + digest.encoded();
}

Status Store::Impl::need_blob_directory(const oci::Digest& digest) {
  std::string directory = blob_directory(digest);
  if (durable_directories.lock()->contains(directory)) return {};
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return from_errno("creating " + directory, errno);
  TRY(os::sync_directory(format("{}/{}", blobs, directory_name(digest.algorithm()))));
  durable_directories.lock()->insert(directory);
  return {};
}

Status Store::Impl::publish(const std::string& path, const oci::Digest& digest) {
  TRY(need_blob_directory(digest));
  std::string target = blob_path(digest);
  // NOREPLACE: readers and the page cache already have the blob that is there.
  if (::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) != 0) {
    bool is_there = errno == EEXIST;
    if (!is_there && errno != EINVAL) return from_errno("renaming to " + target, errno);  // EINVAL: cannot NOREPLACE
    bool keep = is_there && size_of_file(target) == size_of_file(path);
    if (is_there && !keep)
      log::warn("blob replaced", {{"digest", digest.to_string()}, {"reason", "its size was wrong"}});
    int outcome = keep ? ::unlink(path.c_str()) : ::rename(path.c_str(), target.c_str());
    if (outcome != 0) return from_errno("renaming to " + target, errno);
  }
  // Also for a blob that was there: whoever renamed it may not have come to this line yet.
  return os::sync_directory(blob_directory(digest));
}

Result<std::string> Blob::read_all(std::size_t bytes_max) const {
  if (size_ > bytes_max)
    return over_limit(format("the blob has {} bytes, more than the {} that are read at once", size_, bytes_max));
  std::string bytes(size_, '\0');
  std::size_t got = TRY(os::read_at(fd_, std::as_writable_bytes(std::span(bytes)), 0));
  if (got != bytes.size()) return corrupt("the blob's file is shorter than it was");
  return bytes;
}

Result<oci::Descriptor> Store::put(Bytes bytes, std::string_view media_type, oci::Algorithm algorithm) {
  oci::Digest digest = oci::Digest::of(bytes);
  if (algorithm == oci::Algorithm::Sha512) {
    Sha512 hasher;
    hasher.update(bytes);
    digest = oci::Digest::from(hasher.sum());
  }
  oci::Descriptor descriptor{.media_type = std::string(media_type), .digest = digest, .size = bytes.size()};
  if (size_of(digest) == bytes.size()) {
    TRY(os::sync_directory(impl_->blob_directory(digest)));  // whoever put it may not have come that far yet
    return descriptor;
  }
  Temporary file{.path = format("{}/{}{}", impl_->uploads, kPutPrefix, random_hex(16))};
  file.fd = TRY(open_for_writing(file.path, O_CREAT | O_EXCL));
  if (!lock_file(file.fd)) return unavailable("a new file is locked by somebody else");
  TRY(write_at(file.fd, bytes, 0));
  TRY(sync_data(file.fd));
  TRY(impl_->publish(file.path, digest));
  file.fd.reset();
  return descriptor;
}

Result<Blob> Store::open_blob(const oci::Digest& digest) const {
  int fd = ::open(impl_->blob_path(digest).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT) return not_found("there is no blob " + digest.to_string());
  if (fd < 0) return from_errno("opening blob " + digest.to_string(), errno);
  os::Fd opened(fd);
  std::uint64_t size = TRY(os::file_size(opened));
  return Blob(std::move(opened), size);
}

bool Store::has(const oci::Digest& digest) const {
  return size_of(digest).has_value();
}

std::optional<std::uint64_t> Store::size_of(const oci::Digest& digest) const {
  return size_of_file(impl_->blob_path(digest));
}

// Not synced: a blob that comes back with a power cut is swept again.
Status Store::remove(const oci::Digest& digest) {
  return os::remove_file(impl_->blob_path(digest));
}

Status Store::verify(const oci::Digest& digest, const std::function<bool(std::size_t)>& pace) const {
  Blob blob = TRY(open_blob(digest));
  oci::Digest actual =
      TRY(hash_file(blob.fd(), digest.algorithm(), pace).with_context("reading blob " + digest.to_string()));
  if (actual == digest) return {};
  return corrupt(format("blob {} is damaged: its bytes hash to {}", digest.to_string(), actual.to_string()));
}

Status Store::quarantine(const oci::Digest& digest) {
  std::string from = impl_->blob_path(digest);
  std::string directory = impl_->options.directory + "/quarantine";
  std::string to =
      format("{}/{}-{}-{}", directory, directory_name(digest.algorithm()), digest.encoded(), random_hex(4));
  if (::rename(from.c_str(), to.c_str()) != 0)
    return errno == ENOENT ? Status() : Status(from_errno("moving a damaged blob to " + to, errno));
  return os::sync_directory(impl_->blob_directory(digest));
}

Result<std::vector<std::pair<oci::Digest, std::uint64_t>>> Store::blobs_in(std::size_t shard) const {
  CHECK(shard < kShards);
  auto algorithm = shard < kShards / 2 ? oci::Algorithm::Sha256 : oci::Algorithm::Sha512;
  std::string prefix = to_hex(std::array{static_cast<std::byte>(shard % 256)});
  std::string top = format("{}/{}", impl_->blobs, directory_name(algorithm));
  std::string directory = format("{}/{}", top, prefix);
  std::vector<std::pair<oci::Digest, std::uint64_t>> found;
  auto names = entries_of(directory);
  // No directory: nothing that begins so ever came. But no top of the tree is no empty tree.
  if (!names.ok() && names.error().kind() == ErrorKind::NotFound && os::exists(top)) return found;
  for (const std::string& name : TRY(std::move(names))) {
    auto digest = oci::Digest::parse(format("{}:{}", directory_name(algorithm), name));
    if (!digest.ok() || !name.starts_with(prefix)) continue;  // not ours
    if (auto size = size_of(*digest)) found.emplace_back(std::move(*digest), *size);
  }
  return found;
}

Status Store::for_each(const std::function<Status(const oci::Digest&, std::uint64_t size)>& visit) const {
  for (std::size_t shard = 0; shard < kShards; ++shard) {
    for (const auto& [digest, size] : TRY(blobs_in(shard))) TRY(visit(digest, size));
  }
  return {};
}

}  // namespace pratique::store
