// Range and Content-Range as registry clients send them. Private to the module; pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace pratique::distribution {

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  // never 0
  bool operator==(const ByteRange&) const = default;
};
struct Whole {};  // no range, or one we may ignore (RFC 9110 section 14.2): another unit, several ranges, nonsense
struct Unsatisfiable {};  // 416

// The Range header of a GET for `size` bytes. "500-0" is Unsatisfiable: RFC 9110 calls it invalid, and the conformance
// suite wants 416.
std::variant<Whole, Unsatisfiable, ByteRange> parse_range(std::string_view header, std::uint64_t size);

// "S-E" of a chunk (distribution-spec "Pushing a blob in chunks"), both ends inclusive; "bytes S-E/…" is taken too.
struct ChunkRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t length() const { return last - first + 1; }
};
Result<ChunkRange> parse_chunk_range(std::string_view header);

// The Range header of an upload's answer. An empty upload is "0-0", as the reference registry has always said: clients
// parse it with two unsigned numbers.
std::string received_range(std::uint64_t size);

}  // namespace pratique::distribution
