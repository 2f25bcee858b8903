#include "advisory/zip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "advisory/layout.h"
#include "base/check.h"
#include "base/format.h"
#include "base/text.h"

namespace pratique::advisory {

namespace {

constexpr std::string_view kEndMark = "PK\x05\x06";
constexpr std::string_view kEnd64Mark = "PK\x06\x06";
constexpr std::string_view kLocator64Mark = "PK\x06\x07";
constexpr std::string_view kEntryMark = "PK\x01\x02";
constexpr std::string_view kLocalMark = "PK\x03\x04";
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kEntryBytes = 46;
constexpr std::size_t kLocalBytes = 30;
constexpr std::size_t kCommentBytesMax = 65'535;

Error damaged(std::string_view what) {
  return corrupt(format("the zip archive is damaged: {}", what));
}

struct Directory {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint64_t entries = 0;
};

struct Entry {
  std::string_view name;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t crc = 0;
  std::uint64_t packed_bytes = 0;
  std::uint64_t bytes = 0;
  std::uint64_t local_offset = 0;
};

bool lies_inside(std::string_view archive, std::uint64_t offset, std::uint64_t bytes) {
  return offset <= archive.size() && bytes <= archive.size() - offset;
}

// The 64-bit end record, where a locator before the ordinary one points to it.
Result<std::optional<Directory>> find_directory64(std::string_view archive, std::size_t end) {
  if (end < 20 || archive.substr(end - 20, 4) != kLocator64Mark) return std::optional<Directory>();
  auto at = get<std::uint64_t>(archive.data() + end - 20 + 8);
  if (!lies_inside(archive, at, 56) || archive.substr(at, 4) != kEnd64Mark) return damaged("no 64-bit end record");
  const char* record = archive.data() + at;
  return std::optional(
      Directory{get<std::uint64_t>(record + 48), get<std::uint64_t>(record + 40), get<std::uint64_t>(record + 32)});
}

Result<Directory> find_directory(std::string_view archive) {
  if (archive.size() < kEndBytes) return damaged("it is too short");
  std::size_t first = archive.size() - std::min(archive.size(), kEndBytes + kCommentBytesMax);
  std::size_t end = archive.substr(first).rfind(kEndMark);
  if (end == std::string_view::npos || !lies_inside(archive, first + end, kEndBytes)) return damaged("no end record");
  end += first;
  auto directory = TRY(find_directory64(archive, end));
  if (!directory) {
    const char* record = archive.data() + end;
    directory =
        Directory{get<std::uint32_t>(record + 16), get<std::uint32_t>(record + 12), get<std::uint16_t>(record + 10)};
  }
  if (!lies_inside(archive, directory->offset, directory->bytes)) return damaged("the directory lies outside it");
  return *directory;
}

// Sizes that do not fit 32 bits stand in an extra field, in this order, only those that are needed.
Status read_zip64_sizes(std::string_view extra, Entry& entry) {
  constexpr std::uint32_t kElsewhere = std::numeric_limits<std::uint32_t>::max();
  while (extra.size() >= 4) {
    auto id = get<std::uint16_t>(extra.data());
    auto size = get<std::uint16_t>(extra.data() + 2);
    extra.remove_prefix(4);
    if (size > extra.size()) return damaged("an extra field ends early");
    std::string_view field = extra.substr(0, size);
    extra.remove_prefix(size);
    if (id != 1) continue;
    for (std::uint64_t* value : {&entry.bytes, &entry.packed_bytes, &entry.local_offset}) {
      if (*value != kElsewhere) continue;
      if (field.size() < 8) return damaged("a 64-bit size is missing");
      *value = get<std::uint64_t>(field.data());
      field.remove_prefix(8);
    }
  }
  return {};
}

Result<Entry> read_entry(std::string_view& directory) {
  if (directory.size() < kEntryBytes || !directory.starts_with(kEntryMark))
    return damaged("a directory entry is cut off");
  const char* at = directory.data();
  Entry entry;
  entry.flags = get<std::uint16_t>(at + 8);
  entry.method = get<std::uint16_t>(at + 10);
  entry.crc = get<std::uint32_t>(at + 16);
  entry.packed_bytes = get<std::uint32_t>(at + 20);
  entry.bytes = get<std::uint32_t>(at + 24);
  entry.local_offset = get<std::uint32_t>(at + 42);
  std::size_t name_bytes = get<std::uint16_t>(at + 28);
  std::size_t extra_bytes = get<std::uint16_t>(at + 30);
  std::size_t comment_bytes = get<std::uint16_t>(at + 32);
  directory.remove_prefix(kEntryBytes);
  if (directory.size() < name_bytes + extra_bytes + comment_bytes) return damaged("a directory entry is cut off");
  entry.name = directory.substr(0, name_bytes);
  TRY(read_zip64_sizes(directory.substr(name_bytes, extra_bytes), entry));
  directory.remove_prefix(name_bytes + extra_bytes + comment_bytes);
  return entry;
}

Result<std::string_view> packed_bytes_of(std::string_view archive, const Entry& entry) {
  if (!lies_inside(archive, entry.local_offset, kLocalBytes)) return damaged("an entry lies outside it");
  std::string_view local = archive.substr(entry.local_offset);
  if (!local.starts_with(kLocalMark)) return damaged("an entry has no header");
  std::uint64_t data =
      entry.local_offset + kLocalBytes + get<std::uint16_t>(local.data() + 26) + get<std::uint16_t>(local.data() + 28);
  if (!lies_inside(archive, data, entry.packed_bytes)) return damaged("an entry lies outside it");
  return archive.substr(data, entry.packed_bytes);
}

class Inflater {
 public:
  Inflater() { CHECK(inflateInit2(&stream_, -15) == Z_OK, "zlib does not start"); }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Into exactly `out.size()` bytes.
  Status inflate_into(std::string_view packed, std::string& out) {
    CHECK(inflateReset(&stream_) == Z_OK, "zlib does not restart");
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream_.avail_in = static_cast<uInt>(packed.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    if (inflate(&stream_, Z_FINISH) != Z_STREAM_END || stream_.avail_out != 0)
      return damaged("an entry does not unpack");
    return {};
  }

 private:
  z_stream stream_{};
};

Status unpack(const Entry& entry, std::string_view packed, Inflater& inflater, std::string& content) {
  if ((entry.flags & 1) != 0) return invalid("the zip archive is encrypted");
  content.resize(entry.bytes);
  if (entry.method == 0) {
    if (packed.size() != entry.bytes) return damaged("an entry's sizes differ");
    content.assign(packed);
  } else if (entry.method == 8) {
    TRY(inflater.inflate_into(packed, content));
  } else {
    return invalid(format("the zip archive uses compression method {}", entry.method));
  }
  auto crc = crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size()));
  if (crc != entry.crc) return damaged("an entry does not match its checksum");
  return {};
}

}  // namespace

Status for_each_zip_entry(std::string_view archive, const ZipLimits& limits,
                          const std::function<Status(std::string_view name, std::string_view content)>& visit) {
  Directory found = TRY(find_directory(archive));
  if (found.entries > limits.entries_max) return over_limit(format("a zip archive of {} entries", found.entries));
  std::string_view directory = archive.substr(found.offset, found.bytes);
  Inflater inflater;
  std::string content;
  std::uint64_t total = 0;
  for (std::uint64_t i = 0; i < found.entries; ++i) {
    Entry entry = TRY(read_entry(directory));
    if (entry.name.ends_with('/')) continue;
    // Packed data may be shared by many entries, so the total is counted unpacked.
    if (entry.bytes > limits.entry_bytes_max || entry.packed_bytes > limits.entry_bytes_max) {
      return over_limit(
          format("the zip entry {} is larger than {} bytes", printable(entry.name, 80), limits.entry_bytes_max));
    }
    total += entry.bytes;
    if (total > limits.total_bytes_max)
      return over_limit(format("the zip archive unpacks to more than {} bytes", limits.total_bytes_max));
    auto packed = TRY(packed_bytes_of(archive, entry));
    TRY(unpack(entry, packed, inflater, content).with_context(printable(entry.name, 80)));
    TRY(visit(entry.name, content));
  }
  return {};
}

}  // namespace pratique::advisory
