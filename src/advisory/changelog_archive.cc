// debian/changelog out of a source package's archive. The archive is read as a stream and only as far as the file.
#include <lzma.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "advisory/changelog.h"
#include "advisory/feed_file.h"
#include "base/check.h"
#include "base/format.h"
#include "base/text.h"

namespace pratique::advisory {

namespace {

constexpr std::size_t kStepBytes = 64 << 10;
// xz -9, the most that dpkg-source uses, needs 65 MiB; four packages are unpacked at once.
constexpr std::uint64_t kXzMemoryMax = 80 << 20;
// A native package may have its whole source before the changelog; a bomb stops here.
constexpr std::uint64_t kUnpackedBytesMax = 256 << 20;
// The kernel's changelog, the longest, has 2.5 MB.
constexpr std::size_t kChangelogBytesMax = 16 << 20;
// Unpacked whole, unlike archives.
constexpr std::uint64_t kDiffBytesMax = 64 << 20;

// POSIX ustar: blocks of 512 bytes, a header and then the content, padded.
constexpr std::size_t kBlockBytes = 512;

// Takes the pieces of an unpacked stream.
class Walk {
 public:
  explicit Walk(bool is_native) : is_native_(is_native) {}

  Status feed(std::string_view bytes) {
    while (!bytes.empty() && !is_done_) {
      if (content_left_ > 0 || padding_left_ > 0) {
        content(bytes);
        continue;
      }
      std::size_t count = std::min(kBlockBytes - header_filled_, bytes.size());
      std::memcpy(header_.data() + header_filled_, bytes.data(), count);
      bytes.remove_prefix(count);
      header_filled_ += count;
      if (header_filled_ == kBlockBytes) TRY(header());
    }
    return {};
  }

  bool is_done() const { return is_done_; }
  Result<std::string> take() {
    if (!is_found_) return not_found("the package has no debian/changelog");
    if (!is_done_) return corrupt("the archive ends within debian/changelog");
    return std::move(changelog_);
  }

 private:
  std::string_view field(std::size_t offset, std::size_t bytes) const {
    std::string_view text(header_.data() + offset, bytes);
    return text.substr(0, text.find('\0'));
  }

  static std::optional<std::uint64_t> octal(std::string_view text) {
    std::uint64_t value = 0;
    text = trim(text);
    if (text.empty() || text.size() > 12) return std::nullopt;
    for (char c : text) {
      if (c < '0' || c > '7') return std::nullopt;
      value = value * 8 + static_cast<std::uint64_t>(c - '0');
    }
    return value;
  }

  bool has_right_checksum() const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kBlockBytes; ++i)
      sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(header_[i]);
    return octal(field(148, 8)) == sum;
  }

  // "debian/changelog"; in a native package one directory further down.
  bool is_changelog() const {
    char type = header_[156];
    if (type != '0' && type != '\0') return false;
    std::string_view name = field(0, 100);
    if (name.starts_with("./")) name.remove_prefix(2);
    // A prefix would put the name into another directory.
    if (header_[345] != '\0' && std::string_view(header_.data() + 257, 5) == "ustar") return false;
    if (!is_native_) return name == "debian/changelog";
    auto top_and_rest = cut(name, "/");
    return top_and_rest && top_and_rest->second == "debian/changelog";
  }

  Status header() {
    header_filled_ = 0;
    if (std::all_of(header_.begin(), header_.end(), [](char c) { return c == '\0'; })) {
      is_done_ = true;
      return {};
    }
    auto bytes = octal(field(124, 12));
    if (!bytes || !has_right_checksum()) return corrupt("the archive is damaged");
    is_found_ = is_changelog();
    if (is_found_ && *bytes > kChangelogBytesMax) {
      return over_limit(format("the changelog is larger than {} bytes", kChangelogBytesMax));
    }
    content_left_ = *bytes;
    padding_left_ = (kBlockBytes - *bytes % kBlockBytes) % kBlockBytes;
    is_done_ = is_found_ && content_left_ == 0;
    return {};
  }

  void content(std::string_view& bytes) {
    auto take = [&](std::uint64_t& left) {
      auto piece = bytes.substr(0, std::min<std::uint64_t>(left, bytes.size()));
      left -= piece.size();
      bytes.remove_prefix(piece.size());
      return piece;
    };
    auto piece = take(content_left_);
    if (is_found_) changelog_ += piece;
    is_done_ = is_found_ && content_left_ == 0;
    take(padding_left_);
  }

  bool is_native_;
  std::array<char, kBlockBytes> header_{};
  std::size_t header_filled_ = 0;
  std::uint64_t content_left_ = 0;
  std::uint64_t padding_left_ = 0;
  bool is_found_ = false;
  bool is_done_ = false;
  std::string changelog_;
};

Error too_large() {
  return over_limit(format("the package unpacks to more than {} bytes", kUnpackedBytesMax));
}

Status walk_xz(std::string_view packed, Walk& walk) {
  lzma_stream stream = LZMA_STREAM_INIT;
  CHECK(lzma_stream_decoder(&stream, kXzMemoryMax, LZMA_CONCATENATED) == LZMA_OK, "liblzma does not start");
  struct Ender {
    lzma_stream* stream;
    ~Ender() { lzma_end(stream); }
  } ender{&stream};
  std::string buffer(kStepBytes, '\0');
  stream.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
  stream.avail_in = packed.size();
  while (!walk.is_done()) {
    stream.next_out = reinterpret_cast<std::uint8_t*>(buffer.data());
    stream.avail_out = buffer.size();
    lzma_ret code = lzma_code(&stream, LZMA_FINISH);
    if (stream.total_out > kUnpackedBytesMax) return too_large();
    TRY(walk.feed(std::string_view(buffer.data(), buffer.size() - stream.avail_out)));
    if (code == LZMA_STREAM_END) return {};
    if (code == LZMA_MEMLIMIT_ERROR) return over_limit("the xz stream wants more than 80 MiB to unpack");
    if (code != LZMA_OK && !walk.is_done()) return corrupt("the xz stream is damaged or ends early");
  }
  return {};
}

Status walk_gzip(std::string_view packed, Walk& walk) {
  z_stream stream{};
  CHECK(inflateInit2(&stream, 15 + 16) == Z_OK, "zlib does not start");
  struct Ender {
    z_stream* stream;
    ~Ender() { inflateEnd(stream); }
  } ender{&stream};
  std::string buffer(kStepBytes, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  while (!walk.is_done()) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    int code = inflate(&stream, Z_NO_FLUSH);
    if (stream.total_out > kUnpackedBytesMax) return too_large();
    TRY(walk.feed(std::string_view(buffer.data(), buffer.size() - stream.avail_out)));
    if (code == Z_STREAM_END) return {};
    if (code != Z_OK && !walk.is_done()) return corrupt("the gzip stream is damaged or ends early");
  }
  return {};
}

// The lines that a diff against the original source adds as debian/changelog.
Result<std::string> changelog_of_diff(std::string_view diff) {
  std::string text;
  bool is_in_file = false;
  bool is_found = false;
  while (!diff.empty()) {
    auto line_and_rest = cut(diff, "\n");
    std::string_view line = line_and_rest ? line_and_rest->first : diff;
    diff = line_and_rest ? line_and_rest->second : std::string_view();
    if (line.starts_with("--- ")) {
      if (is_found) break;
      is_in_file = false;
    } else if (line.starts_with("+++ ") && !is_in_file) {
      auto name = line.substr(4, line.find('\t', 4) - 4);
      auto top_and_rest = cut(name, "/");
      is_in_file = top_and_rest && top_and_rest->second == "debian/changelog";
    } else if (is_in_file && line.starts_with("@@ ")) {
      // Part of a changelog would pass for the whole.
      if (!line.starts_with("@@ -0,0 +1")) return not_found("the original source has a debian/changelog of its own");
      is_found = true;
    } else if (is_found && line.starts_with('+')) {
      text += line.substr(1);
      text += '\n';
      if (text.size() > kChangelogBytesMax) {
        return over_limit(format("the changelog is larger than {} bytes", kChangelogBytesMax));
      }
    }
  }
  if (!is_found) return not_found("the diff has no debian/changelog");
  return text;
}

}  // namespace

Result<std::string> extract_changelog(std::string_view file_name, std::string_view packed) {
  if (packed.size() > kSourcePackageBytesMax) {
    return over_limit(format("the package is larger than {} bytes", kSourcePackageBytesMax));
  }
  if (file_name.ends_with(".diff.gz")) return changelog_of_diff(TRY(gunzip(packed, kDiffBytesMax)));
  Walk walk(!contains(file_name, ".debian.tar."));
  if (file_name.ends_with(".tar.xz")) {
    TRY(walk_xz(packed, walk));
  } else if (file_name.ends_with(".tar.gz")) {
    TRY(walk_gzip(packed, walk));
  } else {
    return invalid("the package is neither .tar.xz, .tar.gz nor .diff.gz");
  }
  return walk.take();
}

}  // namespace pratique::advisory
