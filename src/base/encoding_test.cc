#include "base/encoding.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace pratique {
namespace {

TEST(Base64, MatchesTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (auto [plain, coded] : vectors) {
    EXPECT_EQ(to_base64(as_bytes(plain)), coded);
    EXPECT_EQ(*from_base64(coded), plain);
  }
}
TEST(Base64, RefusesWhatIsNotCanonical) {
  for (auto text : {"Zg", "Zg=", "Zh==", "Z===", "Zm9v!A==", "=Zm9"}) EXPECT_FALSE(from_base64(text).ok()) << text;
}
TEST(Base64Url, RoundTripsRandomBytesWithoutPadding) {
  for (std::size_t size = 0; size < 40; ++size) {
    auto bytes = random_bytes(size);
    auto text = to_base64url(as_bytes(bytes));
    EXPECT_EQ(text.find_first_of("+/="), std::string::npos);
    EXPECT_EQ(*from_base64url(text), bytes);
  }
}
TEST(Hex, RefusesOddLengthAndForeignCharacters) {
  EXPECT_FALSE(from_hex("abc").ok());
  EXPECT_FALSE(from_hex("zz").ok());
}
TEST(Percent, DecodesWhatItEncodes) {
  auto bytes = random_bytes(200);
  EXPECT_EQ(*percent_decode(percent_encode(bytes)), bytes);
}
TEST(Percent, RefusesACutEscape) {
  EXPECT_FALSE(percent_decode("a%2").ok());
  EXPECT_FALSE(percent_decode("%zz").ok());
}

}  // namespace
}  // namespace pratique
