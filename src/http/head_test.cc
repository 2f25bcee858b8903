#include "http/head.h"

#include <gtest/gtest.h>

#include "base/format.h"

namespace pratique::http {

namespace {

// The status a head is refused with, 0 where it is accepted.
int verdict(std::string_view head) {
  auto parsed = parse_head(head);
  const auto* refusal = std::get_if<Refusal>(&parsed);
  return refusal == nullptr ? 0 : refusal->status;
}

Head accepted(std::string_view head) {
  auto parsed = parse_head(head);
  if (const auto* refusal = std::get_if<Refusal>(&parsed)) ADD_FAILURE() << refusal->message;
  return std::get<Head>(parsed);
}

// A POST with these field lines besides Host.
std::string post(std::string_view fields) {
  return format("POST / HTTP/1.1\r\nHost: x\r\n{}\r\n", fields);
}

struct Row {
  std::string_view claim;
  std::string head;
  int status;
};

TEST(Head, request_lines) {
  const Row rows[] = {
      {"the plainest request", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0},
      {"HTTP/1.0 needs no Host", "GET / HTTP/1.0\r\n\r\n", 0},
      {"any token is a method", "PURGE! / HTTP/1.1\r\nHost: x\r\n\r\n", 0},
      {"a method with a blank", "GE T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"no target", "GET HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"two blanks", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"HTTP/2.0", "PRI * HTTP/2.0\r\n\r\n", 505},
      {"HTTP/0.9", "GET /\r\n\r\n", 400},
      {"a protocol that is none", "GET / SPDY/1.1\r\nHost: x\r\n\r\n", 400},
      {"a control character in the target", "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"nothing", "\r\n", 400},
      {"an unfinished head", "GET / HTTP/1.1\r\nHost: x\r\n", 400},
  };
  for (const auto& row : rows) EXPECT_EQ(verdict(row.head), row.status) << row.claim;
}

TEST(Head, lines_end_in_crlf_and_are_not_folded) {
  const Row rows[] = {
      {"bare LF after the request line", "GET / HTTP/1.1\nHost: x\r\n\r\n", 400},
      {"bare LF after a field", "GET / HTTP/1.1\r\nHost: x\n\r\n", 400},
      {"bare LF as the empty line", "GET / HTTP/1.1\r\nHost: x\r\n\n", 400},
      {"bare CR in a value", "GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", 400},
      {"folded with a blank", post("A: b\r\n c\r\n"), 400},
      {"folded with a tab", post("A: b\r\n\tc\r\n"), 400},
      {"a blank before the first field", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
      {"a NUL", std::string("GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n", 33), 400},
      {"a blank before the colon", post("A : b\r\n"), 400},
      {"no colon", post("A\r\n"), 400},
      {"an empty name", post(": b\r\n"), 400},
      {"an empty value", post("A:\r\n"), 0},
      {"Latin-1 in a value", post("A: caf\xe9\r\n"), 0},
  };
  for (const auto& row : rows) EXPECT_EQ(verdict(row.head), row.status) << row.claim;
}

TEST(Head, framing_is_unambiguous_or_refused) {
  const Row rows[] = {
      {"a length", post("Content-Length: 5\r\n"), 0},
      {"chunked", post("Transfer-Encoding: chunked\r\n"), 0},
      {"Chunked in capitals", post("transfer-encoding: CHUNKED\r\n"), 0},
      {"both", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400},
      {"both, the other way round", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"two lengths that differ", post("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
      {"two lengths that agree", post("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
      {"a list of lengths", post("Content-Length: 5, 5\r\n"), 400},
      {"a negative length", post("Content-Length: -1\r\n"), 400},
      {"a signed length", post("Content-Length: +1\r\n"), 400},
      {"a hexadecimal length", post("Content-Length: 0x5\r\n"), 400},
      {"an empty length", post("Content-Length:\r\n"), 400},
      {"a length of 2^64", post("Content-Length: 18446744073709551616\r\n"), 400},
      {"gzip", post("Transfer-Encoding: gzip\r\n"), 501},
      {"gzip, then chunked", post("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {"identity", post("Transfer-Encoding: identity\r\n"), 501},
      {"chunked with a vertical tab", post("Transfer-Encoding: \vchunked\r\n"), 400},
      {"chunked twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
  };
  for (const auto& row : rows) EXPECT_EQ(verdict(row.head), row.status) << row.claim;
}

TEST(Head, host_is_present_once_and_a_host) {
  auto with = [](std::string_view lines) { return format("GET / HTTP/1.1\r\n{}\r\n", lines); };
  EXPECT_EQ(verdict(with("")), 400);
  EXPECT_EQ(verdict(with("Host:\r\n")), 400);
  EXPECT_EQ(verdict(with("Host: a\r\nHost: a\r\n")), 400);
  EXPECT_EQ(verdict(with("Host: a/b\r\n")), 400);
  EXPECT_EQ(verdict(with("Host: user@a\r\n")), 400);
  EXPECT_EQ(verdict(with("Host: [::1]:5000\r\n")), 0);
}

TEST(Head, connection_and_expectation_are_read) {
  EXPECT_TRUE(accepted(post("")).keep_alive);
  EXPECT_FALSE(accepted(post("Connection: foo, Close\r\n")).keep_alive);
  EXPECT_FALSE(accepted("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(accepted("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
  EXPECT_TRUE(accepted(post("Expect: 100-Continue\r\n")).expects_continue);
  EXPECT_EQ(verdict(post("Expect: tea\r\n")), 417);
}

TEST(Head, fields_keep_their_lines) {
  auto head = accepted(post("Accept: a\r\naccept: b\r\n"));
  EXPECT_EQ(head.headers.all("ACCEPT"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(head.headers.find("Host"), "x");
}

TEST(Head, two_hundred_and_fifty_six_fields_at_most) {
  std::string fields;
  for (int i = 0; i < 255; ++i) fields += "A: b\r\n";
  EXPECT_EQ(verdict(post(fields)), 0);
  EXPECT_EQ(verdict(post(fields + "A: b\r\n")), 431);
}

TEST(Head, its_end_is_found_however_it_arrives) {
  std::string head = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  std::size_t scanned = 0;
  for (std::size_t size = 0; size < head.size(); ++size)
    EXPECT_EQ(find_head_end(head.substr(0, size), scanned).state, HeadEnd::State::Incomplete) << size;
  auto end = find_head_end(head + "body", scanned);
  EXPECT_EQ(end.state, HeadEnd::State::Complete);
  EXPECT_EQ(end.length, head.size());
}

TEST(Head, a_bare_line_feed_ends_the_wait_at_once) {
  std::size_t scanned = 0;
  EXPECT_EQ(find_head_end("GET / HTTP/1.1\n", scanned).state, HeadEnd::State::Malformed);
}

}  // namespace

}  // namespace pratique::http
