#include "scan/inflate.h"

#include <gtest/gtest.h>

#include "scan/test_archive.h"

namespace pratique::scan {
namespace {

using namespace testing;

class Collected final : public Output {
 public:
  explicit Collected(std::size_t room = 4096) : buffer_(room) {}
  std::span<std::byte> acquire() override { return buffer_; }
  void commit(std::size_t count) override { text += as_text(Bytes(buffer_).first(count)); }
  std::string text;

 private:
  std::vector<std::byte> buffer_;
};

struct Inflated {
  std::string text;
  std::string code;
};
Inflated inflate(std::string_view bytes, std::size_t piece = SIZE_MAX, std::size_t room = 4096,
                 const Limits& limits = {}) {
  Collected output(room);
  Inflater inflater(limits, output);
  std::optional<Problem> problem;
  while (!bytes.empty() && !problem) {
    problem = inflater.feed(as_bytes(bytes.substr(0, piece)));
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  if (!problem) problem = inflater.finish();
  return {output.text, problem ? problem->code : ""};
}

std::string sample() {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i * 7919 % 10'007) + " ";
  return text;
}

TEST(Inflate, ReadsEveryCompressionInAnyPieces) {
  auto text = sample();
  for (const auto& bytes : {text, gzip(text), gzip(text, 0), zstd(text)})
    for (std::size_t piece : {1ul, 3ul, 1000ul, SIZE_MAX})
      for (std::size_t room : {64ul, 4096ul, 1ul << 20}) {
        auto inflated = inflate(bytes, piece, room);
        EXPECT_EQ(inflated.code, "");
        EXPECT_TRUE(inflated.text == text) << piece << " " << room;
      }
}
TEST(Inflate, JoinsMembersAndFrames) {
  for (std::size_t piece : {1ul, 5ul, SIZE_MAX}) {
    EXPECT_EQ(inflate(gzip("one ") + gzip("") + gzip("two"), piece).text, "one two");
    EXPECT_EQ(inflate(zstd("one ") + zstd("") + zstd("two"), piece).text, "one two");
    EXPECT_EQ(inflate(zstd("one") + std::string("\x50\x2a\x4d\x18\x02\0\0\0ab", 10), piece).text, "one");
  }
}
TEST(Inflate, ToleratesZeroPadding) {
  for (std::size_t piece : {1ul, SIZE_MAX}) {
    EXPECT_EQ(inflate(gzip("x") + std::string(600, '\0'), piece).code, "");
    EXPECT_EQ(inflate(zstd("x") + std::string(1, '\0'), piece).code, "");
  }
}
TEST(Inflate, RefusesAnyOtherTail) {
  for (std::size_t piece : {1ul, SIZE_MAX})
    for (auto tail : {"x", "\x1f", "\x1f\x8a", "garbage", "(\xb5/\xfd"})
      EXPECT_EQ(inflate(gzip("x") + tail, piece).code, "trailing-garbage") << tail;
  EXPECT_EQ(inflate(gzip("x") + std::string("\0\0\0x", 4)).code, "trailing-garbage");
  EXPECT_EQ(inflate(gzip("x") + std::string("\0", 1) + gzip("y")).code, "trailing-garbage");
  EXPECT_EQ(inflate(zstd("x") + gzip("y")).code, "trailing-garbage");
  EXPECT_EQ(inflate(zstd("x") + "abc").code, "trailing-garbage");
}
TEST(Inflate, ReportsTruncationAtEveryByte) {
  for (const auto& bytes : {gzip("hello, hello"), zstd("hello, hello")})
    for (std::size_t size = 4; size < bytes.size(); ++size)
      EXPECT_EQ(inflate(bytes.substr(0, size)).code, "truncated") << size;
}
TEST(Inflate, ReportsAWrongChecksumOrLength) {
  auto bytes = gzip("hello");
  for (auto from_end : {1u, 5u, 8u}) {
    auto damaged = bytes;
    damaged[damaged.size() - from_end] ^= 1;
    EXPECT_EQ(inflate(damaged).code, "corrupt") << from_end;
  }
}
TEST(Inflate, ReportsDamage) {
  EXPECT_EQ(inflate("\x1f\x8b\x08 and then nothing a gzip stream would hold").code, "corrupt");
  EXPECT_EQ(inflate("(\xb5/\xfd and then nothing a zstd frame would hold").code, "corrupt");
}
TEST(Inflate, StopsABombByRatio) {
  Limits limits;
  limits.ratio_floor_bytes = 1 << 20;
  limits.ratio_max = 500;
  EXPECT_EQ(inflate(gzip(std::string(8 << 20, '\0'), 9), 64, 4096, limits).code, "limit");
  EXPECT_EQ(inflate(zstd(std::string(8 << 20, '\0')), 64, 4096, limits).code, "limit");
}
TEST(Inflate, StopsAtTheByteLimit) {
  Limits limits;
  limits.uncompressed_bytes_max = 10'000;
  auto inflated = inflate(gzip(std::string(100'000, 'x')), SIZE_MAX, 4096, limits);
  EXPECT_EQ(inflated.code, "limit");
  EXPECT_LE(inflated.text.size(), 10'000u + 4096u);
}
TEST(Inflate, TakesFewerBytesThanAMagicNumberAsPlain) {
  EXPECT_EQ(inflate("abc").text, "abc");
  EXPECT_EQ(inflate("").code, "");
}

}  // namespace
}  // namespace pratique::scan
