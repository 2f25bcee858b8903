#include "distribution/range.h"

#include <gtest/gtest.h>

namespace pratique::distribution {
namespace {

std::string outcome(std::string_view header, std::uint64_t size) {
  const auto range = parse_range(header, size);
  if (std::holds_alternative<Whole>(range)) return "whole";
  if (std::holds_alternative<Unsatisfiable>(range)) return "416";
  const auto& part = std::get<ByteRange>(range);
  return std::to_string(part.offset) + "+" + std::to_string(part.length);
}

TEST(Range, AnswersTheConformanceSuitesQuestions) {
  EXPECT_EQ(outcome("bytes=500-1499", 2048), "500+1000");
  EXPECT_EQ(outcome("bytes=500-", 2048), "500+1548");
  EXPECT_EQ(outcome("bytes=-500", 2048), "1548+500");
  EXPECT_EQ(outcome("bytes=2000-5000", 2048), "2000+48");
  EXPECT_EQ(outcome("bytes=500-0", 2048), "416");
  EXPECT_EQ(outcome("bytes=5000-10000", 2048), "416");
}

TEST(Range, HoldsAtItsEdges) {
  EXPECT_EQ(outcome("bytes=0-0", 1), "0+1");
  EXPECT_EQ(outcome("bytes=0-2047", 2048), "0+2048");
  EXPECT_EQ(outcome("bytes=2047-2048", 2048), "2047+1");
  EXPECT_EQ(outcome("bytes=2048-2048", 2048), "416");
  EXPECT_EQ(outcome("bytes=-5000", 2048), "0+2048");
  EXPECT_EQ(outcome("bytes=-0", 2048), "416");
  EXPECT_EQ(outcome("bytes=0-", 0), "416");
  EXPECT_EQ(outcome("bytes=-5", 0), "416");
  EXPECT_EQ(outcome("bytes=0-18446744073709551615", 10), "0+10");
}

TEST(Range, IgnoresWhatItNeedNotServe) {
  for (const std::string_view header : {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=1-2,4-5", "lines=1-2",
                                        "bytes=1-2-3", "bytes=+1-2", "bytes=99999999999999999999-"}) {
    EXPECT_EQ(outcome(header, 100), "whole") << header;
  }
}

TEST(ChunkRange, TakesTheSpecificationsFormAndTheHttpOne) {
  for (const std::string_view header : {"0-9", "bytes 0-9/*", " 0-9 ", "bytes 0-9/100", "0-9/10"}) {
    const auto range = parse_chunk_range(header);
    ASSERT_TRUE(range.ok()) << header;
    EXPECT_EQ(range->first, 0U);
    EXPECT_EQ(range->length(), 10U);
  }
}

TEST(ChunkRange, RefusesEverythingElse) {
  for (const std::string_view header : {"", "-", "0-", "-9", "9-0", "a-b", "0-9-10", "bytes=0-9", "0 - 9", "-1-5",
                                        "0-18446744073709551615", "0-99999999999999999999"}) {
    EXPECT_FALSE(parse_chunk_range(header).ok()) << header;
  }
}

TEST(ReceivedRange, EndsAtTheLastByte) {
  EXPECT_EQ(received_range(0), "0-0");
  EXPECT_EQ(received_range(1), "0-0");
  EXPECT_EQ(received_range(1024), "0-1023");
}

}  // namespace
}  // namespace pratique::distribution
