#include "advisory/image.h"

#include <algorithm>

#include "advisory/info.h"
#include "base/format.h"
#include "base/hash.h"

namespace pratique::advisory {

namespace {

// Reads a record; after a failure every further read fails too, so callers check once at the end of a group.
class RecordReader {
 public:
  explicit RecordReader(std::string_view bytes) : rest_(bytes) {}

  bool at_end() const { return rest_.empty(); }

  Result<std::uint8_t> byte() {
    if (rest_.empty()) return ends_early();
    auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }

  Result<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      std::uint8_t next = TRY(byte());
      value |= static_cast<std::uint64_t>(next & 0x7F) << shift;
      if (next < 0x80) return value;
    }
    return corrupt("an advisory record holds an overlong number");
  }

  // A count of things that take at least `bytes_each`: one that cannot fit is damage, found before memory is asked for.
  Result<std::size_t> count(std::size_t bytes_each) {
    std::uint64_t value = TRY(varint());
    if (value > rest_.size() / bytes_each) return ends_early();
    return static_cast<std::size_t>(value);
  }

 private:
  static Error ends_early() { return corrupt("an advisory record ends early"); }
  std::string_view rest_;
};

Result<Header> decode_header(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return corrupt("the advisory database is shorter than its header");
  if (!bytes.starts_with(kMagic)) return corrupt("this is no advisory database");
  auto version = get<std::uint32_t>(bytes.data() + 8);
  if (version != kFormatVersion) {
    return corrupt(format("the advisory database has format {}, this program reads {}", version, kFormatVersion));
  }
  auto sum = sha256(as_bytes(bytes.substr(0, kHeaderSumOffset)));
  if (as_text(sum) != bytes.substr(kHeaderSumOffset, 32)) return corrupt("the advisory database's header is damaged");
  Header header;
  header.file_bytes = get<std::uint64_t>(bytes.data() + 16);
  header.built_micros = static_cast<std::int64_t>(get<std::uint64_t>(bytes.data() + 24));
  header.advisories = get<std::uint64_t>(bytes.data() + 32);
  const char* at = bytes.data() + 40;
  for (Section* section : {&header.info, &header.string_offsets, &header.string_bytes, &header.keys, &header.records}) {
    *section = {get<std::uint64_t>(at), get<std::uint64_t>(at + 8)};
    at += 16;
  }
  header.content_sum = std::string(at, 32);
  return header;
}

Result<std::string_view> section_of(std::string_view bytes, const Section& section) {
  if (section.offset > bytes.size() || section.length > bytes.size() - section.offset) {
    return corrupt("a section of the advisory database lies outside the file");
  }
  return bytes.substr(section.offset, section.length);
}

}  // namespace

Result<Image> Image::parse(std::string_view bytes, Database::Verify verify) {
  Header header = TRY(decode_header(bytes));
  if (header.file_bytes != bytes.size()) {
    return corrupt(format("the advisory database has {} bytes and should have {}", bytes.size(), header.file_bytes));
  }
  if (verify == Database::Verify::Checksum) {
    auto sum = sha256(as_bytes(bytes.substr(kHeaderBytes)));
    if (as_text(sum) != header.content_sum) return corrupt("the advisory database does not match its checksum");
  }
  Image image;
  TRY(image.place_sections(bytes, header));
  image.info_.built = Time::from_unix_micros(header.built_micros);
  image.info_.advisories = header.advisories;
  image.info_.digest = to_hex(as_bytes(header.content_sum));
  TRY(decode_info(TRY(section_of(bytes, header.info)), image.info_));
  return image;
}

Status Image::place_sections(std::string_view bytes, const Header& header) {
  string_offsets_ = TRY(section_of(bytes, header.string_offsets));
  string_bytes_ = TRY(section_of(bytes, header.string_bytes));
  keys_ = TRY(section_of(bytes, header.keys));
  records_ = TRY(section_of(bytes, header.records));
  if (keys_.size() % kKeyRowBytes != 0 || string_offsets_.size() % 4 != 0) {
    return corrupt("a table of the advisory database ends inside a row");
  }
  return {};
}

KeyRow Image::key(std::size_t index) const {
  const char* at = keys_.data() + index * kKeyRowBytes;
  return {get<std::uint32_t>(at), get<std::uint32_t>(at + 4), get<std::uint64_t>(at + 8), get<std::uint32_t>(at + 16),
          get<std::uint32_t>(at + 20)};
}

Result<std::string_view> Image::text(std::uint64_t id) const {
  std::size_t offsets = string_offsets_.size() / 4;
  if (offsets == 0 || id >= offsets - 1) return corrupt("an advisory record names a text that does not exist");
  auto begin = get<std::uint32_t>(string_offsets_.data() + id * 4);
  auto end = get<std::uint32_t>(string_offsets_.data() + id * 4 + 4);
  if (begin > end || end > string_bytes_.size()) return corrupt("a text of the advisory database lies outside it");
  return string_bytes_.substr(begin, end - begin);
}

Result<std::optional<KeyRow>> Image::find(std::string_view stream, std::string_view package) const {
  std::size_t low = 0;
  std::size_t high = key_count();
  while (low < high) {
    std::size_t middle = low + (high - low) / 2;
    KeyRow row = key(middle);
    int order = TRY(text(row.stream)).compare(stream);
    if (order == 0) order = TRY(text(row.package)).compare(package);
    if (order == 0) return std::optional(row);
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return std::optional<KeyRow>();
}

Status Image::read_records(const KeyRow& row, const std::function<Status(vuln::Advisory)>& visit) const {
  RecordReader reader(TRY(section_of(records_, {row.record_offset, row.record_bytes})));
  auto next_text = [&]() -> Result<std::string> { return std::string(TRY(text(TRY(reader.varint())))); };
  const std::string stream(TRY(text(row.stream)));
  const std::string package(TRY(text(row.package)));
  for (std::uint32_t i = 0; i < row.record_count; ++i) {
    vuln::Advisory advisory;
    advisory.stream = stream;
    advisory.package = package;
    advisory.is_known_exploited = (TRY(reader.byte()) & 1) != 0;
    auto status = TRY(reader.byte());
    auto severity = TRY(reader.byte());
    if (status > static_cast<std::uint8_t>(vuln::AdvisoryStatus::NotAffected) ||
        severity > static_cast<std::uint8_t>(vuln::Severity::Critical)) {
      return corrupt("an advisory record holds an unknown status or severity");
    }
    advisory.status = static_cast<vuln::AdvisoryStatus>(status);
    advisory.severity = static_cast<vuln::Severity>(severity);
    for (auto* field : {&advisory.id, &advisory.severity_source, &advisory.summary, &advisory.url, &advisory.source})
      *field = TRY(next_text());
    advisory.aliases.resize(TRY(reader.count(1)));
    for (auto& alias : advisory.aliases) alias = TRY(next_text());
    advisory.ranges.resize(TRY(reader.count(3)));
    for (auto& range : advisory.ranges)
      for (auto* bound : {&range.introduced, &range.fixed, &range.last_affected}) *bound = TRY(next_text());
    advisory.versions.resize(TRY(reader.count(1)));
    for (auto& version : advisory.versions) version = TRY(next_text());
    TRY(visit(std::move(advisory)));
  }
  if (!reader.at_end()) return corrupt("an advisory record is followed by bytes that belong to none");
  return {};
}

Result<std::vector<vuln::Advisory>> Image::lookup(std::string_view stream, std::string_view package) const {
  std::vector<vuln::Advisory> found;
  auto row = TRY(find(stream, package));
  if (!row) return found;
  TRY(read_records(*row, [&](vuln::Advisory advisory) {
    found.push_back(std::move(advisory));
    return Status();
  }));
  return found;
}

Status Image::for_each(const std::function<Status(const vuln::Advisory&)>& visit) const {
  for (std::size_t i = 0; i < key_count(); ++i)
    TRY(read_records(key(i), [&](vuln::Advisory advisory) { return visit(advisory); }));
  return {};
}

}  // namespace pratique::advisory
