#include "http/chunked.h"

#include <gtest/gtest.h>

#include <string>

#include "base/encoding.h"

namespace pratique::http {

namespace {

struct Decoded {
  std::string body;
  std::string rest;
  bool is_done = false;
  std::optional<ErrorKind> error;
};

// Feeds `raw` in pieces of `step` bytes.
Decoded decode(std::string raw, std::size_t step) {
  ChunkedDecoder decoder;
  Decoded decoded;
  std::size_t at = 0;
  while (at < raw.size() && !decoder.is_done()) {
    auto piece = raw.substr(at, step);
    auto moved = decoder.decode(std::as_writable_bytes(std::span(piece)));
    if (!moved.ok()) {
      decoded.error = moved.error().kind();
      return decoded;
    }
    decoded.body += piece.substr(0, moved->produced);
    at += moved->consumed;
  }
  decoded.rest = raw.substr(at);
  decoded.is_done = decoder.is_done();
  return decoded;
}

TEST(Chunked, bodies_come_out_whole_however_they_arrive) {
  struct Row {
    std::string raw, body, rest;
  };
  const Row rows[] = {
      {"0\r\n\r\n", "", ""},
      {"5\r\nhello\r\n0\r\n\r\n", "hello", ""},
      {"5\r\nhello\r\n0\r\n\r\nGET /", "hello", "GET /"},
      {"1\r\na\r\n00A\r\n0123456789\r\n0\r\n\r\n", "a0123456789", ""},
      {"a;name=\"va lue\";x\r\n0123456789\r\n0;last\r\n\r\n", "0123456789", ""},
      {"1\r\na\r\n0\r\nDigest: x\r\nOther:\r\n\r\n", "a", ""},
      {"000000000000005\r\nhello\r\n0\r\n\r\n", "hello", ""},
      {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n", ""},
  };
  for (const auto& row : rows) {
    for (std::size_t step = 1; step <= row.raw.size(); ++step) {
      auto decoded = decode(row.raw, step);
      EXPECT_FALSE(decoded.error) << row.raw;
      EXPECT_TRUE(decoded.is_done) << row.raw;
      EXPECT_EQ(decoded.body, row.body);
      EXPECT_EQ(decoded.rest, row.rest);
    }
  }
}

TEST(Chunked, loose_framing_is_refused) {
  for (std::string raw : {"\r\n",
                          "x\r\n",
                          "-1\r\n",
                          "+1\r\na",
                          "0x1\r\na",
                          " 1\r\na",
                          "1 \r\na",
                          "1\na\r\n",
                          "1\r\na\n",
                          "1\r\nab\r\n",
                          "1\rx",
                          ";x\r\n",
                          "0000000000000005\r\n",
                          "ffffffffffffffff\r\n",
                          "1;\x01\r\n",
                          "0\r\n: x\r\n",
                          "0\r\n x\r\n",
                          "0\r\nA: \x02\r\n",
                          "0\r\n\n",
                          "0\r\nA: b\n",
                          "0\r\n\rx",
                          "1;a\nb\r\n"}) {
    for (std::size_t step : {std::size_t{1}, raw.size()}) EXPECT_EQ(decode(raw, step).error, ErrorKind::Invalid) << raw;
  }
}

TEST(Chunked, overhead_is_bounded) {
  EXPECT_FALSE(decode("1;" + std::string(1024, 'x') + "\r\na\r\n0\r\n\r\n", 100).error);
  EXPECT_EQ(decode("1;" + std::string(1025, 'x') + "\r\na\r\n0\r\n\r\n", 100).error, ErrorKind::Limit);
  std::string line = "A: " + std::string(997, 'x') + "\r\n";
  std::string trailers;
  for (int i = 0; i < 8; ++i) trailers += line;
  EXPECT_FALSE(decode("0\r\n" + trailers + "\r\n", 100).error);
  EXPECT_EQ(decode("0\r\n" + trailers + line + "\r\n", 100).error, ErrorKind::Limit);
}

TEST(Chunked, extensions_of_every_chunk_are_counted_by_themselves) {
  std::string chunk = "1;" + std::string(600, 'x') + "\r\na\r\n";
  EXPECT_FALSE(decode(chunk + chunk + chunk + "0\r\n\r\n", 100).error);
}

}  // namespace

}  // namespace pratique::http
