#include "run/tar.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/encoding.h"
#include "base/format.h"
#include "base/text.h"

namespace pratique::run {

namespace {

constexpr std::uint64_t kBlock = 512;
// PATH_MAX: the kernel opens nothing longer.
constexpr std::size_t kNameBytesMax = 4096;
// A PAX header holds names and small attributes; real ones stay under 64 KiB even with extended attributes.
constexpr std::size_t kPaxBytesMax = 1 << 20;
// Extension headers before one entry: two GNU names, a PAX header and a global one are real, endless chains are not.
constexpr int kExtensionsMax = 8;
// A sparse map of this many runs describes a file of holes, not data.
constexpr std::size_t kExtentsMax = 65'536;
// Larger than any disk, small enough that sums cannot overflow.
constexpr std::uint64_t kSizeMax = 1ull << 53;

using Pax = std::map<std::string, std::string>;

std::string_view field(std::span<const std::byte> block, std::size_t at, std::size_t size) {
  return as_text(block.subspan(at, size));
}

// Up to the first NUL, or the whole field.
std::string text_field(std::span<const std::byte> block, std::size_t at, std::size_t size) {
  auto text = field(block, at, size);
  return std::string(text.substr(0, text.find('\0')));
}

// Octal with spaces or NULs around it, or base-256 with the top bit set (GNU), which may be negative.
Result<std::int64_t> number_field(std::span<const std::byte> block, std::size_t at, std::size_t size,
                                  std::string_view what) {
  auto text = field(block, at, size);
  auto first = static_cast<unsigned char>(text.front());
  if (first & 0x80) {
    bool negative = first & 0x40;
    std::int64_t value = negative ? -1 : 0;
    for (std::size_t i = 0; i < size; ++i) {
      auto byte = static_cast<unsigned char>(text[i]);
      if (i == 0) byte = negative ? byte : byte & 0x3f;
      if (value > (1ll << 54) || value < -(1ll << 54)) return invalid(format("tar: {} is out of range", what));
      value = value * 256 + byte;
    }
    return value;
  }
  auto end = text.find('\0');
  text = trim(text.substr(0, end));
  std::int64_t value = 0;
  for (char digit : text) {
    if (digit < '0' || digit > '7') return invalid(format("tar: {} is not a number: {}", what, printable(text, 24)));
    value = value * 8 + (digit - '0');
    if (value > (1ll << 54)) return invalid(format("tar: {} is out of range", what));
  }
  return value;
}

Result<std::uint64_t> size_field(std::span<const std::byte> block, std::size_t at, std::size_t size,
                                 std::string_view what) {
  auto value = TRY(number_field(block, at, size, what));
  if (value < 0 || static_cast<std::uint64_t>(value) > kSizeMax)
    return invalid(format("tar: {} is out of range", what));
  return static_cast<std::uint64_t>(value);
}

Result<std::uint64_t> decimal(std::string_view text, std::string_view what) {
  auto value = parse_decimal(text);
  if (!value || *value > kSizeMax) return invalid(format("tar: {} is not a size: {}", what, printable(text, 24)));
  return *value;
}

// Old writers summed signed bytes; both sums are in the wild.
Status check_sum(std::span<const std::byte> block) {
  auto stored = TRY(number_field(block, 148, 8, "the header checksum"));
  std::int64_t plain = 0, with_sign = 0;
  for (std::size_t i = 0; i < kBlock; ++i) {
    bool in_checksum = i >= 148 && i < 156;
    auto byte = in_checksum ? static_cast<unsigned char>(' ') : std::to_integer<unsigned char>(block[i]);
    plain += byte;
    with_sign += static_cast<signed char>(byte);
  }
  if (stored != plain && stored != with_sign) return corrupt("tar: a header's checksum is wrong");
  return {};
}

bool all_zero(std::span<const std::byte> block) {
  return std::ranges::all_of(block, [](std::byte byte) { return byte == std::byte{0}; });
}

std::uint64_t padding_of(std::uint64_t size) {
  return (kBlock - size % kBlock) % kBlock;
}

// POSIX pax: "length key=value\n", length in decimal counting itself and the newline.
Status parse_pax(std::string_view text, Pax& into) {
  while (!text.empty()) {
    auto space = text.find(' ');
    if (space == std::string_view::npos || space > 10) return invalid("tar: a PAX record has no length");
    auto length = parse_decimal(text.substr(0, space));
    if (!length || *length <= space + 1 || *length > text.size() || text[*length - 1] != '\n') {
      return invalid("tar: a PAX record has a wrong length");
    }
    auto record = cut(text.substr(space + 1, *length - space - 2), "=");
    if (!record || record->first.empty()) return invalid("tar: a PAX record has no key");
    // Repeated keys are how version 0.0 writes its sparse map; the pieces are joined in order.
    bool repeats = record->first == "GNU.sparse.offset" || record->first == "GNU.sparse.numbytes";
    auto& value = into[std::string(record->first)];
    value = repeats && !value.empty() ? format("{},{}", value, record->second) : std::string(record->second);
    text.remove_prefix(*length);
  }
  return {};
}

Status check_extents(const TarEntry& entry, std::uint64_t stored) {
  std::uint64_t end = 0, sum = 0;
  for (const auto& extent : entry.extents) {
    if (extent.offset < end || extent.size > entry.size || extent.offset > entry.size - extent.size) {
      return invalid("tar: a sparse map is out of order or beyond its file");
    }
    end = extent.offset + extent.size;
    sum += extent.size;
  }
  if (sum != stored) return invalid("tar: a sparse map does not add up to its bytes");
  return {};
}

Status add_extent(TarEntry& entry, std::uint64_t offset, std::uint64_t size) {
  if (entry.extents.size() >= kExtentsMax) return over_limit("tar: a sparse map has too many runs");
  entry.extents.push_back({offset, size});
  return {};
}

Result<std::vector<std::uint64_t>> number_list(std::string_view text) {
  std::vector<std::uint64_t> numbers;
  if (text.empty()) return numbers;
  for (auto piece : split(text, ',')) numbers.push_back(TRY(decimal(piece, "a sparse map entry")));
  return numbers;
}

// Versions 0.0 (two lists) and 0.1 (one list of pairs) carry the map in the PAX header itself.
Status sparse_map_from_header(TarEntry& entry, const Pax& pax) {
  if (auto map = pax.find("GNU.sparse.map"); map != pax.end()) {
    auto numbers = TRY(number_list(map->second));
    if (numbers.size() % 2 != 0) return invalid("tar: a sparse map has an odd number of entries");
    for (std::size_t i = 0; i < numbers.size(); i += 2) TRY(add_extent(entry, numbers[i], numbers[i + 1]));
    return {};
  }
  auto value = [&](const char* key) { return pax.contains(key) ? std::string_view(pax.at(key)) : std::string_view(); };
  auto offsets = TRY(number_list(value("GNU.sparse.offset")));
  auto sizes = TRY(number_list(value("GNU.sparse.numbytes")));
  if (offsets.size() != sizes.size()) return invalid("tar: a sparse map has offsets without sizes");
  for (std::size_t i = 0; i < offsets.size(); ++i) TRY(add_extent(entry, offsets[i], sizes[i]));
  return {};
}

Result<TarType> type_of(char flag, std::string_view name) {
  switch (flag) {
    case '0':
    case '\0':
    case '7':
    case 'S':
      // Before POSIX a directory was a file whose name ends in a slash.
      return name.ends_with('/') ? TarType::Directory : TarType::File;
    case '1':
      return TarType::HardLink;
    case '2':
      return TarType::SymbolicLink;
    case '3':
      return TarType::CharacterDevice;
    case '4':
      return TarType::BlockDevice;
    case '5':
      return TarType::Directory;
    case '6':
      return TarType::Fifo;
    default:
      return invalid(format("tar: unknown entry type '{}'", printable(std::string_view(&flag, 1))));
  }
}

std::string header_name(std::span<const std::byte> block) {
  auto name = text_field(block, 0, 100);
  // Only POSIX ustar has a prefix; GNU keeps other things there.
  if (field(block, 257, 6) != std::string_view("ustar\0", 6)) return name;
  auto prefix = text_field(block, 345, 155);
  return prefix.empty() ? name : format("{}/{}", prefix, name);
}

}  // namespace

struct TarReader::Pending {
  Pax pax;
  std::optional<std::string> name, link;
};

Result<std::optional<TarEntry>> TarReader::next() {
  TRY(skip(stored_ + padding_));
  stored_ = padding_ = 0;
  if (ended_) return std::optional<TarEntry>();
  Pending pending;
  std::array<std::byte, kBlock> block;
  for (int extensions = 0; extensions <= kExtensionsMax; ++extensions) {
    // One block of zeros ends it: GNU writes two, but some writers only one and then nothing.
    bool more = TRY(read_block(block));
    if (!more || all_zero(block)) {
      ended_ = true;
      if (extensions > 0) return corrupt("tar: it ends after an extension header");
      return std::optional<TarEntry>();
    }
    TRY(check_sum(block));
    auto size = TRY(size_field(block, 124, 12, "an entry's size"));
    switch (static_cast<char>(block[156])) {
      // A second header of a kind, or two that say different things, is read differently by different programs.
      case 'L':
        if (pending.name) return invalid("tar: two long names before one entry");
        pending.name = TRY(read_text(size, kNameBytesMax, "a long name"));
        break;
      case 'K':
        if (pending.link) return invalid("tar: two long link names before one entry");
        pending.link = TRY(read_text(size, kNameBytesMax, "a long link name"));
        break;
      case 'x':
        if (!pending.pax.empty()) return invalid("tar: two PAX headers before one entry");
        TRY(read_pax(size, pending.pax));
        break;
      // Global headers carry comments; the tools that make and run images do not apply them to entries.
      case 'g': {
        Pax ignored;
        TRY(read_pax(size, ignored));
        break;
      }
      case 'V':  // a volume label holds no file
        TRY(skip(size + padding_of(size)));
        break;
      default:
        return finish(block, pending);
    }
  }
  return over_limit("tar: too many extension headers before one entry");
}

Result<std::size_t> TarReader::read(std::span<std::byte> buffer) {
  auto want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), stored_));
  if (want == 0) return std::size_t{0};
  auto got = TRY(source_(buffer.first(want)));
  if (got == 0) return corrupt("tar: it ends in the middle of a file");
  stored_ -= got;
  return got;
}

Result<std::optional<TarEntry>> TarReader::finish(Block block, Pending& pending) {
  TarEntry entry;
  char flag = static_cast<char>(block[156]);
  entry.name = pending.name ? *pending.name : header_name(block);
  entry.link = pending.link ? *pending.link : text_field(block, 157, 100);
  entry.mode = static_cast<std::uint32_t>(TRY(number_field(block, 100, 8, "an entry's mode"))) & 07777;
  entry.uid = TRY(size_field(block, 108, 8, "an entry's owner"));
  entry.gid = TRY(size_field(block, 116, 8, "an entry's group"));
  entry.modified = TRY(number_field(block, 136, 12, "an entry's time"));
  entry.size = TRY(size_field(block, 124, 12, "an entry's size"));
  TRY(apply_pax(entry, pending));
  entry.type = TRY(type_of(flag, entry.name));
  if (entry.name.size() > kNameBytesMax || entry.link.size() > kNameBytesMax) {
    return over_limit("tar: a name is too long");
  }
  if (entry.name.find('\0') != std::string::npos || entry.link.find('\0') != std::string::npos) {
    return invalid("tar: a name holds a NUL byte");
  }
  if (entry.type == TarType::File) {
    TRY(locate_content(block, entry, pending));
  } else {
    // No bytes follow links, directories and devices, whatever size their header claims.
    bool is_marked_by_slash = entry.type == TarType::Directory && flag != '5';
    if (is_marked_by_slash && entry.size > 0) return invalid("tar: a directory with content");
    entry.size = 0;
  }
  return std::optional(std::move(entry));
}

Status TarReader::locate_content(Block block, TarEntry& entry, const Pending& pending) {
  stored_ = entry.size;
  padding_ = padding_of(stored_);
  bool is_gnu = static_cast<char>(block[156]) == 'S';
  bool is_pax = pending.pax.contains("GNU.sparse.major") || pending.pax.contains("GNU.sparse.size");
  if (!is_gnu && !is_pax) {
    if (entry.size > 0) entry.extents.push_back({0, entry.size});
    return {};
  }
  TRY(is_gnu ? read_gnu_sparse(block, entry) : read_pax_sparse(entry, pending));
  return check_extents(entry, stored_);
}

Status TarReader::apply_pax(TarEntry& entry, const Pending& pending) {
  auto& pax = pending.pax;
  if ((pending.name && pax.contains("path")) || (pending.link && pax.contains("linkpath"))) {
    return invalid("tar: two different long names for one entry");
  }
  for (const auto& [key, value] : pax) {
    if (value.empty()) continue;  // POSIX: an empty value takes the record back
    if (key == "path") entry.name = value;
    if (key == "linkpath") entry.link = value;
    if (key == "size") entry.size = TRY(decimal(value, "an entry's size"));
    if (key == "uid") entry.uid = TRY(decimal(value, "an entry's owner"));
    if (key == "gid") entry.gid = TRY(decimal(value, "an entry's group"));
    // Whole seconds do; a time before 1970 or one that is no number keeps the header's.
    if (key == "mtime") {
      if (auto seconds = parse_decimal(std::string_view(value).substr(0, value.find('.')));
          seconds && *seconds <= kSizeMax) {
        entry.modified = static_cast<std::int64_t>(*seconds);
      }
    }
  }
  return {};
}

// The map starts in the header (4 runs) and goes on in blocks of 21 while their last byte says so.
Status TarReader::read_gnu_sparse(Block block, TarEntry& entry) {
  entry.size = TRY(size_field(block, 483, 12, "a sparse file's size"));
  std::array<std::byte, kBlock> more;
  std::ranges::copy(block, more.begin());
  std::size_t at = 386, count = 4, flag = 482;
  for (;;) {
    for (std::size_t i = 0; i < count; ++i, at += 24) {
      if (more[at] == std::byte{0}) break;
      TRY(add_extent(entry, TRY(size_field(more, at, 12, "a sparse offset")),
                     TRY(size_field(more, at + 12, 12, "a sparse run"))));
    }
    if (more[flag] == std::byte{0}) break;
    TRY(read_exactly(more));
    at = 0, count = 21, flag = 504;
  }
  return {};
}

Status TarReader::read_pax_sparse(TarEntry& entry, const Pending& pending) {
  auto value = [&](const char* key) {
    auto found = pending.pax.find(key);
    return found == pending.pax.end() ? std::string_view() : std::string_view(found->second);
  };
  bool in_data = value("GNU.sparse.major") == "1";
  entry.size = TRY(decimal(value(in_data ? "GNU.sparse.realsize" : "GNU.sparse.size"), "a sparse file's size"));
  if (!value("GNU.sparse.name").empty()) entry.name = value("GNU.sparse.name");
  if (!in_data) {
    TRY(sparse_map_from_header(entry, pending.pax));
  } else {
    // Version 1.0: decimal numbers, one a line, in whole blocks in front of the data.
    std::uint64_t used = 0;
    auto number = [&]() -> Result<std::uint64_t> {
      std::string digits;
      for (std::byte byte; digits.size() < 20; digits.push_back(static_cast<char>(byte)), ++used) {
        if (TRY(read(std::span(&byte, 1))) == 0) return invalid("tar: a sparse map is cut short");
        if (byte == std::byte{'\n'}) break;
      }
      ++used;
      return decimal(digits, "a sparse map entry");
    };
    auto runs = TRY(number());
    for (std::uint64_t i = 0; i < runs; ++i) {
      auto offset = TRY(number());
      auto size = TRY(number());
      TRY(add_extent(entry, offset, size));
    }
    auto rest = padding_of(used);
    if (rest > stored_) return invalid("tar: a sparse map is cut short");
    TRY(skip(rest));
    stored_ -= rest;
  }
  return {};
}

// false at a clean end; a piece of a block is not a clean end.
Result<bool> TarReader::read_block(std::span<std::byte, 512> block) {
  std::size_t filled = 0;
  while (filled < block.size()) {
    auto got = TRY(source_(block.subspan(filled)));
    if (got == 0 && filled == 0) return false;
    if (got == 0) return corrupt("tar: it ends in the middle of a header");
    filled += got;
  }
  return true;
}

Status TarReader::read_exactly(std::span<std::byte> buffer) {
  while (!buffer.empty()) {
    auto got = TRY(source_(buffer));
    if (got == 0) return corrupt("tar: it ends too early");
    buffer = buffer.subspan(got);
  }
  return {};
}

Status TarReader::skip(std::uint64_t bytes) {
  std::array<std::byte, 16 << 10> buffer;
  while (bytes > 0) {
    auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, buffer.size()));
    TRY(read_exactly(std::span(buffer).first(piece)));
    bytes -= piece;
  }
  return {};
}

Result<std::string> TarReader::read_text(std::uint64_t bytes, std::size_t bytes_max, std::string_view what) {
  if (bytes > bytes_max) return over_limit(format("tar: {} is longer than {}", what, human_bytes(bytes_max)));
  std::string text(static_cast<std::size_t>(bytes), '\0');
  TRY(read_exactly(std::as_writable_bytes(std::span(text))));
  TRY(skip(padding_of(bytes)));
  // GNU ends the name with a NUL.
  while (text.ends_with('\0')) text.pop_back();
  return text;
}

Status TarReader::read_pax(std::uint64_t bytes, std::map<std::string, std::string>& into) {
  if (bytes > kPaxBytesMax) return over_limit("tar: a PAX header is too long");
  std::string text(static_cast<std::size_t>(bytes), '\0');
  TRY(read_exactly(std::as_writable_bytes(std::span(text))));
  TRY(skip(padding_of(bytes)));
  return parse_pax(text, into);
}

}  // namespace pratique::run
