// Requests that two readers may frame or address differently: each is understood in one way, or refused, and what
// follows a refused one is never taken for a request.
#include <gtest/gtest.h>

#include "base/text.h"
#include "http/test_turns.h"

namespace pratique::http {

namespace {

using Turns = std::vector<std::string>;
constexpr std::string_view kNext = "GET /next HTTP/1.1\r\nHost: x\r\n\r\n";

Turns turns(const std::string& request) {
  const auto all = turns_of(request + std::string(kNext), 0);
  EXPECT_EQ(turns_of(request + std::string(kNext), 1), all) << request;
  return all;
}

TEST(Smuggling, BodiesOfTwoLengthsAreRefusedAndNothingFollows) {
  const std::string post = "POST / HTTP/1.1\r\nHost: x\r\n";
  for (const std::string fields : {
           "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
           "Content-Length: 6\r\nContent-Length: 5\r\n",
           "Content-Length: 6\r\nContent-Length: 6\r\n",
           "Content-Length: 6, 6\r\n",
           "Content-Length: +6\r\n",
           "Content-Length: 0x6\r\n",
           "Content-Length: -6\r\n",
           "Content-Length: 6 6\r\n",
           "Content-Length: 18446744073709551616\r\n",
           "Content-Length:\r\n",
           "Content-Length : 6\r\n",
           " Content-Length: 6\r\n",
           "Content-Length\r\n",
           "X: y\r\n Content-Length: 6\r\n",
           "X: y\nContent-Length: 6\r\n",
           "X: y\rContent-Length: 6\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: chunked, identity\r\n",
           "Transfer-Encoding: identity, chunked\r\n",
           "Transfer-Encoding: xchunked\r\n",
           "Transfer-Encoding: \"chunked\"\r\n",
           "Transfer-Encoding: chunked;q=1\r\n",
           "Transfer-Encoding:\x0b"
           "chunked\r\n",
           "Transfer-Encoding:\r\n chunked\r\n",
       }) {
    const auto seen = turns(post + fields + "\r\n0\r\n\r\nX");
    ASSERT_EQ(seen.size(), 1U) << fields;
    EXPECT_TRUE(seen[0].starts_with("refused")) << fields << seen[0];
  }
}

TEST(Smuggling, ChunksAreReadInOneWayOrNotAtAll) {
  const std::string post = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string body :
       {"0x2\r\nab\r\n0\r\n\r\n", "+2\r\nab\r\n0\r\n\r\n", "2 \r\nab\r\n0\r\n\r\n", "2\nab\n0\n\n",
        "2\r\nabc\r\n0\r\n\r\n", "2\r\na\r\n0\r\n\r\n", "-1\r\n\r\n", "\r\n\r\n",
        "10000000000000002\r\nab\r\n0\r\n\r\n", "2;x\nab\r\n0\r\n\r\n", "2\r\nab0\r\n\r\n"}) {
    const auto seen = turns(post + body);
    ASSERT_EQ(seen.size(), 1U) << body << join(seen, "|");
    EXPECT_TRUE(seen[0].ends_with("body=bad")) << body << seen[0];
  }
  EXPECT_EQ(turns(post + "1;a=b\r\na\r\n01\r\nb\r\n0\r\nTrailer: x\r\n\r\n"),
            (Turns{"POST / host=x body=ab", "GET /next host=x body="}));
}

TEST(Smuggling, WhatIsPipelinedIsReadInOrder) {
  EXPECT_EQ(turns("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi\r\nGET /b HTTP/1.1\r\nHost: y\r\n\r\n"),
            (Turns{"POST /a host=x body=hi", "GET /b host=y body=", "GET /next host=x body="}));
  EXPECT_EQ(turns("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), Turns{"GET /a host=x body="});
  EXPECT_EQ(turns("GET /a HTTP/1.0\r\n\r\n"), Turns{"GET /a host= body="});
}

TEST(Smuggling, ATargetHasOneMeaning) {
  struct Row {
    const char *target, *seen;
  };
  for (const auto& row : {
           Row{"http://other/v2/?a=b", "GET /v2/? host=other body="},
           Row{"http://other", "GET / host=other body="},
           Row{"http://user@other/", "refused"},
           Row{"ftp://other/", "refused"},
           Row{"other:80", "refused"},
           Row{"/v2/a%2Fb", "GET /v2/a/b host=x body="},
           Row{"/v2/%252e%252e/x", "GET /v2/%2e%2e/x host=x body="},
           Row{"/v2/%2e%2e/x", "refused"},
           Row{"/v2/..%2fx", "refused"},
           Row{"/v2/%2E/x", "refused"},
           Row{"/v2/a%2f%2fb", "refused"},
           Row{"/v2/%00", "refused"},
           Row{"/v2/%zz", "refused"},
           Row{"/v2/%", "refused"},
           Row{"/v2/#x", "refused"},
           Row{"v2/", "refused"},
           Row{"//other/v2/", "refused"},
           Row{"*", "refused"},
       }) {
    const auto seen = turns(std::string("GET ") + row.target + " HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_FALSE(seen.empty()) << row.target;
    EXPECT_EQ(seen[0], row.seen) << row.target;
    EXPECT_EQ(seen.size(), seen[0] == "refused" ? 1U : 2U) << row.target;
  }
}

TEST(Smuggling, FloodsOfFieldsAreRefused) {
  std::string many = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 300; ++i) many += "A: b\r\n";
  EXPECT_EQ(turns(many + "\r\n"), Turns{"refused"});
  EXPECT_EQ(turns("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(70'000, 'a') + "\r\n\r\n"), Turns{"refused 431"});
  EXPECT_EQ(turns("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"), Turns{"refused"});
  EXPECT_EQ(turns("GET / HTTP/1.1\r\nHost: x/y\r\n\r\n"), Turns{"refused"});
}

}  // namespace

}  // namespace pratique::http
