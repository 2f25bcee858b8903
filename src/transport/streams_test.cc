#include "transport/streams.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "transport/test_image.h"

namespace pratique::transport {
namespace {

Result<std::string> read_verified(std::string bytes, const oci::Descriptor& descriptor) {
  auto stream = verified(memory_stream(std::move(bytes)), descriptor);
  return read_all(*stream, 1 << 20);
}
const auto kHello = describe("a/b", "hello");

TEST(Verified, PassesTheRightBytes) {
  EXPECT_EQ(read_verified("hello", kHello).value(), "hello");
}
TEST(Verified, PassesAnEmptyBlob) {
  EXPECT_EQ(read_verified("", describe("a/b", "")).value(), "");
}
TEST(Verified, IsCorruptForOtherBytesOfTheSameLength) {
  EXPECT_EQ(read_verified("hullo", kHello).error().kind(), ErrorKind::Corrupt);
}
TEST(Verified, IsCorruptForBytesThatEndEarlyOrLate) {
  EXPECT_TRUE(contains(read_verified("hell", kHello).error().message(), "early"));
  EXPECT_TRUE(contains(read_verified("hello!", kHello).error().message(), "longer"));
}
TEST(Verified, ChecksSha512) {
  Hasher hasher(oci::Algorithm::Sha512);
  hasher.update(as_bytes("hello"));
  oci::Descriptor wide{.media_type = "a/b", .digest = hasher.digest(), .size = 5};
  EXPECT_EQ(read_verified("hello", wide).value(), "hello");
  EXPECT_EQ(read_verified("hullo", wide).error().kind(), ErrorKind::Corrupt);
}
TEST(Verified, StaysFailedOnceItFailed) {
  auto stream = verified(memory_stream("hullo"), kHello);
  EXPECT_FALSE(read_all(*stream, 100).ok());
  std::byte one[1];
  EXPECT_FALSE(stream->read(one).ok());
}
TEST(FileStream, ReadsARangeAndMissesWhatIsNotThere) {
  auto file = file_with("0123456789");
  EXPECT_EQ(read_all(*file_stream(file, 3, 4).value(), 100).value(), "3456");
  EXPECT_EQ(read_all(*file_stream(file, 8, 4).value(), 100).error().kind(), ErrorKind::Corrupt);
}
TEST(ReadAll, StopsAtItsLimit) {
  EXPECT_EQ(read_all(*memory_stream("12345"), 5).value(), "12345");
  EXPECT_EQ(read_all(*memory_stream("12345"), 4).error().kind(), ErrorKind::Limit);
}
TEST(Measure, GivesDigestAndSize) {
  auto measured = measure(*memory_stream("hello")).value();
  EXPECT_EQ(measured.digest, kHello.digest);
  EXPECT_EQ(measured.size, 5U);
}

}  // namespace
}  // namespace pratique::transport
