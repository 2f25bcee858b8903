#include <gmock/gmock.h>

#include "base/format.h"
#include "proxy/proxy.h"

namespace pratique::proxy {

namespace {

std::string answer(std::string_view head) {
  auto host = parse_connect(head);
  return host.ok() ? *host : std::string(to_string(host.error().kind()));
}

TEST(ConnectHead, NamesAHost) {
  EXPECT_EQ(answer("CONNECT sts.amazonaws.com:443 HTTP/1.1\r\nHost: sts.amazonaws.com:443\r\n\r\n"),
            "sts.amazonaws.com");
  EXPECT_EQ(answer("CONNECT STS.Amazonaws.com:443 HTTP/1.0\r\n\r\n"), "sts.amazonaws.com");
}

TEST(ConnectHead, RefusesEverythingElse) {
  const std::pair<std::string, std::string_view> rows[] = {
      {"", "invalid"},
      {"CONNECT a:443 HTTP/1.1\r\n", "invalid"},
      {"CONNECT a:443 HTTP/2\r\n\r\n", "invalid"},
      {"CONNECT  a:443 HTTP/1.1\r\n\r\n", "invalid"},
      {"CONNECT a:443\r\n\r\n", "invalid"},
      {"CONNECT a:443 HTTP/1.1\r\nno colon\r\n\r\n", "invalid"},
      {"CONNECT a:443 HTTP/1.1\r\n: x\r\n\r\n", "invalid"},
      {"CONNECT a:443 HTTP/1.1\r\nA: \x01\r\n\r\n", "invalid"},
      {"CONNECT a:443 HTTP/1.1\r\nA: x\nB: y\r\n\r\n", "invalid"},
      {"CONNECT a:443 HTTP/1.1\r\nA: x\r\n\r\nmore", "invalid"},
      {"CONNECT a:443 HTTP/1.1\r\n\r\nmore\r\n\r\n", "invalid"},
      {"CONNECT :443 HTTP/1.1\r\n\r\n", "invalid"},
      {"CONNECT [::1]:443 HTTP/1.1\r\n\r\n", "invalid"},
      {"CONNECT a%00b:443 HTTP/1.1\r\n\r\n", "invalid"},
      {format("CONNECT {}:443 HTTP/1.1\r\n\r\n", std::string(254, 'a')), "invalid"},
      {"CONNECT a HTTP/1.1\r\n\r\n", "denied"},
      {"CONNECT a:80 HTTP/1.1\r\n\r\n", "denied"},
      {"CONNECT a:0443 HTTP/1.1\r\n\r\n", "denied"},
      {"GET http://sts.amazonaws.com/ HTTP/1.1\r\nHost: sts.amazonaws.com\r\n\r\n", "denied"},
      {"connect a:443 HTTP/1.1\r\n\r\n", "denied"}};
  for (const auto& [head, kind] : rows) EXPECT_EQ(answer(head), kind) << head;
}

}  // namespace

}  // namespace pratique::proxy
