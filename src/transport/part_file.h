// A blob that is being fetched in pieces, in any order, into a layout: the bytes beside their final name, and which
// pieces are there, so that a later run goes on. Nothing bears the blob's name before all of it has the blob's digest.
//
//   blobs/sha256/HEX.part           as long as the blob from the start
//   blobs/sha256/HEX.part.pieces    one byte a piece: "1" once it is written
#pragma once

#include <string>

#include "os/fd.h"
#include "transport/transport.h"

namespace pratique::transport {

// A request's worth at the speed of a slow line, and not too many for 40 GB.
inline constexpr std::uint64_t kPieceBytes = 16 << 20;

class PartFile {
 public:
  // Goes on with what is there. Conflict while another process writes it.
  static Result<PartFile> open(const std::string& path, const oci::Descriptor& blob);

  std::size_t pieces() const { return marks_.size(); }
  bool has(std::size_t piece) const { return marks_[piece] == '1'; }
  std::uint64_t offset_of(std::size_t piece) const { return piece * kPieceBytes; }
  std::uint64_t length_of(std::size_t piece) const;
  // Of several threads, each on pieces of its own.
  Status write(Bytes bytes, std::uint64_t offset) const;
  Status mark(std::size_t piece) const;
  // Reads all of it back; Corrupt when it is not the blob, which then begins at nothing the next time. Else makes it
  // durable under the blob's name.
  Status commit();

 private:
  PartFile(std::string path, oci::Descriptor blob, os::Fd file, os::Fd marks_file, std::string marks)
      : path_(std::move(path)),
        blob_(std::move(blob)),
        file_(std::move(file)),
        marks_file_(std::move(marks_file)),
        marks_(std::move(marks)) {}
  Status verify() const;
  Status discard() const;

  std::string path_;  // of the blob
  oci::Descriptor blob_;
  os::Fd file_, marks_file_;
  std::string marks_;  // as they were when it was opened
};

}  // namespace pratique::transport
