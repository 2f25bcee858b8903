#include <gtest/gtest.h>

#include "base/text.h"
#include "transport/fake_registry.h"
#include "transport/layout.h"
#include "transport/test_image.h"

namespace pratique::transport {
namespace {

const auto kRepository = oci::RepositoryName::parse("team/tool").value();
const auto kTag = oci::Tag::parse("1").value();

// An image in a layout on disk, a registry, and a directory to copy to.
struct Copy : testing::Test {
  os::TemporaryDirectory directory = os::TemporaryDirectory::create().value();
  TestImage image{{"one", "two", "three", "four", std::string(3'000'000, 'x')}};
  FakeRegistry fake{FakeRegistry::Login::Bearer};
  CountingProgress progress;

  std::unique_ptr<Image> source() {
    write_tree(directory.path() + "/in", image.layout());
    return open("oci:" + directory.path() + "/in").value();
  }
  Result<PushResult> push() {
    RegistryClient client({.host = fake.host(), .credentials = Credentials{"me", "secret"}});
    return transport::push(*source(), client, kRepository, kTag, progress);
  }
  std::string out() { return directory.path() + "/out"; }
  Result<oci::Descriptor> write(const std::string& tag = "t") { return write_layout(*source(), out(), tag, progress); }
};

TEST_F(Copy, PushesWhatIsMissingAndNothingElse) {
  fake.blobs[oci::Digest::of(as_bytes("two")).to_string()] = "two";
  auto result = push().value();
  EXPECT_EQ(result.digest, image.descriptor().digest);
  EXPECT_EQ(result.warnings.size(), 1U);
  EXPECT_EQ(fake.manifests.at("team/tool@1").second, image.manifest);
  EXPECT_EQ(fake.blobs.size(), 6U);
  EXPECT_EQ(fake.count("POST"), 5U);
}
TEST_F(Copy, TellsItsProgressInFull) {
  ASSERT_TRUE(push().ok());
  EXPECT_EQ(progress.log, "begin 6 blobs\nend 6 sent, 0 already there\nbegin manifest\nend accepted\n");
  EXPECT_EQ(progress.seen, progress.expected);
}
TEST_F(Copy, BeginsABlobAgainWhenTheRegistryFalters) {
  fake.faults.cut_uploads = 2;
  ASSERT_TRUE(push().ok());
  EXPECT_EQ(progress.seen, progress.expected);
}
TEST_F(Copy, BeginsABlobAgainWhenItsTokenRunsOut) {
  fake.faults.expire_token_at_patch = 1;
  auto result = push();
  EXPECT_TRUE(result.ok()) << result.error().message();
}
TEST_F(Copy, StopsAtTheFirstErrorThatWillNotPass) {
  auto from = source();
  ASSERT_TRUE(os::write_file(directory.path() + "/in/" + blob_path(describe("", "two").digest), "twx").ok());
  RegistryClient client({.host = fake.host(), .credentials = Credentials{"me", "secret"}});
  auto result = transport::push(*from, client, kRepository, kTag, progress);
  EXPECT_EQ(result.error().kind(), ErrorKind::Corrupt);
  EXPECT_TRUE(fake.manifests.empty());
  EXPECT_TRUE(contains(progress.log, "end failed"));
}
TEST_F(Copy, BringsARefusalBack) {
  fake.faults.refuses_manifests = "not here";
  EXPECT_EQ(push().error().kind(), ErrorKind::Refused);
  EXPECT_TRUE(contains(progress.log, "end refused"));
}
TEST_F(Copy, ReadsBackWhatItPushed) {
  ASSERT_TRUE(push().ok());
  auto target = format("docker://{}/team/tool:1", fake.host());
  auto back = open(target, {.credentials = Credentials{"me", "secret"}}).value();
  EXPECT_EQ(back->manifest_bytes(), image.manifest);
  for (const auto& layer : back->manifest().layers) EXPECT_TRUE(read_blob(*back, layer, 1 << 24).ok());
}

TEST_F(Copy, WritesALayoutThatOpens) {
  auto entry = write().value();
  EXPECT_EQ(entry.digest, image.descriptor().digest);
  auto back = open("oci:" + out() + ":t").value();
  EXPECT_EQ(back->manifest_bytes(), image.manifest);
  EXPECT_EQ(read_blob(*back, back->manifest().config, 1 << 20).value(), image.config);
  EXPECT_EQ(progress.seen, progress.expected);
  EXPECT_EQ(progress.log, "begin 6 blobs\nend 6 fetched, 0 already there\n");
}
TEST_F(Copy, AddsToALayoutAndReplacesATag) {
  ASSERT_TRUE(write("a").ok());
  ASSERT_TRUE(write("b").ok());
  image = TestImage({"new"});
  ASSERT_TRUE(write("a").ok());
  EXPECT_EQ(open("oci:" + out() + ":a").value()->digest(), image.descriptor().digest);
  EXPECT_NE(open("oci:" + out() + ":b").value()->digest(), image.descriptor().digest);
}
TEST_F(Copy, LeavesNoTagWhereABlobIsCorrupt) {
  auto from = source();
  ASSERT_TRUE(os::write_file(directory.path() + "/in/" + blob_path(describe("", "two").digest), "twx").ok());
  EXPECT_EQ(write_layout(*from, out(), "t", progress).error().kind(), ErrorKind::Corrupt);
  EXPECT_FALSE(os::exists(out() + "/index.json"));
  EXPECT_FALSE(os::exists(out() + "/" + blob_path(describe("", "two").digest)));
}

}  // namespace
}  // namespace pratique::transport
