// Reading a tar stream, entry by entry: ustar, GNU long names and sparse files, PAX. Knows no file system.
//
// Names come out as written; what they may do is the extractor's business. Nothing in a header is believed before it is
// bounded: a size is only a promise of bytes that still have to arrive.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace pratique::run {

enum class TarType { File, HardLink, SymbolicLink, CharacterDevice, BlockDevice, Directory, Fifo };

// A run of bytes that is stored; what lies between runs is zeros.
struct TarExtent {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

struct TarEntry {
  TarType type = TarType::File;
  std::string name;
  std::string link;  // target of both kinds of link
  std::uint32_t mode = 0;
  std::uint64_t uid = 0, gid = 0;
  std::int64_t modified = 0;       // seconds since 1970
  std::uint64_t size = 0;          // of the file as it is extracted
  std::vector<TarExtent> extents;  // in order, not overlapping, within `size`
};

// Fills the span as far as it can; 0 at the end.
using ByteSource = std::function<Result<std::size_t>(std::span<std::byte>)>;

class TarReader {
 public:
  explicit TarReader(ByteSource source) : source_(std::move(source)) {}

  // The next entry, nullopt at the end of the archive. Skips what the caller left unread of the one before.
  Result<std::optional<TarEntry>> next();
  // Stored bytes of the current entry, its extents one after another; 0 at their end.
  Result<std::size_t> read(std::span<std::byte> buffer);

 private:
  using Block = std::span<const std::byte, 512>;
  struct Pending;  // what extension headers say about the entry that follows

  Result<bool> read_block(std::span<std::byte, 512> block);
  Status read_exactly(std::span<std::byte> buffer);
  Status skip(std::uint64_t bytes);
  Result<std::string> read_text(std::uint64_t bytes, std::size_t bytes_max, std::string_view what);
  Status read_pax(std::uint64_t bytes, std::map<std::string, std::string>& into);
  Result<std::optional<TarEntry>> finish(Block block, Pending& pending);
  Status locate_content(Block block, TarEntry& entry, const Pending& pending);
  Status apply_pax(TarEntry& entry, const Pending& pending);
  Status read_gnu_sparse(Block block, TarEntry& entry);
  Status read_pax_sparse(TarEntry& entry, const Pending& pending);

  ByteSource source_;
  std::uint64_t stored_ = 0;   // stored bytes of the entry not read yet
  std::uint64_t padding_ = 0;  // to the next block after them
  bool ended_ = false;
};

}  // namespace pratique::run
