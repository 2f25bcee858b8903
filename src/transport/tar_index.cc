#include "transport/tar_index.h"

#include <array>
#include <optional>

#include "base/format.h"
#include "base/text.h"
#include "os/file.h"

namespace pratique::transport {

namespace {

constexpr std::uint64_t kBlock = 512;
// An image archive has a handful of members a layer. A million headers would be half a GiB of names.
constexpr std::size_t kMembersMax = 100'000;
// A PAX header or a long name holds one path; Linux stops at 4 KiB, other records (xattrs) are longer.
constexpr std::uint64_t kExtensionBytesMax = 1 << 20;
constexpr int kLinkHopsMax = 8;

using Block = std::array<std::byte, kBlock>;

struct Field {
  std::size_t offset, length;
};
constexpr Field kName{0, 100}, kSize{124, 12}, kChecksum{148, 8}, kLinkName{157, 100}, kMagic{257, 5},
    kPrefix{345, 155};
constexpr std::size_t kTypeAt = 156;

std::string_view raw(const Block& block, Field field) {
  return as_text(Bytes(block)).substr(field.offset, field.length);
}
std::string_view text(const Block& block, Field field) {
  auto bytes = raw(block, field);
  return bytes.substr(0, bytes.find('\0'));
}

// Octal with blanks around it, or base-256 where the top bit is set (GNU and star, for sizes from 8 GiB).
std::optional<std::uint64_t> number(const Block& block, Field field) {
  auto bytes = raw(block, field);
  std::uint64_t value = 0;
  if (static_cast<unsigned char>(bytes[0]) == 0x80) {
    for (char c : bytes.substr(1)) {
      if (value >> 55) return std::nullopt;
      value = value << 8 | static_cast<unsigned char>(c);
    }
    return value;
  }
  auto digits = trim(bytes.substr(0, bytes.find('\0')));
  for (char c : digits) {
    if (c < '0' || c > '7' || value >> 60) return std::nullopt;
    value = value << 3 | static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

bool is_zero(const Block& block) {
  return as_text(Bytes(block)).find_first_not_of('\0') == std::string_view::npos;
}

// The sum of all bytes with the checksum itself taken as blanks; old tars added signed chars.
bool has_good_checksum(const Block& block) {
  auto stored = number(block, kChecksum);
  std::int64_t plain = 0, with_signs = 0;
  for (std::size_t i = 0; i < kBlock; ++i) {
    bool is_own = i >= kChecksum.offset && i < kChecksum.offset + kChecksum.length;
    auto byte = is_own ? static_cast<unsigned char>(' ') : static_cast<unsigned char>(block[i]);
    plain += byte;
    with_signs += static_cast<signed char>(byte);
  }
  return stored && (static_cast<std::int64_t>(*stored) == plain || static_cast<std::int64_t>(*stored) == with_signs);
}

// What PAX records and GNU long names say about the member that follows them.
struct Extension {
  std::optional<std::string> path, link;
  std::optional<std::uint64_t> size;
};

// "LENGTH KEY=VALUE\n", LENGTH counting the whole record.
Status read_pax(std::string_view records, Extension& extension) {
  while (!records.empty()) {
    auto blank = records.find(' ');
    auto length = parse_decimal(records.substr(0, blank));
    if (blank == std::string_view::npos || !length || *length > records.size() || *length < blank + 3) {
      return corrupt("a PAX header with a malformed record");
    }
    auto record = records.substr(blank + 1, *length - blank - 1);
    records.remove_prefix(*length);
    auto pair = cut(record, "=");
    if (!pair || record.back() != '\n') return corrupt("a PAX header with a malformed record");
    auto value = pair->second.substr(0, pair->second.size() - 1);
    if (pair->first == "path") extension.path = value;
    if (pair->first == "linkpath") extension.link = value;
    if (pair->first != "size") continue;
    extension.size = parse_decimal(value);
    if (!extension.size) return corrupt("a PAX header with a malformed size");
  }
  return {};
}

std::string full_name(const Block& block) {
  std::string name(text(block, kName));
  auto prefix = text(block, kPrefix);
  bool is_ustar = raw(block, kMagic) == "ustar" && as_text(Bytes(block))[kMagic.offset + kMagic.length] == '\0';
  return is_ustar && !prefix.empty() ? format("{}/{}", prefix, name) : name;
}

// A symlink's target counts from the link's own directory; a hard link's from the root.
std::string link_target(std::string_view name, std::string_view target, char type) {
  auto slash = name.rfind('/');
  if (type != '2' || target.starts_with('/') || slash == std::string_view::npos) return std::string(target);
  return format("{}/{}", name.substr(0, slash), target);
}

}  // namespace

std::optional<std::string> clean_member_name(std::string_view name) {
  std::vector<std::string> parts;
  for (auto part : split(name, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.emplace_back(part);
      continue;
    }
    if (parts.empty()) return std::nullopt;
    parts.pop_back();
  }
  if (parts.empty()) return std::nullopt;
  return join(parts, "/");
}

// Walks the headers from the front; each step checks that the content lies inside the file.
class TarReader {
 public:
  explicit TarReader(const os::Fd& file, std::uint64_t file_bytes) : file_(file), file_bytes_(file_bytes) {}

  Result<TarIndex> read() {
    while (TRY(step())) {
    }
    if (headers_ == 0) return corrupt("no tar archive: it has no member");
    return std::move(index_);
  }

 private:
  // One header; false at the end of the archive.
  Result<bool> step() {
    Block block;
    std::size_t got = TRY(os::read_at(file_, block, at_));
    if (got == 0) return false;  // the end marker is missing, as some writers leave it out
    if (got < kBlock) return corrupt("a tar archive that is cut short in a header");
    if (is_zero(block)) return false;
    if (!has_good_checksum(block)) return corrupt(format("no tar header at byte {}", at_));
    if (++headers_ > kMembersMax) return over_limit(format("a tar archive of more than {} members", kMembersMax));
    at_ += kBlock;
    char type = static_cast<char>(block[kTypeAt]);
    auto size = number(block, kSize);
    if (!size) return corrupt("a tar header with a malformed size");
    if (type == 'x' || type == 'g' || type == 'L' || type == 'K')
      TRY(read_extension(type, *size));
    else
      TRY(add(block, type, *size));
    return true;
  }

  Status read_extension(char type, std::uint64_t size) {
    if (size > kExtensionBytesMax) return over_limit("a tar archive with a name beyond 1 MiB");
    std::string content(size, '\0');
    if (TRY(os::read_at(file_, std::as_writable_bytes(std::span(content)), at_)) < size) {
      return corrupt("a tar archive that is cut short in a name");
    }
    TRY(skip(size));
    std::string name(std::string_view(content).substr(0, content.find('\0')));
    if (type == 'L') next_.path = std::move(name);
    if (type == 'K') next_.link = std::move(name);
    return type == 'x' ? read_pax(content, next_) : Status();
  }

  Status add(const Block& block, char type, std::uint64_t size) {
    Extension extension = std::exchange(next_, {});
    size = extension.size.value_or(size);
    bool is_file = type == '0' || type == '\0' || type == '7';
    bool has_content =
        is_file || (type != '1' && type != '2' && type != '3' && type != '4' && type != '5' && type != '6');
    std::string stored = extension.path.value_or(full_name(block));
    // An old tar marks a directory by the slash alone.
    if (is_file && stored.ends_with('/') && size == 0) is_file = false;
    TarIndex::Entry entry;
    entry.member = {at_, size};
    entry.kind = is_file ? TarIndex::Kind::File : TarIndex::Kind::Other;
    if (has_content) TRY(skip(size));
    auto name = clean_member_name(stored);
    if (!name) return {};  // unreachable by any name we look up
    if (type == '1' || type == '2') {
      auto target =
          clean_member_name(link_target(*name, extension.link.value_or(std::string(text(block, kLinkName))), type));
      if (!target) return {};
      entry.kind = TarIndex::Kind::Link;
      entry.target = std::move(*target);
    }
    remember(std::move(*name), std::move(entry));
    return {};
  }

  // Unpackers let the last of two equal names win, streaming readers take the first: neither is right for all.
  void remember(std::string name, TarIndex::Entry entry) {
    auto [place, is_new] = index_.entries_.try_emplace(std::move(name), entry);
    if (is_new) return;
    bool both_other = place->second.kind == TarIndex::Kind::Other && entry.kind == TarIndex::Kind::Other;
    bool same_link = place->second.kind == TarIndex::Kind::Link && entry.kind == TarIndex::Kind::Link &&
                     place->second.target == entry.target;
    if (!both_other && !same_link) place->second.is_ambiguous = true;
  }

  // Content is padded to whole blocks; the last padding may be missing.
  Status skip(std::uint64_t size) {
    if (size > file_bytes_ - at_) return corrupt("a tar archive that is cut short in a member");
    at_ += (size + kBlock - 1) / kBlock * kBlock;
    if (at_ > file_bytes_) at_ = file_bytes_;
    return {};
  }

  const os::Fd& file_;
  std::uint64_t file_bytes_;
  std::uint64_t at_ = 0;
  std::size_t headers_ = 0;
  Extension next_;
  TarIndex index_;
};

Result<TarIndex> TarIndex::read(const os::Fd& file) {
  std::uint64_t size = TRY(os::file_size(file));
  return TarReader(file, size).read();
}

Result<TarIndex::Member> TarIndex::find(const std::string& name) const {
  std::string now = name;
  for (int hop = 0; hop <= kLinkHopsMax; ++hop) {
    auto found = entries_.find(now);
    if (found == entries_.end() || found->second.kind == Kind::Other) {
      return not_found(format("the archive has no file \"{}\"", printable(now)));
    }
    if (found->second.is_ambiguous) return corrupt(format("the archive has \"{}\" twice", printable(now)));
    if (found->second.kind == Kind::File) return found->second.member;
    now = found->second.target;
  }
  return corrupt(format("links of \"{}\" go in circles", printable(name)));
}

}  // namespace pratique::transport
