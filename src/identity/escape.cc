// A user's name as a component of repository names, and back. Vectors and proof sketch:
// docs/formats/user-repository.md.
#include <optional>

#include "base/encoding.h"
#include "base/format.h"
#include "base/text.h"
#include "identity/identity.h"

namespace pratique::identity {

namespace {

// Neither mark can come out of the plain form, which knows only a-z, 0-9 and "-".
constexpr std::string_view kLeadingEscape = "u_";  // stands for a leading "-", which no component may start with
constexpr std::string_view kPacked = "b_0";        // base32hex of the name's bytes follows
constexpr std::string_view kBase32 = "0123456789abcdefghijklmnopqrstuv";

bool is_literal(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// The code point at `at` if it is below U+0100; moves on. UTF-8 has such code points in one or two bytes.
std::optional<unsigned> take_latin1(std::string_view name, std::size_t& at) {
  auto first = static_cast<unsigned char>(name[at++]);
  if (first < 0x80) return first;
  if ((first != 0xC2 && first != 0xC3) || at == name.size()) return std::nullopt;
  auto second = static_cast<unsigned char>(name[at++]);
  if ((second & 0xC0) != 0x80) return std::nullopt;
  return (first & 0x03u) << 6 | (second & 0x3Fu);
}

// What escapism writes. nullopt for code points of more than two hex digits, where its output has two readings.
std::optional<std::string> escape_plainly(std::string_view name) {
  std::string escaped;
  for (std::size_t at = 0; at < name.size();) {
    auto point = take_latin1(name, at);
    if (!point) return std::nullopt;
    if (*point < 0x80 && is_literal(static_cast<unsigned char>(*point)))
      escaped += static_cast<char>(*point);
    else
      escaped += format("-{:02x}", *point);
  }
  return escaped;
}

std::string pack(std::string_view name) {
  std::string packed(kPacked);
  unsigned buffer = 0;
  int bits = 0;
  for (char c : name) {
    buffer = (buffer << 8 | static_cast<unsigned char>(c)) & 0xFFFu;
    for (bits += 8; bits >= 5; bits -= 5) packed += kBase32[buffer >> (bits - 5) & 31u];
  }
  if (bits > 0) packed += kBase32[buffer << (5 - bits) & 31u];
  return packed;
}

std::optional<std::string> unpack(std::string_view text) {
  std::string name;
  unsigned buffer = 0;
  int bits = 0;
  for (char c : text) {
    auto digit = kBase32.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    buffer = (buffer << 5 | static_cast<unsigned>(digit)) & 0xFFFu;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    name += static_cast<char>(buffer >> bits & 0xFFu);
  }
  return name;
}

std::string to_utf8(unsigned char point) {
  if (point < 0x80) return std::string(1, static_cast<char>(point));
  return {static_cast<char>(0xC0 | point >> 6), static_cast<char>(0x80 | (point & 0x3F))};
}

std::optional<std::string> unescape_plainly(std::string_view text) {
  std::string name;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '-') {
      name += text[at++];
      continue;
    }
    auto byte = from_hex(text.substr(at + 1, 2));
    if (!byte.ok() || byte->size() != 1) return std::nullopt;
    name += to_utf8(static_cast<unsigned char>(byte->front()));
    at += 3;
  }
  return name;
}

}  // namespace

std::string escape_user_name(std::string_view name) {
  auto plain = escape_plainly(name);
  if (!plain || plain->empty()) return pack(name);
  std::string component = plain->front() == '-' ? std::string(kLeadingEscape) + plain->substr(1) : *plain;
  return component.size() <= kComponentBytesMax ? component : pack(name);
}

Result<std::string> unescape_user_name(std::string_view component) {
  std::optional<std::string> name;
  if (component.starts_with(kPacked))
    name = unpack(component.substr(kPacked.size()));
  else if (component.starts_with(kLeadingEscape))
    name = unescape_plainly(format("-{}", component.substr(kLeadingEscape.size())));
  else
    name = unescape_plainly(component);
  // The round trip refuses every second spelling of a name at once: foreign characters, needless escapes, wrong form.
  if (!name || escape_user_name(*name) != component)
    return invalid(format("\"{}\" is not the repository component of a user", printable(component)));
  return *name;
}

}  // namespace pratique::identity
