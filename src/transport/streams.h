// Where the bytes of blobs come from: memory, ranges of files, and the wrapper that verifies them.
#pragma once

#include <memory>
#include <string>

#include "os/fd.h"
#include "transport/transport.h"

namespace pratique::transport {

// The step in which files and blobs are copied: large enough for full disk and network speed.
inline constexpr std::size_t kCopyStep = 256 << 10;

// A digest computed while bytes pass, with the algorithm of the digest it will be compared with.
class Hasher {
 public:
  explicit Hasher(oci::Algorithm algorithm);
  void update(Bytes bytes);
  oci::Digest digest() const;

 private:
  std::variant<Sha256, Sha512> state_;
};

std::unique_ptr<BlobStream> memory_stream(std::string bytes);
// `length` bytes of a file from `offset`; Corrupt when the file ends before. Streams of one file do not disturb each
// other.
Result<std::unique_ptr<BlobStream>> file_stream(const os::Fd& file, std::uint64_t offset, std::uint64_t length);
// Passes the bytes of `raw` on; Corrupt at the end instead of 0 when length or digest differ.
std::unique_ptr<BlobStream> verified(std::unique_ptr<BlobStream> raw, const oci::Descriptor& descriptor);

// Everything to the end; Limit beyond `bytes_max`.
Result<std::string> read_all(BlobStream& stream, std::size_t bytes_max);
// Everything to the end, into `out`.
Status copy_all(BlobStream& stream, const os::Fd& out);
// Everything to the end, as what its descriptor would say.
struct Measured {
  oci::Digest digest;
  std::uint64_t size;
};
Result<Measured> measure(BlobStream& stream);

// A file without a name: gone when it is closed, however we end. Under $TMPDIR.
Result<os::Fd> scratch_file();

}  // namespace pratique::transport
