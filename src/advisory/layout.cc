#include "advisory/layout.h"

#include "base/check.h"
#include "base/hash.h"

namespace pratique::advisory {

std::string encode_header(const Header& header) {
  std::string out(kMagic);
  put<std::uint32_t>(out, kFormatVersion);
  put<std::uint32_t>(out, kHeaderBytes);
  put<std::uint64_t>(out, header.file_bytes);
  put<std::uint64_t>(out, static_cast<std::uint64_t>(header.built_micros));
  put<std::uint64_t>(out, header.advisories);
  for (const Section& section :
       {header.info, header.string_offsets, header.string_bytes, header.keys, header.records}) {
    put<std::uint64_t>(out, section.offset);
    put<std::uint64_t>(out, section.length);
  }
  CHECK(header.content_sum.size() == 32);
  out += header.content_sum;
  out.resize(kHeaderSumOffset, '\0');
  auto sum = sha256(as_bytes(out));
  out += as_text(sum);
  CHECK(out.size() == kHeaderBytes);
  return out;
}

}  // namespace pratique::advisory
