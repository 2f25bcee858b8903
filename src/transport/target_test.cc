#include "transport/target.h"

#include <gtest/gtest.h>

namespace pratique::transport {
namespace {

std::string parts(std::string_view text, std::string there) {
  auto split = split_path_and_name(text, [&](const std::string& path) { return path == there; });
  return split.path + " " + split.name;
}

TEST(PathAndName, AreCutWhereThePathExists) {
  EXPECT_EQ(parts("dir", "dir"), "dir ");
  EXPECT_EQ(parts("dir:tag", "dir"), "dir tag");
  EXPECT_EQ(parts("a:b", "a:b"), "a:b ");
  EXPECT_EQ(parts("a:b:tag", "a:b"), "a:b tag");
  EXPECT_EQ(parts("f.tar:repo/x:1", "f.tar"), "f.tar repo/x:1");
  EXPECT_EQ(parts("f.tar:@2", "f.tar"), "f.tar @2");
}
TEST(PathAndName, AreCutAtTheFirstColonWhenNothingExists) {
  EXPECT_EQ(parts("none:a:b", ""), "none a:b");
  EXPECT_EQ(parts("none", "x"), "none ");
  EXPECT_EQ(parts(":x", "y"), " x");
}

}  // namespace
}  // namespace pratique::transport
