#include "transport/tar_writer.h"

#include <algorithm>

#include "base/format.h"
#include "transport/streams.h"

namespace pratique::transport {

namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kNameMax = 100;
constexpr std::uint64_t kOctal7Max = 07777777;       // 7 digits: mode, ids, devices
constexpr std::uint64_t kOctal11Max = 077777777777;  // 11 digits: size, time

// "LENGTH KEY=VALUE\n" where LENGTH counts its own digits too.
std::string pax_record(std::string_view key, std::string_view value) {
  std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (format("{}", length).size() + rest != length) ++length;
  return format("{} {}={}\n", length, key, value);
}

void put_text(std::string& block, std::size_t at, std::size_t room, std::string_view text) {
  text = text.substr(0, room);
  std::copy(text.begin(), text.end(), block.begin() + static_cast<std::ptrdiff_t>(at));
}

void put_octal(std::string& block, std::size_t at, std::size_t digits, std::uint64_t value) {
  put_text(block, at, digits, format("{:0{}o}", value, digits));
}

// The 512 bytes; what does not fit its field has been said in a PAX header before and is cut or 0 here.
std::string ustar_block(const TarEntry& entry) {
  std::string block(kBlock, '\0');
  put_text(block, 0, kNameMax, entry.name);
  put_octal(block, 100, 7, entry.mode & 07777);
  put_octal(block, 108, 7, entry.user > kOctal7Max ? 0 : entry.user);
  put_octal(block, 116, 7, entry.group > kOctal7Max ? 0 : entry.group);
  put_octal(block, 124, 11, entry.size > kOctal11Max ? 0 : entry.size);
  put_octal(block, 136, 11, entry.modified < 0 ? 0 : static_cast<std::uint64_t>(entry.modified) & kOctal11Max);
  block[156] = entry.type;
  put_text(block, 157, kNameMax, entry.link);
  put_text(block, 257, 8,
           std::string_view("ustar\0"
                            "00",
                            8));
  put_octal(block, 329, 7, entry.device_major);
  put_octal(block, 337, 7, entry.device_minor);
  put_text(block, 148, 8, "        ");
  std::uint64_t sum = 0;
  for (char c : block) sum += static_cast<unsigned char>(c);
  put_octal(block, 148, 6, sum);
  block[154] = '\0';
  return block;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string pax_records(const TarEntry& entry) {
  std::string records;
  auto text = [&](std::string_view key, std::string_view value) {
    if (value.size() > kNameMax || !is_ascii(value)) records += pax_record(key, value);
  };
  auto number = [&](std::string_view key, std::uint64_t value, std::uint64_t most) {
    if (value > most) records += pax_record(key, format("{}", value));
  };
  text("path", entry.name);
  text("linkpath", entry.link);
  number("size", entry.size, kOctal11Max);
  number("uid", entry.user, kOctal7Max);
  number("gid", entry.group, kOctal7Max);
  for (const auto& [key, value] : entry.records) records += pax_record(key, value);
  return records;
}

}  // namespace

Status TarWriter::header(const TarEntry& entry) {
  TarEntry whole = entry;
  if (entry.type == '5') whole.name += "/";
  auto records = pax_records(whole);
  if (!records.empty()) {
    TarEntry extension{.name = "PaxHeaders/record", .type = 'x', .size = records.size()};
    TRY(put(as_bytes(ustar_block(extension))));
    TRY(content(as_bytes(records)));
    TRY(end_content());
  }
  return put(as_bytes(ustar_block(whole)));
}

Status TarWriter::content(Bytes bytes) {
  return put(bytes);
}

Status TarWriter::end_content() {
  std::size_t over = written_ % kBlock;
  return over == 0 ? Status() : put(as_bytes(std::string(kBlock - over, '\0')));
}

Status TarWriter::add(const TarEntry& entry, std::string_view bytes) {
  TarEntry sized = entry;
  sized.size = bytes.size();
  TRY(header(sized));
  TRY(content(as_bytes(bytes)));
  return end_content();
}

Status TarWriter::finish() {
  TRY(put(as_bytes(std::string(2 * kBlock, '\0'))));
  return flush();
}

Status TarWriter::put(Bytes bytes) {
  buffer_ += as_text(bytes);
  written_ += bytes.size();
  return buffer_.size() < kCopyStep ? Status() : flush();
}

Status TarWriter::flush() {
  TRY(os::write_all(out_, as_bytes(buffer_)));
  buffer_.clear();
  return {};
}

}  // namespace pratique::transport
