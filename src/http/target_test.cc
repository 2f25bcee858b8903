#include "http/target.h"

#include <gtest/gtest.h>

namespace pratique::http {

namespace {

TEST(Target, paths_are_decoded_once) {
  struct Row {
    std::string_view target, path;
  };
  const Row good[] = {
      {"/", "/"},
      {"/v2/", "/v2/"},
      {"/a%20b", "/a b"},
      {"/a%2520b", "/a%20b"},
      {"/a?b=c", "/a"},
      {"/a/...", "/a/..."},
      {"/a/..b", "/a/..b"},
      {"http://host:1/a", "/a"},
      {"HTTPS://host", "/"},
      {"http://host?x=1", "/"},
      {"*", "*"},
  };
  for (const auto& row : good) {
    auto target = parse_target(row.target);
    ASSERT_TRUE(target.ok()) << row.target << ": " << target.error().message();
    EXPECT_EQ(target->path, row.path) << row.target;
  }
}

TEST(Target, what_two_readers_could_read_differently_is_refused) {
  for (std::string_view bad :
       {"",          "a",     "//",   "/a//b",        "/../a",       "/a/..",       "/a/../b",   "/a/%2e%2e/b",
        "/a/%2E./b", "/./a",  "/a/.", "/a%2f%2fb",    "/a%2f..%2fb", "/a%00",       "/a%",       "/a%4",
        "/a%zz",     "/?a=%", "/a#b", "ftp://host/a", "http://",     "http://a b/", "http:///a", "host:443"}) {
    EXPECT_FALSE(parse_target(bad).ok()) << bad;
  }
}

TEST(Target, query_is_decoded_in_order) {
  auto target = parse_target("/x?n=2&last=a%2Fb&&flag&plus=a+b%2B&n=3&=v");
  ASSERT_TRUE(target.ok());
  std::vector<std::pair<std::string, std::string>> expected = {{"n", "2"},       {"last", "a/b"}, {"flag", ""},
                                                               {"plus", "a b+"}, {"n", "3"},      {"", "v"}};
  EXPECT_EQ(target->query, expected);
}

TEST(Target, a_thousand_parameters_at_most) {
  std::string target = "/?";
  for (int i = 0; i < 1000; ++i) target += "a&";
  EXPECT_TRUE(parse_target(target).ok());
  EXPECT_EQ(parse_target(target + "a").error().kind(), ErrorKind::Limit);
}

TEST(Target, hosts) {
  for (std::string_view good : {"a", "a.b-c_d", "127.0.0.1", "h:1", "h:65535", "[::1]", "[::ffff:1.2.3.4]:80"})
    EXPECT_TRUE(is_authority(good)) << good;
  for (std::string_view bad : {"", ":80", "h:", "h:x", "h:65536", "h:000080", "a b", "a/b", "a@b", "a,b", "[::1", "[]",
                               "[::1]x", "[g::]", "a:1:2", "caf\xc3\xa9", "%41"})
    EXPECT_FALSE(is_authority(bad)) << bad;
  EXPECT_TRUE(is_authority(std::string(262, 'a')));
  EXPECT_FALSE(is_authority(std::string(263, 'a')));
}

}  // namespace

}  // namespace pratique::http
