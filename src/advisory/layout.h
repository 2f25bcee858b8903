// The bytes of an advisory database; docs/formats/advisory-database.md. Private to advisory.
//
// Invariants a reader checks before it believes anything: the header's own hash, then that every section lies inside
// the file. Every offset and count met later is checked where it is used, so a damaged file is Corrupt and never a
// crash.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace pratique::advisory {

inline constexpr std::string_view kMagic = "PRATIQDB";
inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::size_t kHeaderBytes = 192;
inline constexpr std::size_t kHeaderSumOffset = 160;  // sha256 of the header's bytes before it

// A range of the file.
struct Section {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

struct Header {
  std::uint64_t file_bytes = 0;
  std::int64_t built_micros = 0;
  std::uint64_t advisories = 0;
  Section info;            // JSON: sources and streams
  Section string_offsets;  // u32 each, one more than there are strings
  Section string_bytes;
  Section keys;             // KeyRow each, by stream and package
  Section records;          // the advisories, grouped by key
  std::string content_sum;  // 32 bytes: sha256 of everything after the header
};

// One package of one stream. The texts are strings of the table; the order is by their bytes.
struct KeyRow {
  std::uint32_t stream = 0;
  std::uint32_t package = 0;
  std::uint64_t record_offset = 0;  // from the start of the records
  std::uint32_t record_bytes = 0;
  std::uint32_t record_count = 0;
};
inline constexpr std::size_t kKeyRowBytes = 24;

// Little-endian numbers, wherever the program runs.
template <typename N>
void put(std::string& out, N value) {
  for (std::size_t i = 0; i < sizeof(N); ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xFF));
}
template <typename N>
N get(const char* bytes) {
  N value = 0;
  for (std::size_t i = 0; i < sizeof(N); ++i)
    value |= static_cast<N>(static_cast<N>(static_cast<unsigned char>(bytes[i])) << (8 * i));
  return value;
}

// Numbers of seven bits a byte, least significant first; most fit in two bytes.
inline void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

std::string encode_header(const Header& header);

}  // namespace pratique::advisory
