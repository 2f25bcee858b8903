#include "store/upload_state.h"

#include <algorithm>

#include "base/format.h"
#include "base/hash.h"
#include "base/text.h"

namespace pratique::store {

namespace {

constexpr std::string_view kFirstLine = "pratique-upload 1";
constexpr std::size_t kSha256HexLength = 64;
constexpr std::size_t kIdLength = 32;

bool is_lower_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

std::string to_text(const UploadState& state) {
  std::string text = format("{}\nsize {}\nsha256 {}\n", kFirstLine, state.size, state.sha256);
  return text + format("check {}\n", sha256_hex(text));
}

Result<UploadState> parse_upload_state(std::string_view text) {
  auto lines = split(text, '\n');
  if (lines.size() != 5 || !lines[1].starts_with("size ") || !lines[2].starts_with("sha256 "))
    return corrupt("the upload's state file has the wrong shape");
  auto size = parse_decimal(lines[1].substr(5));
  std::string sum(lines[2].substr(7));
  if (!size || sum.size() != kSha256HexLength || !is_lower_hex(sum))
    return corrupt("the upload's state file has a malformed value");
  UploadState state{.size = *size, .sha256 = std::move(sum)};
  // One comparison covers the first line, the check sum, leading zeros and whatever follows.
  if (to_text(state) != text) return corrupt("the upload's state file does not match its check sum");
  return state;
}

bool is_upload_id(std::string_view id) {
  return id.size() == kIdLength && is_lower_hex(id);
}

}  // namespace pratique::store
