#include "transport/header_values.h"

#include <gtest/gtest.h>

#include "base/format.h"
#include "transport/transport.h"

namespace pratique::transport {
namespace {

std::string shown(std::string_view line) {
  std::string text;
  for (const auto& challenge : parse_challenges(line)) {
    text += challenge.scheme + "(";
    for (const auto& [name, value] : challenge.parameters) text += format("{}={};", name, value);
    text += ")";
  }
  return text;
}

TEST(Challenges, AreReadFromALine) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {R"(Bearer realm="https://a/token",service="a",scope="repository:x/y:pull,push")",
       "bearer(realm=https://a/token;scope=repository:x/y:pull,push;service=a;)"},
      {R"(Basic realm="x")", "basic(realm=x;)"},
      {R"(basic)", "basic()"},
      {R"(Basic realm="x", Bearer realm="y" , service=z)", "basic(realm=x;)bearer(realm=y;service=z;)"},
      {R"(BEARER REALM = "a\"b\\c")", R"(bearer(realm=a"b\c;))"},
      {R"(,, Basic realm="",)", "basic(realm=;)"},
      {"", ""},
  };
  for (const auto& [line, wanted] : rows) EXPECT_EQ(shown(line), wanted) << line;
}
TEST(Challenges, StopAtWhatIsMalformed) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {R"(realm="x")", ""},
      {R"(Bearer realm="x)", ""},
      {R"(Bearer realm="x\)", ""},
      {R"(Bearer realm="a",realm="b")", ""},
      {R"(Basic realm="a", Bearer realm="b)", "basic(realm=a;)"},
      {R"("Bearer" realm="x")", ""},
      {"Bearer (x)", "bearer()"},
  };
  for (const auto& [line, wanted] : rows) EXPECT_EQ(shown(line), wanted) << line;
}
TEST(Challenges, AreLimited) {
  EXPECT_EQ(shown("Bearer a=" + std::string(20'000, 'x')), "");
  std::string many = "Bearer a=b";
  for (int i = 0; i < 40; ++i) many += format(",p{}=x", i);
  EXPECT_EQ(shown(many), "");
}

TEST(Warning, IsTheTextOf299) {
  EXPECT_EQ(parse_warning(R"(299 - "report at https://x")"), "report at https://x");
  EXPECT_EQ(parse_warning(R"(299 agent "a \"quoted\" word")"), R"(a "quoted" word)");
  for (auto line : {R"(199 - "x")", R"(299 "x")", "299 - x", "299", "", R"(299 - "x)"})
    EXPECT_FALSE(parse_warning(line)) << line;
}
TEST(Warning, IsSafeToPrint) {
  EXPECT_EQ(parse_warning("299 - \"a\x1b[31mb\""), "a\\x1b[31mb");
}

TEST(ErrorText, SaysWhatTheRegistrySaid) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {R"({"errors":[{"code":"DENIED","message":"blocked by policy"}]})", "DENIED: blocked by policy"},
      {R"({"errors":[{"code":"A"},{"message":"b","detail":"c"}]})", "A; b (c)"},
      {R"({"errors":[{"code":"X","message":"m","detail":{"a":1}}]})", "X: m"},
      {R"({"message":"no such image: x"})", "no such image: x"},
      {R"({"errors":[]})", ""},
      {R"({"title":"Not Found"})", "Not Found"},
      {"plain words\n", "plain words"},
      {"<html><body>502</body></html>", ""},
      {"", ""},
  };
  for (const auto& [body, wanted] : rows) EXPECT_EQ(error_text(body), wanted) << body;
}

TEST(Origin, HasItsPortWrittenOut) {
  EXPECT_EQ(origin_of("https://A.b/c").value(), "https://a.b:443");
  EXPECT_EQ(origin_of("http://a").value(), "http://a:80");
  EXPECT_EQ(origin_of("http://a:5000/x?y").value(), "http://a:5000");
  EXPECT_EQ(origin_of("http://[::1]:5000/").value(), "http://[::1]:5000");
  EXPECT_EQ(origin_of("http://[::1]/").value(), "http://[::1]:80");
  for (auto url : {"", "a", "ftp://a", "http://", "http:///x", "http://u@a/", "http://a b/", "http://a\\b/",
                   "file:///etc/passwd"}) {
    EXPECT_FALSE(origin_of(url).ok()) << url;
  }
}
TEST(Loopback, IsWhereNobodyCanListen) {
  for (auto host : {"localhost", "localhost:5000", "127.0.0.1", "127.1.2.3:5000", "[::1]", "[::1]:5000"}) {
    EXPECT_TRUE(is_loopback_host(host)) << host;
  }
  for (auto host : {"", "127.0.0.1.example", "127.example", "127.0.0", "128.0.0.1", "127.0.0.256", "localhost.example",
                    "::1", "[::2]", "[::1].example", "localhosts", "127.0.0.1.2"}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
  }
}
TEST(Location, IsResolvedAgainstWhatWasAsked) {
  const std::string asked = "https://r.x:5/v2/a/blobs/uploads/?q=1";
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"/v2/a/blobs/uploads/1?s=t", "https://r.x:5/v2/a/blobs/uploads/1?s=t"},
      {"https://other/x", "https://other/x"},
      {"//other/x", "https://other/x"},
      {"1?s=t", "https://r.x:5/v2/a/blobs/uploads/1?s=t"},
      {"?s=http://x", "https://r.x:5/v2/a/blobs/uploads/?s=http://x"},
  };
  for (const auto& [location, wanted] : rows) EXPECT_EQ(resolve_location(asked, location).value(), wanted);
  EXPECT_EQ(resolve_location("http://a", "b").value(), "http://a/b");
  for (auto location : {"http://r.x:5/x", "ftp://a/b", "javascript:1", "https://"})
    EXPECT_FALSE(resolve_location(asked, location).ok()) << location;
}
TEST(Query, IsAppendedEncoded) {
  EXPECT_EQ(with_query("http://a/b", "digest", "sha256:1"), "http://a/b?digest=sha256%3A1");
  EXPECT_EQ(with_query("http://a/b?c=d#e", "x", "y z"), "http://a/b?c=d&x=y%20z");
}
TEST(RetryAfter, IsSecondsOnly) {
  EXPECT_EQ(parse_retry_after(" 12 "), 12U);
  for (auto value : {"", "-1", "1.5", "Fri, 20 Nov 2026 15:38:00 GMT"}) EXPECT_FALSE(parse_retry_after(value)) << value;
}
TEST(ContentType, IsTakenWithoutParameters) {
  EXPECT_EQ(media_type_of("a/b; charset=utf-8"), "a/b");
  EXPECT_EQ(media_type_of(" a/b "), "a/b");
}

}  // namespace
}  // namespace pratique::transport
