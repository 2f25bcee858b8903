#include <gtest/gtest.h>

#include "base/text.h"
#include "transport/fake_registry.h"
#include "transport/layout.h"
#include "transport/part_file.h"
#include "transport/test_image.h"

namespace pratique::transport {
namespace {

std::string make_large() {
  std::string bytes(2 * kPieceBytes + 1'000'003, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>((i * 2'654'435'761U) >> 24U);
  return bytes;
}

// A registry with one layer of three pieces and a small one, and a directory to pull to.
struct Fetch : testing::Test {
  os::TemporaryDirectory directory = os::TemporaryDirectory::create().value();
  // Made once: tens of megabytes, hashed.
  static inline const std::string large = make_large();
  static inline const TestImage image{{"small", large}};
  static inline const oci::Descriptor large_blob = describe("", large);
  FakeRegistry fake;
  CountingProgress progress;

  Fetch() { fake.hold("team/tool", "1", image.manifest, oci::media_type::kOciManifest, blobs()); }
  std::vector<std::string> blobs() const { return {"small", large, image.config}; }
  std::string out() { return directory.path() + "/out"; }
  std::string path_of_large() { return out() + "/" + blob_path(large_blob.digest); }
  Result<oci::Descriptor> pull() {
    auto from = open(format("docker://{}/team/tool:1", fake.host())).value();
    return write_layout(*from, out(), "t", progress);
  }
  std::size_t gets_of_large() const { return fake.count("GET /v2/team/tool/blobs/" + large_blob.digest.to_string()); }
  void expect_whole() {
    auto back = open("oci:" + out() + ":t").value();
    for (const auto& layer : back->manifest().layers) EXPECT_TRUE(read_blob(*back, layer, 1 << 30).ok());
    EXPECT_FALSE(os::exists(path_of_large() + ".part"));
    EXPECT_FALSE(os::exists(path_of_large() + ".part.pieces"));
  }
};

TEST_F(Fetch, TakesALargeBlobInPieces) {
  ASSERT_TRUE(pull().ok());
  EXPECT_EQ(gets_of_large(), 4U);  // one of them asked for a byte
  EXPECT_EQ(progress.seen, progress.expected);
  expect_whole();
}
TEST_F(Fetch, GoesOnInsideAPieceThatBreaks) {
  fake.faults.cut_downloads = 3;
  ASSERT_TRUE(pull().ok());
  EXPECT_EQ(progress.seen, progress.expected);
  expect_whole();
}
TEST_F(Fetch, GoesOnWhereAnEarlierRunStopped) {
  ASSERT_TRUE(os::make_directories(out() + "/blobs/sha256").ok());
  {
    auto part = PartFile::open(path_of_large(), large_blob).value();
    ASSERT_TRUE(part.write(as_bytes(std::string_view(large).substr(kPieceBytes, kPieceBytes)), kPieceBytes).ok());
    ASSERT_TRUE(part.mark(1).ok());
  }
  ASSERT_TRUE(pull().ok());
  EXPECT_EQ(gets_of_large(), 3U);
  EXPECT_EQ(progress.seen, progress.expected);
  expect_whole();
}
TEST_F(Fetch, TakesNothingTwiceThatIsThere) {
  ASSERT_TRUE(pull().ok());
  fake.log.clear();
  ASSERT_TRUE(pull().ok());
  EXPECT_EQ(fake.count("GET /v2/team/tool/blobs/"), 0U);
  EXPECT_TRUE(contains(progress.log, "end 0 fetched, 3 already there\n"));
}
TEST_F(Fetch, ReplacesAFileThatOnlyHasTheName) {
  ASSERT_TRUE(pull().ok());
  ASSERT_TRUE(os::write_file(path_of_large(), std::string(large.size(), 'x')).ok());
  ASSERT_TRUE(pull().ok());
  expect_whole();
}
TEST_F(Fetch, DoesWithoutPiecesWhereTheRegistryKnowsNoRanges) {
  fake.faults.ignores_ranges = true;
  auto pulled = pull();
  ASSERT_TRUE(pulled.ok()) << pulled.error().message();
  expect_whole();
}
TEST_F(Fetch, NeverNamesABlobThatIsAnotherAndBeginsAnew) {
  ASSERT_TRUE(os::make_directories(out() + "/blobs/sha256").ok());
  {
    auto part = PartFile::open(path_of_large(), large_blob).value();
    ASSERT_TRUE(part.write(as_bytes(std::string(100, 'x')), 0).ok());
    ASSERT_TRUE(part.mark(0).ok());
  }
  EXPECT_EQ(pull().error().kind(), ErrorKind::Corrupt);
  EXPECT_FALSE(os::exists(path_of_large()));
  EXPECT_FALSE(os::exists(out() + "/index.json"));
  ASSERT_TRUE(pull().ok());
  expect_whole();
}
TEST_F(Fetch, IsOneProcessAtATime) {
  ASSERT_TRUE(os::make_directories(out() + "/blobs/sha256").ok());
  auto other = PartFile::open(path_of_large(), large_blob).value();
  EXPECT_EQ(pull().error().kind(), ErrorKind::Conflict);
}
TEST_F(Fetch, DropsMarksThatBelongToAnotherFile) {
  ASSERT_TRUE(os::make_directories(out() + "/blobs/sha256").ok());
  ASSERT_TRUE(os::write_file(path_of_large() + ".part", "short").ok());
  ASSERT_TRUE(os::write_file(path_of_large() + ".part.pieces", "111").ok());
  ASSERT_TRUE(pull().ok());
  expect_whole();
}

}  // namespace
}  // namespace pratique::transport
