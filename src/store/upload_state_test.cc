#include "store/upload_state.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/text.h"

namespace pratique::store {
namespace {

const UploadState kState{.size = 1234, .sha256 = sha256_hex("abc")};

std::string with_check(const std::string& lines) {
  return lines + "check " + sha256_hex(lines) + "\n";
}

TEST(UploadState, ReadsWhatItWrites) {
  EXPECT_EQ(parse_upload_state(to_text(kState)).value(), kState);
  EXPECT_LT(to_text(UploadState{.size = UINT64_MAX, .sha256 = sha256_hex("")}).size(), kUploadStateBytesMax);
}

TEST(UploadState, RefusesEveryTruncation) {
  std::string text = to_text(kState);
  for (std::size_t length = 0; length < text.size(); ++length)
    EXPECT_EQ(parse_upload_state(text.substr(0, length)).error().kind(), ErrorKind::Corrupt) << length;
}

TEST(UploadState, RefusesEveryFlippedByte) {
  for (std::size_t i = 0; i < to_text(kState).size(); ++i) {
    std::string text = to_text(kState);
    text[i] = static_cast<char>(text[i] ^ 1);
    EXPECT_FALSE(parse_upload_state(text).ok()) << i;
  }
}

TEST(UploadState, RefusesMalformedValuesEvenWithARightCheckSum) {
  std::string sum = sha256_hex("abc");
  const std::string bad[] = {
      with_check("pratique-upload 2\nsize 1\nsha256 " + sum + "\n"),
      with_check("pratique-upload 1\nsize -1\nsha256 " + sum + "\n"),
      with_check("pratique-upload 1\nsize 01\nsha256 " + sum + "\n"),
      with_check("pratique-upload 1\nsize 18446744073709551616\nsha256 " + sum + "\n"),
      with_check("pratique-upload 1\nsize \nsha256 " + sum + "\n"),
      with_check("pratique-upload 1\nsize 1\nsha256 " + sum.substr(1) + "\n"),
      with_check("pratique-upload 1\nsize 1\nsha256 Z" + sum.substr(1) + "\n"),
      with_check("pratique-upload 1\nsha256 " + sum + "\nsize 1\n"),
      to_text(kState) + "\n",
  };
  for (const std::string& text : bad) EXPECT_EQ(parse_upload_state(text).error().kind(), ErrorKind::Corrupt) << text;
}

TEST(UploadId, IsExactlyThirtyTwoLowerHexDigits) {
  EXPECT_TRUE(is_upload_id("0123456789abcdef0123456789abcdef"));
  for (std::string_view bad :
       {"", ".", "..", "0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdef0",
        "0123456789ABCDEF0123456789abcdef", "../../../../../../../etc/passwd/", "0123456789abcdef/123456789abcdef"})
    EXPECT_FALSE(is_upload_id(bad)) << bad;
}

}  // namespace
}  // namespace pratique::store
