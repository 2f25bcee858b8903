#include "scan/tar_header.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/format.h"
#include "base/text.h"

namespace pratique::scan {

namespace {

struct Range {
  std::size_t at, size;
};
// POSIX ustar interchange format, and the GNU and star members that share the prefix's place.
constexpr Range kName{0, 100}, kMode{100, 8}, kUid{108, 8}, kGid{116, 8}, kSize{124, 12}, kChecksum{148, 8};
constexpr Range kLink{157, 100}, kMagic{257, 8}, kPrefix{345, 155}, kStarPrefix{345, 131}, kStarTrailer{508, 4};
constexpr Range kGnuAccessTime{345, 12}, kGnuChangeTime{357, 12}, kGnuRealSize{483, 12};
constexpr std::size_t kTypeAt = 156, kGnuIsExtendedAt = 482;

enum class Format { V7, Ustar, Star, Gnu };

std::string_view field(const TarBlock& block, Range range) {
  return {block.data() + range.at, range.size};
}

std::string text_field(const TarBlock& block, Range range) {
  auto text = field(block, range);
  return std::string(text.substr(0, text.find('\0')));
}

// Octal text between spaces and NULs, or base-256 where the first bit says so. nullopt for anything else, negatives
// too.
std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  if (static_cast<unsigned char>(text[0]) & 0x80) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      auto byte = static_cast<unsigned char>(text[i]);
      if (i == 0) byte &= 0x7F;
      if (number >> 55) return std::nullopt;
      number = number << 8 | byte;
    }
    return number;
  }
  constexpr std::string_view kPadding(" \0", 2);
  auto begin = text.find_first_not_of(kPadding);
  if (begin == std::string_view::npos) return 0;
  text = text.substr(begin, text.find_last_not_of(kPadding) - begin + 1);
  for (char c : text) {
    if (c == '\0') break;
    if (c < '0' || c > '7' || number >> 60) return std::nullopt;
    number = number << 3 | static_cast<std::uint64_t>(c - '0');
  }
  return number;
}

// The sum over all bytes, the checksum itself taken as spaces. Old writers summed signed characters.
bool has_valid_checksum(const TarBlock& block) {
  auto stated = parse_number(field(block, kChecksum));
  if (!stated) return false;
  std::int64_t as_unsigned = 0, as_signed = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    char c = i >= kChecksum.at && i < kChecksum.at + kChecksum.size ? ' ' : block[i];
    as_unsigned += static_cast<unsigned char>(c);
    as_signed += static_cast<signed char>(c);
  }
  auto sum = static_cast<std::int64_t>(*stated);
  return sum == as_unsigned || sum == as_signed;
}

Format format_of(const TarBlock& block) {
  auto magic = field(block, kMagic);
  if (magic == std::string_view("ustar  \0", 8)) return Format::Gnu;
  if (!magic.starts_with(std::string_view("ustar\0", 6))) return Format::V7;
  return field(block, kStarTrailer) == std::string_view("tar\0", 4) ? Format::Star : Format::Ustar;
}

Result<std::uint64_t> number_field(const TarBlock& block, Range range, std::string_view what) {
  auto number = parse_number(field(block, range));
  if (!number) return invalid(format("its {} is no number", what));
  return *number;
}

Status read_gnu_fields(const TarBlock& block, TarHeader& header) {
  // Some writers put a ustar prefix here under the GNU magic; readers disagree whether it is part of the name.
  if (!parse_number(field(block, kGnuAccessTime)) || !parse_number(field(block, kGnuChangeTime)))
    return invalid("its GNU fields hold something else than times");
  if (header.type != 'S') return {};
  header.is_sparse = true;
  header.logical_size = TRY(number_field(block, kGnuRealSize, "real size"));
  header.is_sparse_map_extended = block[kGnuIsExtendedAt] != 0;
  return {};
}

}  // namespace

bool is_zero(const TarBlock& block) {
  return std::all_of(block.begin(), block.end(), [](char c) { return c == 0; });
}

Result<TarHeader> parse_tar_header(const TarBlock& block) {
  if (!has_valid_checksum(block)) return invalid("its checksum does not match");
  TarHeader header;
  header.name = text_field(block, kName);
  header.link = text_field(block, kLink);
  header.type = block[kTypeAt];
  header.mode = static_cast<std::uint32_t>(TRY(number_field(block, kMode, "mode")) & 07777);
  header.uid = TRY(number_field(block, kUid, "owner"));
  header.gid = TRY(number_field(block, kGid, "group"));
  header.size = header.logical_size = TRY(number_field(block, kSize, "size"));
  auto kind = format_of(block);
  if (kind == Format::Gnu) {
    TRY(read_gnu_fields(block, header));
  } else if (header.type == 'S') {
    return invalid("it is a sparse file of a format nobody reads");
  }
  std::string prefix;
  if (kind == Format::Ustar) prefix = text_field(block, kPrefix);
  if (kind == Format::Star) prefix = text_field(block, kStarPrefix);
  if (!prefix.empty()) header.name = prefix + "/" + header.name;
  return header;
}

namespace {

using Records = std::vector<std::pair<std::string_view, std::string_view>>;

// "27 path=usr/share/doc/readme\n" and so on: the length counts the whole record.
Result<Records> split_pax(std::string_view body) {
  Records records;
  while (!body.empty()) {
    auto space = body.find(' ');
    auto length = parse_decimal(body.substr(0, space));
    if (space == std::string_view::npos || !length || *length > body.size() || *length < space + 3)
      return invalid("a PAX record's length is wrong");
    auto record = body.substr(space + 1, *length - space - 1);
    body.remove_prefix(*length);
    auto equals = record.find('=');
    if (record.back() != '\n' || equals == std::string_view::npos || equals == 0)
      return invalid("a PAX record is malformed");
    records.emplace_back(record.substr(0, equals), record.substr(equals + 1, record.size() - equals - 2));
  }
  return records;
}

Status set_number(std::string_view key, std::string_view value, std::optional<std::uint64_t>& to) {
  if (value.empty()) {
    to.reset();
    return {};
  }
  to = parse_decimal(value);
  // The upper half is negative for readers that use signed numbers.
  if (!to || *to >> 63) return invalid(format("the PAX record \"{}\" is no number", key));
  return {};
}

Status set_text(std::string_view key, std::string_view value, std::optional<std::string>& to) {
  if (value.find('\0') != std::string_view::npos) return invalid(format("the PAX record \"{}\" holds a NUL", key));
  to.reset();
  if (!value.empty()) to = std::string(value);
  return {};
}

}  // namespace

bool TarOverrides::is_empty() const {
  return !path && !link && !size && !uid && !gid && !long_name && !long_link && !has_sparse;
}

Status TarOverrides::parse_pax(std::string_view body) {
  auto name = std::exchange(long_name, std::nullopt);
  auto target = std::exchange(long_link, std::nullopt);
  *this = TarOverrides();
  long_name = std::move(name);
  long_link = std::move(target);
  for (auto [key, value] : TRY(split_pax(body))) {
    if (key == "path") TRY(set_text(key, value, path));
    if (key == "linkpath") TRY(set_text(key, value, link));
    if (key == "size") TRY(set_number(key, value, size));
    if (key == "uid") TRY(set_number(key, value, uid));
    if (key == "gid") TRY(set_number(key, value, gid));
    if (key.starts_with("GNU.sparse.")) has_sparse = true;
    if (key == "GNU.sparse.name") TRY(set_text(key, value, sparse_name));
    if (key == "GNU.sparse.size" || key == "GNU.sparse.realsize") TRY(set_number(key, value, sparse_size));
    if (key == "GNU.sparse.major") sparse_major = value;
    if (key == "GNU.sparse.minor") sparse_minor = value;
  }
  return {};
}

Status TarOverrides::apply_to(TarHeader& header) const {
  if (path) header.name = *path;
  if (link) header.link = *link;
  if (uid) header.uid = *uid;
  if (gid) header.gid = *gid;
  if (size) header.size = header.logical_size = *size;
  if (long_name) header.name = *long_name;
  if (long_link) header.link = *long_link;
  if (!has_sparse) return {};
  // Versions 0.0 (says neither number), 0.1 and 1.0 exist.
  bool is_known = (sparse_major.empty() && sparse_minor.empty()) ||
                  (sparse_major == "0" && (sparse_minor == "0" || sparse_minor == "1")) ||
                  (sparse_major == "1" && sparse_minor == "0");
  if (!is_known) return invalid("its sparse format is unknown");
  header.is_sparse = true;
  if (sparse_name) header.name = *sparse_name;
  if (sparse_size) header.logical_size = *sparse_size;
  return {};
}

bool is_ambiguous_global_header(std::string_view body) {
  auto records = split_pax(body);
  if (!records.ok()) return true;
  return std::any_of(records->begin(), records->end(), [](const auto& record) {
    auto key = record.first;
    return key == "path" || key == "linkpath" || key == "size" || key.starts_with("GNU.sparse.");
  });
}

}  // namespace pratique::scan
