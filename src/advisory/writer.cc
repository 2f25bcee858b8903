#include "advisory/writer.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "advisory/info.h"
#include "advisory/layout.h"
#include "base/check.h"
#include "base/hash.h"

namespace pratique::advisory {

namespace {

// Offsets of strings and rows are 32 bits wide.
constexpr std::uint64_t kTextBytesMax = std::numeric_limits<std::uint32_t>::max();

// The flags of a record are its first byte.
constexpr char kExploitedFlag = 1;

Section append(std::string& file, std::string_view bytes) {
  Section section{file.size(), bytes.size()};
  file += bytes;
  return section;
}

}  // namespace

std::uint32_t Writer::intern(std::string_view text) {
  if (auto known = string_ids_.find(text); known != string_ids_.end()) return known->second;
  auto id = static_cast<std::uint32_t>(strings_.size());
  string_bytes_ += text.size();
  string_ids_.emplace(strings_.emplace_back(text), id);
  return id;
}

Status Writer::add(const vuln::Advisory& advisory) {
  intern("");  // number 0, so that absent texts cost one byte
  Entry entry{.stream = intern(advisory.stream),
              .package = intern(advisory.package),
              .id = intern(advisory.id),
              .length = 0,
              .offset = records_.size(),
              .first_alias = static_cast<std::uint32_t>(aliases_.size()),
              .alias_count = static_cast<std::uint32_t>(advisory.aliases.size())};
  records_.push_back(advisory.is_known_exploited ? kExploitedFlag : 0);
  records_.push_back(static_cast<char>(advisory.status));
  records_.push_back(static_cast<char>(advisory.severity));
  put_varint(records_, entry.id);
  for (const auto* text : {&advisory.severity_source, &advisory.summary, &advisory.url, &advisory.source})
    put_varint(records_, intern(*text));
  put_varint(records_, advisory.aliases.size());
  for (const auto& alias : advisory.aliases) put_varint(records_, aliases_.emplace_back(intern(alias)));
  put_varint(records_, advisory.ranges.size());
  for (const auto& range : advisory.ranges)
    for (const auto* bound : {&range.introduced, &range.fixed, &range.last_affected})
      put_varint(records_, intern(*bound));
  put_varint(records_, advisory.versions.size());
  for (const auto& version : advisory.versions) put_varint(records_, intern(version));
  entry.length = static_cast<std::uint32_t>(records_.size() - entry.offset);
  entries_.push_back(entry);
  if (string_bytes_ > kTextBytesMax) return over_limit("the advisories hold more than 4 GiB of text");
  return {};
}

std::string_view Writer::record(const Entry& entry) const {
  return std::string_view(records_).substr(entry.offset, entry.length);
}

// Known exploited vulnerabilities come from a source of their own, read before or after what they mark.
void Writer::mark_records() {
  std::unordered_set<std::uint32_t> marked;
  for (const auto& id : exploited_)
    if (auto known = string_ids_.find(id); known != string_ids_.end()) marked.insert(known->second);
  for (const auto& entry : entries_) {
    auto first = aliases_.begin() + entry.first_alias;
    bool is_marked = marked.contains(entry.id) ||
                     std::any_of(first, first + entry.alias_count, [&](auto alias) { return marked.contains(alias); });
    if (is_marked) records_[entry.offset] = static_cast<char>(records_[entry.offset] | kExploitedFlag);
  }
}

void Writer::sort_entries() {
  auto rank = [&](const Entry& e) { return std::make_tuple(text(e.stream), text(e.package), text(e.id), record(e)); };
  std::sort(entries_.begin(), entries_.end(), [&](const Entry& a, const Entry& b) { return rank(a) < rank(b); });
  auto same = [&](const Entry& a, const Entry& b) { return rank(a) == rank(b); };
  entries_.erase(std::unique(entries_.begin(), entries_.end(), same), entries_.end());
}

std::uint64_t Writer::lay_out(std::string& keys, std::string& records) const {
  for (std::size_t i = 0; i < entries_.size();) {
    KeyRow row{entries_[i].stream, entries_[i].package, records.size(), 0, 0};
    for (; i < entries_.size() && entries_[i].stream == row.stream && entries_[i].package == row.package; ++i) {
      records += record(entries_[i]);
      ++row.record_count;
    }
    row.record_bytes = static_cast<std::uint32_t>(records.size() - row.record_offset);
    put(keys, row.stream);
    put(keys, row.package);
    put(keys, row.record_offset);
    put(keys, row.record_bytes);
    put(keys, row.record_count);
  }
  return entries_.size();
}

Result<std::string> Writer::finish(DatabaseInfo& info) {
  mark_records();
  sort_entries();
  std::string keys;
  std::string records;
  info.advisories = lay_out(keys, records);
  info.streams.clear();
  for (const auto& entry : entries_)
    if (info.streams.empty() || info.streams.back() != text(entry.stream))
      info.streams.emplace_back(text(entry.stream));
  info.newest = Time();
  for (const auto& source : info.sources) info.newest = std::max(info.newest, source.newest);

  std::string offsets;
  std::string bytes;
  for (const auto& text : strings_) {
    put<std::uint32_t>(offsets, static_cast<std::uint32_t>(bytes.size()));
    bytes += text;
  }
  if (bytes.size() > kTextBytesMax) return over_limit("the advisories hold more than 4 GiB of text");
  put<std::uint32_t>(offsets, static_cast<std::uint32_t>(bytes.size()));

  Header header;
  std::string file(kHeaderBytes, '\0');
  header.info = append(file, encode_info(info));
  header.string_offsets = append(file, offsets);
  header.string_bytes = append(file, bytes);
  header.keys = append(file, keys);
  header.records = append(file, records);
  header.file_bytes = file.size();
  header.built_micros = info.built.unix_micros();
  header.advisories = info.advisories;
  auto sum = sha256(as_bytes(std::string_view(file).substr(kHeaderBytes)));
  header.content_sum = std::string(as_text(sum));
  info.digest = to_hex(sum);
  file.replace(0, kHeaderBytes, encode_header(header));
  return file;
}

}  // namespace pratique::advisory
