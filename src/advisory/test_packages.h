// Debian source packages made in a test: changelog entries, archives, packings.
#pragma once

#include <lzma.h>
#include <zlib.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/format.h"

namespace pratique::advisory {

inline std::string entry(std::string_view version, std::string_view body, std::string_view name = "a") {
  return format("{} ({}) bullseye-security; urgency=high\n\n{}\n\n -- Ann <a@b>  Fri, 20 Mar 2026 15:38:00 +0000\n\n",
                name, version, body);
}

struct TarMember {
  std::string name;
  std::string content;
  char type = '0';
};

// Writes the size into the first header of an archive, and the checksum that belongs to it.
inline void set_tar_size(std::string& archive, std::uint64_t bytes, std::size_t at = 0) {
  char* header = archive.data() + at;
  std::memcpy(header + 124, format("{:011o}", bytes).c_str(), 12);
  std::memset(header + 148, ' ', 8);
  unsigned sum = 0;
  for (std::size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(header[i]);
  std::memcpy(header + 148, format("{:06o}", sum).c_str(), 7);
}

inline std::string tar(const std::vector<TarMember>& members) {
  std::string archive;
  for (const auto& member : members) {
    std::size_t at = archive.size();
    archive.resize(at + 512);
    std::memcpy(archive.data() + at, member.name.data(), member.name.size());
    archive[at + 156] = member.type;
    std::memcpy(archive.data() + at + 257, "ustar", 6);
    set_tar_size(archive, member.content.size(), at);
    archive += member.content;
    archive.resize((archive.size() + 511) / 512 * 512);
  }
  return archive + std::string(1024, '\0');
}

inline std::string xz(std::string_view bytes) {
  std::string packed(lzma_stream_buffer_bound(bytes.size()), '\0');
  std::size_t size = 0;
  auto code =
      lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, nullptr, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                              bytes.size(), reinterpret_cast<std::uint8_t*>(packed.data()), &size, packed.size());
  CHECK(code == LZMA_OK);
  packed.resize(size);
  return packed;
}

inline std::string gzip(std::string_view bytes) {
  z_stream stream{};
  CHECK(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

}  // namespace pratique::advisory
