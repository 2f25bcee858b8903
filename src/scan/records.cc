#include "scan/records.h"

#include <algorithm>
#include <cstring>

#include "base/format.h"
#include "base/text.h"
#include "scan/extractors/extractors.h"
#include "scan/path.h"

namespace pratique::scan {

namespace {

enum Tag : std::uint8_t { kEntry = 'E', kExtract = 'X', kGap = 'G', kEnd = 'Z' };

// Gaps and fields of packages are sentences and words; a path of 4096 bytes shown as \xNN is the longest of them.
constexpr std::size_t kTextBytesMax = 17'000;
// More gaps than a worker makes (LayerReader limits itself; each extract to kGapsPerFileMax).
constexpr std::size_t kGapsMax = 10'000;
constexpr std::size_t kPackagesMax = 1'000'000;
constexpr std::size_t kIdLikeMax = 16;

}  // namespace

void RecordWriter::number(std::uint64_t value) {
  while (value >= 0x80) {
    out_ += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out_ += static_cast<char>(value);
}

void RecordWriter::text(std::string_view value) {
  number(value.size());
  out_ += value;
}

void RecordWriter::entry(const FileEntry& entry) {
  out_ += static_cast<char>(kEntry);
  out_ += static_cast<char>(entry.type);
  number(entry.mode);
  number(entry.uid);
  number(entry.gid);
  number(entry.size);
  text(entry.path);
  text(entry.link);
}

void RecordWriter::package(const vuln::Package& package) {
  text(vuln::purl_type(package.kind));
  for (const auto* field : {&package.name, &package.version, &package.architecture, &package.source_name,
                            &package.source_version, &package.maintainer, &package.licence, &package.location})
    text(*field);
}

void RecordWriter::distribution(const vuln::Distribution& distribution) {
  for (const auto* field :
       {&distribution.id, &distribution.version_id, &distribution.codename, &distribution.pretty_name})
    text(*field);
  auto count = std::min(distribution.id_like.size(), kIdLikeMax);
  number(count);
  for (std::size_t i = 0; i < count; ++i) text(distribution.id_like[i]);
}

void RecordWriter::extract(const Extract& extract) {
  out_ += static_cast<char>(kExtract);
  number(extract.entry);
  text(extract.extractor);
  number(extract.packages.size());
  for (const auto& item : extract.packages) package(item);
  number(extract.distribution ? 1 : 0);
  if (extract.distribution) distribution(*extract.distribution);
  number(extract.gaps.size());
  for (const auto& item : extract.gaps) gap(item);
  number(extract.notes.size());
  for (const auto& note : extract.notes) {
    number(static_cast<std::uint64_t>(note.kind));
    number(note.line);
    text(note.text);
  }
}

void RecordWriter::gap(const Gap& gap) {
  out_ += static_cast<char>(kGap);
  text(gap.code);
  text(gap.what);
  text(gap.reason);
}

void RecordWriter::end(const LayerEnd& end) {
  out_ += static_cast<char>(kEnd);
  number(end.is_layer ? 1 : 0);
  number(end.uncompressed_bytes);
  number(end.diff_id ? 1 : 0);
  if (end.diff_id) out_ += as_text(*end.diff_id);
}

namespace {

Result<Sha256::Sum> sum_of(const oci::Digest& digest) {
  auto raw = TRY(from_hex(digest.encoded()));
  Sha256::Sum sum;
  if (raw.size() != sum.size()) return invalid("a diffID that is no sha256");
  std::memcpy(sum.data(), raw.data(), sum.size());
  return sum;
}

}  // namespace

std::string encode_records(const LayerInventory& inventory) {
  std::string bytes;
  RecordWriter writer(bytes);
  for (const auto& entry : inventory.files) writer.entry(entry);
  for (const auto& extract : inventory.extracts) writer.extract(extract);
  for (const auto& gap : inventory.gaps) writer.gap(gap);
  LayerEnd end{.is_layer = inventory.is_layer, .uncompressed_bytes = inventory.uncompressed_bytes};
  if (inventory.diff_id) {
    auto sum = sum_of(*inventory.diff_id);
    CHECK(sum.ok(), "we compute diffIDs with sha256 only");
    end.diff_id = *sum;
  }
  writer.end(end);
  return bytes;
}

namespace {

class RecordReader {
 public:
  RecordReader(std::string_view bytes, const Limits& limits, LayerInventory& into)
      : bytes_(bytes), limits_(limits), into_(into) {}

  Status read() {
    while (!ended_) {
      if (bytes_.empty()) return corrupt("the inventory has no end");
      switch (TRY(byte())) {
        case kEntry:
          TRY(read_entry());
          break;
        case kExtract:
          TRY(read_extract());
          break;
        case kGap:
          if (into_.gaps.size() == kGapsMax) return over_limit("too many gaps");
          into_.gaps.push_back(TRY(read_gap()));
          break;
        case kEnd:
          TRY(read_end());
          break;
        default:
          return corrupt("an unknown record");
      }
    }
    if (!bytes_.empty()) return corrupt("bytes follow the inventory's end");
    return {};
  }

 private:
  Result<std::uint8_t> byte() {
    if (bytes_.empty()) return corrupt("the inventory ends inside a record");
    auto value = static_cast<std::uint8_t>(bytes_[0]);
    bytes_.remove_prefix(1);
    return value;
  }

  // LEB128 in its shortest form: one value, one spelling.
  Result<std::uint64_t> number(std::uint64_t max) {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      std::uint64_t piece = TRY(byte());
      if (shift == 63 && piece > 1) return corrupt("a number is too large");
      value |= (piece & 0x7F) << shift;
      if (piece & 0x80) continue;
      if (piece == 0 && shift > 0) return corrupt("a number is not in its shortest form");
      if (value > max) return corrupt("a number is out of range");
      return value;
    }
    return corrupt("a number is too long");
  }

  Result<std::string> raw_text(std::size_t bytes_max) {
    auto size = TRY(number(bytes_max));
    if (size > bytes_.size()) return corrupt("a text is longer than the inventory");
    std::string text(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return text;
  }

  Result<std::string> text() {
    auto value = TRY(raw_text(kTextBytesMax));
    if (!is_utf8(value)) return corrupt("a text is not UTF-8");
    return value;
  }

  Status read_entry() {
    if (into_.files.size() == limits_.entries_max) return over_limit("too many entries");
    FileEntry entry;
    auto type = TRY(byte());
    if (type > static_cast<std::uint8_t>(FileType::OpaqueMark)) return corrupt("an unknown file type");
    entry.type = static_cast<FileType>(type);
    entry.mode = static_cast<std::uint32_t>(TRY(number(07777)));
    entry.uid = static_cast<std::uint32_t>(TRY(number(UINT32_MAX)));
    entry.gid = static_cast<std::uint32_t>(TRY(number(UINT32_MAX)));
    entry.size = TRY(number(UINT64_MAX));
    entry.path = TRY(raw_text(limits_.path_bytes_max));
    entry.link = TRY(raw_text(limits_.path_bytes_max));
    bool may_be_root = entry.type == FileType::OpaqueMark;
    if (!is_normalised(entry.path) || (entry.path.empty() && !may_be_root)) return corrupt("a path is not normalised");
    if (entry.type == FileType::Hardlink && !is_normalised(entry.link)) return corrupt("a link is not normalised");
    into_.files.push_back(std::move(entry));
    return {};
  }

  Result<Gap> read_gap() {
    Gap gap;
    gap.code = TRY(text());
    gap.what = TRY(text());
    gap.reason = TRY(text());
    return gap;
  }

  Result<vuln::Package> read_package() {
    auto kind = vuln::package_kind(TRY(text()));
    if (!kind) return corrupt("an unknown kind of package");
    vuln::Package package{.kind = *kind};
    for (auto* field : {&package.name, &package.version, &package.architecture, &package.source_name,
                        &package.source_version, &package.maintainer, &package.licence, &package.location})
      *field = TRY(text());
    if (package.name.empty() || package.version.empty()) return corrupt("a package without name or version");
    return package;
  }

  Result<vuln::Distribution> read_distribution() {
    vuln::Distribution distribution;
    for (auto* field : {&distribution.id, &distribution.version_id, &distribution.codename, &distribution.pretty_name})
      *field = TRY(text());
    auto count = TRY(number(kIdLikeMax));
    for (std::uint64_t i = 0; i < count; ++i) distribution.id_like.push_back(TRY(text()));
    return distribution;
  }

  Status read_extract() {
    Extract extract;
    extract.entry = TRY(number(UINT32_MAX));
    extract.extractor = TRY(text());
    if (extract.entry >= into_.files.size() || into_.files[extract.entry].type != FileType::Regular)
      return corrupt("an extract of a file that is not there");
    if (!extractor_named(extract.extractor)) return corrupt("an extract of an unknown kind");
    auto packages = TRY(number(kPackagesPerFileMax));
    packages_ += packages;
    if (packages_ > kPackagesMax) return over_limit("too many packages");
    for (std::uint64_t i = 0; i < packages; ++i) extract.packages.push_back(TRY(read_package()));
    if (TRY(number(1)) == 1) extract.distribution = TRY(read_distribution());
    auto gaps = TRY(number(kGapsPerFileMax + 2));
    for (std::uint64_t i = 0; i < gaps; ++i) {
      if (TRY(byte()) != kGap) return corrupt("an extract holds something else than a gap");
      extract.gaps.push_back(TRY(read_gap()));
    }
    TRY(read_notes(extract));
    into_.extracts.push_back(std::move(extract));
    return {};
  }

  Status read_notes(Extract& extract) {
    auto notes = TRY(number(kNotesPerFileMax));
    for (std::uint64_t i = 0; i < notes; ++i) {
      SourceNote note;
      note.kind = static_cast<NoteKind>(TRY(number(static_cast<std::uint64_t>(NoteKind::UnreadSource))));
      note.line = static_cast<std::uint32_t>(TRY(number(UINT32_MAX)));
      note.text = TRY(text());
      extract.notes.push_back(std::move(note));
    }
    return {};
  }

  Status read_end() {
    into_.is_layer = TRY(number(1)) == 1;
    into_.uncompressed_bytes = TRY(number(UINT64_MAX));
    if (TRY(number(1)) == 1) {
      Sha256::Sum sum;
      if (bytes_.size() < sum.size()) return corrupt("the inventory ends inside a digest");
      std::memcpy(sum.data(), bytes_.data(), sum.size());
      bytes_.remove_prefix(sum.size());
      into_.diff_id = oci::Digest::from(sum);
    }
    ended_ = true;
    return {};
  }

  std::string_view bytes_;
  const Limits& limits_;
  LayerInventory& into_;
  std::uint64_t packages_ = 0;
  bool ended_ = false;
};

}  // namespace

Status decode_records(std::string_view bytes, const Limits& limits, LayerInventory& into) {
  return RecordReader(bytes, limits, into).read();
}

}  // namespace pratique::scan
