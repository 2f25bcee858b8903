#include "distribution/auth.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace pratique::distribution {
namespace {

std::string basic(std::string_view text) {
  return "Basic " + to_base64(as_bytes(text));
}

TEST(BasicCredentials, SplitAtTheFirstColon) {
  const auto found = parse_basic(basic("ann:a:b"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "ann");
  EXPECT_EQ(found->password, "a:b");
}

TEST(BasicCredentials, SchemeKnowsNoCase) {
  EXPECT_TRUE(parse_basic("bAsIc " + to_base64(as_bytes("a:b"))));
}

TEST(BasicCredentials, RefuseWhatIsNoneOfThem) {
  for (const std::string& header :
       {std::string(""), std::string("Basic"), std::string("Basic "), std::string("Basic !"), basic("no colon"),
        "Bearer " + to_base64(as_bytes("a:b"))}) {
    EXPECT_FALSE(parse_basic(header)) << header;
  }
}

TEST(Bearer, GivesTheToken) {
  EXPECT_EQ(parse_bearer("Bearer abc"), "abc");
  EXPECT_EQ(parse_bearer("bearer  abc "), "abc");
  EXPECT_FALSE(parse_bearer("Bearer "));
  EXPECT_FALSE(parse_bearer("Basic abc"));
}

}  // namespace
}  // namespace pratique::distribution
