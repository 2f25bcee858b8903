#include "scan/tar.h"

#include <algorithm>
#include <cstring>

#include "base/format.h"
#include "base/text.h"
#include "scan/path.h"

namespace pratique::scan {

namespace {

// As Go's archive/tar: a longer PAX header or name is an attack on memory.
constexpr std::uint64_t kExtensionBytesMax = 1 << 20;

constexpr std::string_view kWhiteoutPrefix = ".wh.";
constexpr std::string_view kWhiteoutMetaPrefix = ".wh..wh.";
constexpr std::string_view kOpaqueName = ".wh..wh..opq";

bool is_extension(char type) {
  return type == 'x' || type == 'g' || type == 'L' || type == 'K';
}

// nullopt for types that engines refuse to extract.
std::optional<FileType> file_type(const TarHeader& header) {
  switch (header.type) {
    case '\0':
      return header.name.ends_with('/') ? FileType::Directory : FileType::Regular;
    case '0':
    case '7':
    case 'S':
      return FileType::Regular;
    case '1':
      return FileType::Hardlink;
    case '2':
      return FileType::Symlink;
    case '3':
      return FileType::CharacterDevice;
    case '4':
      return FileType::BlockDevice;
    case '5':
      return FileType::Directory;
    case '6':
      return FileType::Fifo;
    default:
      return std::nullopt;
  }
}

std::uint64_t padding_after(std::uint64_t size) {
  return (kTarBlockBytes - size % kTarBlockBytes) % kTarBlockBytes;
}

// Turns an entry whose name is a whiteout into what it means (image-spec layer.md "Whiteouts"). False: it means
// nothing.
bool read_whiteout(FileEntry& entry) {
  auto [directory, name] = split_last(entry.path);
  if (!name.starts_with(kWhiteoutPrefix)) return true;
  std::string path(directory);
  if (name == kOpaqueName) {
    entry.type = FileType::OpaqueMark;
  } else {
    auto hidden = name.substr(kWhiteoutPrefix.size());
    if (name.starts_with(kWhiteoutMetaPrefix) || hidden.empty() || hidden == "." || hidden == "..") return false;
    entry.type = FileType::Whiteout;
    path = join_path(directory, hidden);
  }
  entry.path = std::move(path);
  entry.size = 0;
  entry.link.clear();
  return true;
}

}  // namespace

void TarReader::feed(Bytes bytes) {
  while (!bytes.empty()) {
    switch (state_) {
      case State::Header:
        if (const auto* block = next_block(bytes)) on_header(*block);
        break;
      case State::SparseMap:
        // The byte after the 21 entries of a map block says whether another follows.
        if (const auto* block = next_block(bytes))
          if ((*block)[504] == 0) state_ = data_left_ > 0 ? State::Data : State::Padding;
        if (state_ == State::Padding) end_data();
        break;
      case State::Extension:
      case State::Data:
        take_data(bytes);
        break;
      case State::Padding: {
        auto count = std::min<std::uint64_t>(padding_left_, bytes.size());
        padding_left_ -= count;
        offset_ += count;
        bytes = bytes.subspan(count);
        if (padding_left_ == 0) state_ = State::Header;
        break;
      }
      case State::End:
        take_tail(bytes);
        break;
      case State::Foreign:
      case State::Broken:
        return;
    }
  }
}

void TarReader::finish() {
  switch (state_) {
    case State::Header:
      if (!seen_header_ && !seen_zero_block_) {
        state_ = State::Foreign;  // shorter than a block
        return;
      }
      // An archive may lack its end marker; it may not end inside a block or between an extension and its entry.
      if (block_size_ > 0 || !overrides_.is_empty()) fail("truncated", "the archive ends inside an entry's header");
      return;
    case State::Extension:
    case State::SparseMap:
    case State::Data:
      return fail("truncated", "the archive ends inside an entry");
    case State::Padding:
      return fail("truncated", "the archive ends before its last entry is padded");
    case State::End:
    case State::Foreign:
    case State::Broken:
      return;
  }
}

const TarBlock* TarReader::next_block(Bytes& bytes) {
  auto count = std::min(block_.size() - block_size_, bytes.size());
  std::memcpy(block_.data() + block_size_, bytes.data(), count);
  block_size_ += count;
  offset_ += count;
  bytes = bytes.subspan(count);
  if (block_size_ < block_.size()) return nullptr;
  block_size_ = 0;
  return &block_;
}

void TarReader::on_header(const TarBlock& block) {
  if (is_zero(block)) {
    if (!overrides_.is_empty()) return fail("bad-tar", "an extension header has no entry");
    if (std::exchange(seen_zero_block_, true)) state_ = State::End;
    return;
  }
  if (seen_zero_block_) return fail("bad-tar", "an entry follows half an end marker");
  auto header = parse_tar_header(block);
  if (!header.ok()) {
    if (!seen_header_) {
      state_ = State::Foreign;
      return;
    }
    return fail("bad-tar", "the header cannot be read: " + header.error().message());
  }
  seen_header_ = true;
  if (is_extension(header->type)) return begin_extension(*header);
  begin_entry(std::move(*header));
}

void TarReader::begin_extension(const TarHeader& header) {
  if (header.size > kExtensionBytesMax) return fail("limit", format("an extension header of {} bytes", header.size));
  extension_type_ = header.type;
  extension_.clear();
  data_left_ = header.size;
  padding_left_ = padding_after(header.size);
  state_ = State::Extension;
  if (data_left_ == 0) end_extension();
}

void TarReader::end_extension() {
  state_ = padding_left_ > 0 ? State::Padding : State::Header;
  auto name = extension_.substr(0, extension_.find('\0'));
  switch (extension_type_) {
    case 'L':
      overrides_.long_name = std::move(name);
      return;
    case 'K':
      overrides_.long_link = std::move(name);
      return;
    case 'g':
      if (is_ambiguous_global_header(extension_))
        fail("bad-tar", "a global header changes names or sizes, which engines do not honour");
      return;
    default:
      auto parsed = overrides_.parse_pax(extension_);
      if (!parsed.ok()) fail("bad-tar", parsed.error().message());
  }
}

void TarReader::begin_entry(TarHeader header) {
  if (++entries_ > limits_.entries_max) return fail("limit", format("more than {} entries", limits_.entries_max));
  auto applied = std::exchange(overrides_, TarOverrides()).apply_to(header);
  if (!applied.ok()) return fail("bad-tar", applied.error().message());
  // A size whose padding would overflow.
  if (header.size >> 62) return fail("bad-tar", "an entry claims an impossible size");
  data_wanted_ = false;
  auto type = file_type(header);
  // Only these carry data; engines ignore the size of all others.
  bool has_data = !type || *type == FileType::Regular;
  if (type) {
    announce(header);
  } else {
    visitor_.on_gap({"unknown-entry", printable(header.name),
                     format("an entry of type {:#04x}", static_cast<unsigned char>(header.type))});
  }
  if (state_ == State::Broken) return;
  begin_data(has_data ? header.size : 0);
  if (header.is_sparse_map_extended) {
    state_ = State::SparseMap;
  } else if (data_left_ == 0) {
    end_data();
  }
}

void TarReader::announce(TarHeader& header) {
  if (header.name.size() > limits_.path_bytes_max || header.link.size() > limits_.path_bytes_max) {
    visitor_.on_gap({"limit", printable(header.name), format("a name of more than {} bytes", limits_.path_bytes_max)});
    return;
  }
  FileEntry entry{.type = *file_type(header), .mode = header.mode};
  entry.uid = static_cast<std::uint32_t>(header.uid);
  entry.gid = static_cast<std::uint32_t>(header.gid);
  auto path = normalise(header.name);
  auto target = entry.type == FileType::Hardlink ? normalise(header.link) : std::string();
  if (!path || !target) {
    visitor_.on_gap({"escaping-path", printable(header.name), "the entry's name or target leaves the image's root"});
    return;
  }
  entry.path = std::move(*path);
  if (entry.type == FileType::Regular) entry.size = header.logical_size;
  if (entry.type == FileType::Hardlink) entry.link = std::move(*target);
  if (entry.type == FileType::Symlink) entry.link = std::move(header.link);
  if (entry.path.empty()) {
    if (entry.type != FileType::Directory)
      visitor_.on_gap({"bad-entry", printable(header.name), "something else than a directory stands for the root"});
    return;
  }
  if (!read_whiteout(entry)) {
    visitor_.on_gap({"bad-whiteout", printable(header.name), "a whiteout that hides nothing we know"});
    return;
  }
  bool is_regular = entry.type == FileType::Regular;
  auto wanted = visitor_.on_entry(std::move(entry), header.is_sparse);
  data_wanted_ = is_regular && !header.is_sparse && wanted == TarVisitor::Data::Wanted;
}

void TarReader::begin_data(std::uint64_t size) {
  data_left_ = size;
  padding_left_ = padding_after(size);
  state_ = State::Data;
}

void TarReader::end_data() {
  state_ = padding_left_ > 0 ? State::Padding : State::Header;
  if (std::exchange(data_wanted_, false)) visitor_.on_data_end();
}

void TarReader::take_data(Bytes& bytes) {
  auto count = std::min<std::uint64_t>(data_left_, bytes.size());
  auto piece = bytes.first(count);
  bytes = bytes.subspan(count);
  data_left_ -= count;
  offset_ += count;
  if (state_ == State::Extension) {
    extension_ += as_text(piece);
    if (data_left_ == 0) end_extension();
    return;
  }
  if (data_wanted_) visitor_.on_data(piece);
  if (data_left_ == 0) end_data();
}

void TarReader::take_tail(Bytes& bytes) {
  bool is_padding = std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
  if (!is_padding && !std::exchange(tail_reported_, true))
    visitor_.on_gap({"trailing-garbage", "", "bytes that are not zero follow the archive's end"});
  bytes = {};
}

void TarReader::fail(std::string code, std::string reason) {
  visitor_.on_gap({std::move(code), format("archive byte {}", offset_), std::move(reason)});
  state_ = State::Broken;
}

}  // namespace pratique::scan
