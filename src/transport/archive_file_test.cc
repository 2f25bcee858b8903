#include "transport/archive_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zlib.h>

#include <thread>

#include "base/text.h"
#include "transport/test_image.h"

namespace pratique::transport {
namespace {

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

struct ArchiveFile : testing::Test {
  os::TemporaryDirectory directory = os::TemporaryDirectory::create().value();
  std::string path = directory.path() + "/file";
  Result<std::string> unpacked(std::string_view bytes, std::uint64_t bytes_max = 1 << 30) {
    EXPECT_TRUE(os::write_file(path, bytes).ok());
    auto file = open_archive(path, bytes_max);
    if (!file.ok()) return file.error();
    return bytes_of(*file);
  }
};

std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint64_t state = 1;
  for (auto& c : bytes) c = static_cast<char>((state = state * 6364136223846793005U + 1) >> 56);
  return bytes;
}

TEST_F(ArchiveFile, IsItselfWhenPlain) {
  EXPECT_EQ(unpacked("plain").value(), "plain");
}
TEST_F(ArchiveFile, IsUnpackedWhenGzip) {
  for (std::size_t size : {0, 1, 100, 262'143, 262'144, 262'145, 3'000'000}) {
    EXPECT_EQ(unpacked(gzip(noise(size))).value(), noise(size)) << size;
    EXPECT_EQ(unpacked(gzip(std::string(size, 'a'))).value().size(), size);
  }
}
TEST_F(ArchiveFile, HasAllGzipMembersUnpacked) {
  EXPECT_EQ(unpacked(gzip("one") + gzip("") + gzip(noise(400'000)) + gzip("two")).value(),
            "one" + noise(400'000) + "two");
}
TEST_F(ArchiveFile, IsCorruptWhenGzipIsBroken) {
  auto whole = gzip(noise(300'000));
  auto flipped = whole;
  flipped[whole.size() - 6] ^= 1;  // of the checksum
  for (const auto& bytes : {whole.substr(0, 5), whole.substr(0, 1000), whole.substr(0, whole.size() - 1), flipped,
                            std::string("\x1f\x8bxxxxxxxxxxxxxxx")}) {
    EXPECT_EQ(unpacked(bytes).error().kind(), ErrorKind::Corrupt) << bytes.size();
  }
}
TEST_F(ArchiveFile, StopsAtItsLimit) {
  EXPECT_TRUE(unpacked(gzip(std::string(1000, 'a')), 1000).ok());
  EXPECT_EQ(unpacked(gzip(std::string(1001, 'a')), 1000).error().kind(), ErrorKind::Limit);
}
TEST_F(ArchiveFile, MayBeAPipe) {
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] {
    os::Fd out(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    EXPECT_TRUE(os::write_all(out, as_bytes(gzip("through a pipe"))).ok());
  });
  EXPECT_EQ(bytes_of(open_archive(path).value()), "through a pipe");
  writer.join();
}
TEST_F(ArchiveFile, IsNoDirectory) {
  EXPECT_EQ(open_archive(directory.path()).error().kind(), ErrorKind::Invalid);
  EXPECT_EQ(open_archive(path).error().kind(), ErrorKind::NotFound);
}

}  // namespace
}  // namespace pratique::transport
