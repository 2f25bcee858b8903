// The language of the tests: archives written line by line, compressed, and read as layers.
#pragma once

#include <zlib.h>
#include <zstd.h>

#include <cstring>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/format.h"
#include "base/text.h"
#include "scan/layer_reader.h"
#include "scan/scan.h"

namespace pratique::scan::testing {

// One header block as GNU tar writes it, checksum included.
struct RawHeader {
  std::string name;
  char type = '0';
  std::uint64_t size = 0;
  std::string link;
  std::uint32_t mode = 0644;
  std::string_view magic = std::string_view("ustar\00000", 8);
  std::string prefix;

  std::string block() const {
    std::string bytes(512, '\0');
    put(bytes, 0, name.substr(0, 100));
    put(bytes, 100, format("{:07o}", mode));
    put(bytes, 108, "0000000");
    put(bytes, 116, "0000000");
    put(bytes, 124, format("{:011o}", size));
    put(bytes, 136, "00000000000");
    bytes[156] = type;
    put(bytes, 157, link.substr(0, 100));
    put(bytes, 257, magic);
    put(bytes, 345, prefix);
    return with_checksum(bytes);
  }
  static std::string with_checksum(std::string bytes) {
    std::memset(bytes.data() + 148, ' ', 8);
    unsigned sum = 0;
    for (unsigned char c : bytes) sum += c;
    put(bytes, 148, format("{:06o}", sum) + std::string("\0 ", 2));
    return bytes;
  }

 private:
  static void put(std::string& bytes, std::size_t at, std::string_view text) { bytes.replace(at, text.size(), text); }
};

inline std::string padded(std::string_view data) {
  std::string bytes(data);
  bytes.resize((bytes.size() + 511) / 512 * 512, '\0');
  return bytes;
}

class Archive {
 public:
  Archive& raw(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  Archive& header(const RawHeader& header) { return raw(header.block()); }
  Archive& file(std::string path, std::string_view content) {
    header({.name = std::move(path), .size = content.size()});
    return raw(padded(content));
  }
  Archive& directory(std::string path) { return header({.name = std::move(path), .type = '5', .mode = 0755}); }
  Archive& symlink(std::string path, std::string target) {
    return header({.name = std::move(path), .type = '2', .link = std::move(target)});
  }
  Archive& hardlink(std::string path, std::string target) {
    return header({.name = std::move(path), .type = '1', .link = std::move(target)});
  }
  Archive& whiteout(const std::string& directory, const std::string& name) {
    return file(directory + "/.wh." + name, "");
  }
  Archive& opaque(const std::string& directory) { return file(directory + "/.wh..wh..opq", ""); }
  Archive& extension(char type, std::string_view body) {
    header({.name = "extension", .type = type, .size = body.size()});
    return raw(padded(body));
  }
  Archive& pax(std::string_view key, std::string_view value) { return extension('x', pax_record(key, value)); }
  static std::string pax_record(std::string_view key, std::string_view value) {
    auto rest = format(" {}={}\n", key, value);
    auto length = rest.size() + 1;
    while (std::to_string(length).size() + rest.size() != length) ++length;
    return std::to_string(length) + rest;
  }

  // Without the end marker.
  const std::string& open() const { return bytes_; }
  std::string tar() const { return bytes_ + std::string(1024, '\0'); }

 private:
  std::string bytes_;
};

inline std::string gzip(std::string_view bytes, int level = 1) {
  z_stream stream{};
  CHECK(deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline std::string zstd(std::string_view bytes, int level = 1) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  auto size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), level);
  CHECK(!ZSTD_isError(size));
  out.resize(size);
  return out;
}

inline oci::Digest digest_of(std::string_view bytes) {
  return oci::Digest::of(as_bytes(bytes));
}

inline LayerInventory read(std::string_view bytes, const Limits& limits = {}) {
  return read_layer(as_bytes(bytes), digest_of(bytes), limits);
}
inline LayerInventory read(const Archive& archive) {
  return read(archive.tar());
}

inline std::string codes(const std::vector<Gap>& gaps) {
  std::string text;
  for (const auto& gap : gaps) text += (text.empty() ? "" : " ") + gap.code;
  return text;
}
inline std::string paths(const LayerInventory& inventory) {
  std::string text;
  for (const auto& file : inventory.files) text += (text.empty() ? "" : " ") + file.path;
  return text;
}

// A dpkg database of "name version" pairs.
inline std::string dpkg_status(std::initializer_list<std::pair<std::string_view, std::string_view>> packages) {
  std::string text;
  for (auto [name, version] : packages)
    text += format("Package: {}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {}\n\n", name, version);
  return text;
}
inline std::string apk_installed(std::initializer_list<std::pair<std::string_view, std::string_view>> packages) {
  std::string text;
  for (auto [name, version] : packages) text += format("C:Q1abc=\nP:{}\nV:{}\nA:x86_64\no:{}\n\n", name, version, name);
  return text;
}
inline constexpr std::string_view kDebian12 =
    "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nID=debian\n";

}  // namespace pratique::scan::testing
