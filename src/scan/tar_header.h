// One 512-byte tar header block, and the records that override it (PAX, GNU long names). Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pratique::scan {

constexpr std::size_t kTarBlockBytes = 512;
using TarBlock = std::array<char, kTarBlockBytes>;

struct TarHeader {
  std::string name;
  std::string link;
  char type = '0';
  std::uint32_t mode = 0;
  std::uint64_t uid = 0, gid = 0;
  std::uint64_t size = 0;          // of the data in the archive
  std::uint64_t logical_size = 0;  // of the file; differs for sparse files
  bool is_sparse = false;
  bool is_sparse_map_extended = false;  // old GNU: blocks of sparse map follow the header
};

bool is_zero(const TarBlock& block);
// Invalid with what is wrong: checksum, a number, a field no reader agrees on.
Result<TarHeader> parse_tar_header(const TarBlock& block);

// What 'x', 'L' and 'K' entries say of the entry that follows.
struct TarOverrides {
  std::optional<std::string> path, link;            // PAX
  std::optional<std::uint64_t> size, uid, gid;      // PAX
  std::optional<std::string> long_name, long_link;  // GNU; stronger than PAX, as in Go
  std::optional<std::string> sparse_name;
  std::optional<std::uint64_t> sparse_size;
  std::string sparse_major, sparse_minor;
  bool has_sparse = false;

  bool is_empty() const;
  // Replaces what an earlier PAX header said. Invalid for a malformed record.
  Status parse_pax(std::string_view body);
  // Invalid for a sparse format we do not know: its name and size would be guesses.
  Status apply_to(TarHeader& header) const;
};
// Whether a global PAX header would change names or sizes for readers that honour it (Go and engines do not).
bool is_ambiguous_global_header(std::string_view body);

}  // namespace pratique::scan
