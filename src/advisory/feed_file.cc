#include "advisory/feed_file.h"

#include <lzma.h>
#include <zlib.h>

#include <algorithm>

#include "advisory/mapping.h"
#include "base/check.h"
#include "base/format.h"

namespace pratique::advisory {

namespace {

constexpr std::size_t kStepBytes = 1 << 20;
// A Sources index needs 10 MB to unpack; hostile headers may ask for 4 GiB.
constexpr std::uint64_t kXzMemoryMax = 256 << 20;

Error too_large(std::uint64_t bytes_max) {
  return over_limit(format("the feed unpacks to more than {} bytes", bytes_max));
}

// What to do when more is unpacked than wanted: a peek stops there, a read fails.
enum class Overflow { Stop, Fail };

Result<std::string> inflate_all(std::string_view packed, std::uint64_t bytes_max, Overflow overflow) {
  z_stream stream{};
  CHECK(inflateInit2(&stream, 15 + 16) == Z_OK, "zlib does not start");
  struct Ender {
    z_stream* stream;
    ~Ender() { inflateEnd(stream); }
  } ender{&stream};
  std::string out;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  std::size_t left = packed.size();
  for (;;) {
    if (stream.avail_in == 0) {
      stream.avail_in = static_cast<uInt>(std::min<std::size_t>(left, 1 << 30));
      left -= stream.avail_in;
    }
    std::size_t before = out.size();
    out.resize(before + kStepBytes);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = kStepBytes;
    int code = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    if (out.size() > bytes_max) {
      if (overflow == Overflow::Fail) return too_large(bytes_max);
      return out.substr(0, bytes_max);
    }
    if (code == Z_STREAM_END) {
      if (stream.avail_in == 0 && left == 0) return out;
      // A gzip file may be several members one after the other.
      if (inflateReset2(&stream, 15 + 16) != Z_OK) return corrupt("the gzip stream is damaged");
    } else if (code != Z_OK || (stream.avail_in == 0 && left == 0 && stream.avail_out > 0)) {
      return corrupt("the gzip stream is damaged or ends early");
    }
  }
}

Result<std::string> unxz_all(std::string_view packed, std::uint64_t bytes_max, Overflow overflow) {
  lzma_stream stream = LZMA_STREAM_INIT;
  CHECK(lzma_stream_decoder(&stream, kXzMemoryMax, LZMA_CONCATENATED) == LZMA_OK, "liblzma does not start");
  struct Ender {
    lzma_stream* stream;
    ~Ender() { lzma_end(stream); }
  } ender{&stream};
  std::string out;
  stream.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
  stream.avail_in = packed.size();
  for (;;) {
    std::size_t before = out.size();
    out.resize(before + kStepBytes);
    stream.next_out = reinterpret_cast<std::uint8_t*>(out.data() + before);
    stream.avail_out = kStepBytes;
    lzma_ret code = lzma_code(&stream, LZMA_FINISH);
    out.resize(out.size() - stream.avail_out);
    if (out.size() > bytes_max) {
      if (overflow == Overflow::Fail) return too_large(bytes_max);
      return out.substr(0, bytes_max);
    }
    if (code == LZMA_STREAM_END) return out;
    if (code == LZMA_MEMLIMIT_ERROR) return over_limit("the xz stream wants more than 256 MiB to unpack");
    if (code != LZMA_OK) return corrupt("the xz stream is damaged or ends early");
  }
}

}  // namespace

Packing packing_of(std::string_view bytes) {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\x1f\x8b")) return Packing::Gzip;
  if (bytes.starts_with("\xfd\x37zXZ\0"sv)) return Packing::Xz;
  // An archive without entries begins with its end record.
  if (bytes.starts_with("PK\x03\x04") || bytes.starts_with("PK\x05\x06")) return Packing::Zip;
  return Packing::None;
}

Result<std::string> gunzip(std::string_view packed, std::uint64_t bytes_max) {
  return inflate_all(packed, bytes_max, Overflow::Fail);
}

Result<std::string> unxz(std::string_view packed, std::uint64_t bytes_max) {
  return unxz_all(packed, bytes_max, Overflow::Fail);
}

Result<std::string> read_feed(const std::string& path, Collector& collector) {
  Mapping mapping = TRY(Mapping::open(path, kFeedBytesMax));
  collector.hash(mapping.bytes());
  switch (packing_of(mapping.bytes())) {
    case Packing::Gzip:
      return gunzip(mapping.bytes(), kFeedBytesMax);
    case Packing::Xz:
      return unxz(mapping.bytes(), kFeedBytesMax);
    case Packing::None:
    case Packing::Zip:
      break;
  }
  return std::string(mapping.bytes());
}

Result<std::string> peek_feed(const std::string& path, std::size_t bytes_max) {
  Mapping mapping = TRY(Mapping::open(path, kFeedBytesMax));
  switch (packing_of(mapping.bytes())) {
    case Packing::Gzip:
      return inflate_all(mapping.bytes(), bytes_max, Overflow::Stop);
    case Packing::Xz:
      return unxz_all(mapping.bytes(), bytes_max, Overflow::Stop);
    case Packing::None:
    case Packing::Zip:
      break;
  }
  return std::string(mapping.bytes().substr(0, bytes_max));
}

}  // namespace pratique::advisory
