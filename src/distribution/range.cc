#include "distribution/range.h"

#include <algorithm>
#include <limits>

#include "base/format.h"
#include "base/text.h"

namespace pratique::distribution {

namespace {

constexpr std::string_view kBytesUnit = "bytes=";

}  // namespace

std::variant<Whole, Unsatisfiable, ByteRange> parse_range(std::string_view header, std::uint64_t size) {
  header = trim(header);
  if (!equals_ignoring_case(header.substr(0, kBytesUnit.size()), kBytesUnit)) return Whole{};
  const auto ends = cut(trim(header.substr(kBytesUnit.size())), "-");
  if (!ends) return Whole{};
  const auto first = parse_decimal(ends->first);
  const auto last = parse_decimal(ends->second);
  if (ends->first.empty()) {
    if (!last) return Whole{};
    const std::uint64_t length = std::min(*last, size);
    if (length == 0) return Unsatisfiable{};
    return ByteRange{.offset = size - length, .length = length};
  }
  if (!first || (!last && !ends->second.empty())) return Whole{};
  if (*first >= size || (last && *last < *first)) return Unsatisfiable{};
  const std::uint64_t end = std::min(last.value_or(size - 1), size - 1);
  return ByteRange{.offset = *first, .length = end - *first + 1};
}

Result<ChunkRange> parse_chunk_range(std::string_view header) {
  std::string_view text = trim(header);
  if (text.starts_with("bytes ")) text = trim(text.substr(6));
  text = text.substr(0, text.find('/'));
  const auto ends = cut(text, "-");
  const auto first = ends ? parse_decimal(ends->first) : std::nullopt;
  const auto last = ends ? parse_decimal(ends->second) : std::nullopt;
  if (!first || !last || *last < *first || *last == std::numeric_limits<std::uint64_t>::max()) {
    return invalid(format("Content-Range must read <first byte>-<last byte>, not \"{}\"", printable(header)));
  }
  return ChunkRange{.first = *first, .last = *last};
}

std::string received_range(std::uint64_t size) {
  return format("0-{}", size == 0 ? 0 : size - 1);
}

}  // namespace pratique::distribution
