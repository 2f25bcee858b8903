#include "transport/layout.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "transport/test_image.h"

namespace pratique::transport {
namespace {

const oci::Platform kAmd{"linux", "amd64", ""};

struct Layout : testing::Test {
  TestImage image;
  Files files = image.layout();

  Result<std::unique_ptr<Image>> open(std::string_view name = "", const oci::Platform& platform = kAmd) {
    auto file = tar_of(files);
    auto index = TRY(TarIndex::read(file));
    return open_layout(archive_tree(std::move(file), std::move(index)), name, platform);
  }
  void set_index(const std::vector<oci::Descriptor>& entries) { files["index.json"] = index_json(entries); }
  void add_image(const TestImage& other) { files.merge(other.blobs()); }
  oci::Descriptor add_index(const std::vector<oci::Descriptor>& entries) {
    auto text = index_json(entries);
    auto entry = describe(oci::media_type::kOciIndex, text);
    files[blob_path(entry.digest)] = text;
    return entry;
  }
  std::string problem(std::string_view name = "") { return open(name).error().message(); }
};
oci::Descriptor on(oci::Descriptor entry, std::string_view architecture, std::string_view variant = "") {
  entry.platform = oci::Platform{"linux", std::string(architecture), std::string(variant)};
  return entry;
}

TEST_F(Layout, GivesItsOnlyImage) {
  auto opened = open().value();
  EXPECT_EQ(opened->manifest_bytes(), image.manifest);
  EXPECT_EQ(opened->digest(), image.descriptor().digest);
  expect_same(*opened, image);
}
TEST_F(Layout, InADirectoryReadsTheSame) {
  auto directory = os::TemporaryDirectory::create().value();
  write_tree(directory.path(), files);
  auto opened = open_layout(directory_tree(directory.path()).value(), "latest", kAmd).value();
  expect_same(*opened, image);
}
TEST_F(Layout, FindsAnImageByTagFullNameOrDigest) {
  TestImage other({"x"});
  add_image(other);
  auto named = other.descriptor("2");
  named.annotations["io.containerd.image.name"] = "docker.io/library/tool:2";
  set_index({image.descriptor("1"), named});
  for (auto name : {"2", "docker.io/library/tool:2", "tool:2"})
    EXPECT_EQ(open(name).value()->digest(), named.digest) << name;
  EXPECT_EQ(open(named.digest.to_string()).value()->digest(), named.digest);
  EXPECT_EQ(open("1").value()->digest(), image.descriptor().digest);
}
TEST_F(Layout, NamesWhatThereIsWhenAskedForSomethingElse) {
  set_index({image.descriptor("1"), TestImage({"x"}).descriptor("2")});
  EXPECT_TRUE(contains(problem("3"), "1, 2")) << problem("3");
  EXPECT_TRUE(contains(problem(), "which image? There are 1, 2")) << problem();
  EXPECT_EQ(open("3").error().kind(), ErrorKind::NotFound);
}
TEST_F(Layout, WithoutImageSaysSo) {
  set_index({});
  EXPECT_TRUE(contains(problem(), "there is nothing"));
}
TEST_F(Layout, TakesTheChildForThePlatform) {
  TestImage arm({"arm"});
  add_image(arm);
  set_index({add_index({on(image.descriptor(), "amd64"), on(arm.descriptor(), "arm64", "v8")})});
  EXPECT_EQ(open().value()->digest(), image.descriptor().digest);
  EXPECT_EQ(open("", {"linux", "arm64", ""}).value()->digest(), arm.descriptor().digest);
  EXPECT_TRUE(contains(open("", {"linux", "s390x", ""}).error().message(), "linux/amd64, linux/arm64/v8"));
}
TEST_F(Layout, WithPlatformsInItsOwnIndexIsOneImage) {
  TestImage arm({"arm"});
  add_image(arm);
  set_index({on(image.descriptor(), "amd64"), on(arm.descriptor(), "arm64")});
  EXPECT_EQ(open("", {"linux", "arm64", ""}).value()->digest(), arm.descriptor().digest);
}
TEST_F(Layout, NeverTakesAnAttestation) {
  auto proof = on(TestImage({"proof"}).descriptor(), "amd64");
  proof.annotations["vnd.docker.reference.type"] = "attestation-manifest";
  set_index({add_index({proof, on(image.descriptor(), "amd64")})});
  EXPECT_EQ(open().value()->digest(), image.descriptor().digest);
}
TEST_F(Layout, FollowsNestedIndexesSoFar) {
  auto entry = image.descriptor();
  for (int depth = 0; depth < 3; ++depth) entry = add_index({entry});
  set_index({entry});
  EXPECT_TRUE(open().ok());
  set_index({add_index({entry})});
  EXPECT_EQ(open().error().kind(), ErrorKind::Limit);
}
TEST_F(Layout, IsCorruptWhereBytesAreNotWhatTheirNameSays) {
  files[blob_path(image.descriptor().digest)][5] ^= 1;
  EXPECT_EQ(open().error().kind(), ErrorKind::Corrupt);
  files = image.layout();
  files[blob_path(describe("", image.layers[0]).digest)][0] ^= 1;
  auto opened = open().value();
  EXPECT_EQ(read_blob(*opened, opened->manifest().layers[0], 100).error().kind(), ErrorKind::Corrupt);
}
TEST_F(Layout, RefusesOddFiles) {
  files["oci-layout"] = R"({"imageLayoutVersion":"2.0.0"})";
  EXPECT_TRUE(contains(problem(), "version"));
  files["oci-layout"] = "x";
  EXPECT_EQ(open().error().kind(), ErrorKind::Invalid);
  files.erase("oci-layout");
  EXPECT_EQ(open().error().kind(), ErrorKind::NotFound);
  files = image.layout();
  files["index.json"] = image.manifest;
  EXPECT_EQ(open().error().kind(), ErrorKind::Invalid);
  files.erase("index.json");
  EXPECT_EQ(open().error().kind(), ErrorKind::NotFound);
}
TEST_F(Layout, MissesABlobThatIsNotThere) {
  files.erase(blob_path(describe("", image.config).digest));
  auto opened = open().value();
  EXPECT_EQ(read_blob(*opened, opened->manifest().config, 1000).error().kind(), ErrorKind::NotFound);
}
TEST_F(Layout, DoesNotReadManifestsBeyondTheLimit) {
  auto huge = image.descriptor();
  huge.size = oci::kManifestBytesMax + 1;
  set_index({huge});
  EXPECT_EQ(open().error().kind(), ErrorKind::Limit);
}
TEST_F(Layout, ReadsNoBlobLargerThanItsCallerWants) {
  auto opened = open().value();
  EXPECT_EQ(read_blob(*opened, opened->manifest().layers[0], 5).error().kind(), ErrorKind::Limit);
}

TEST(ChooseChild, PrefersTheExactVariant) {
  auto v6 = on(describe("a/b", "6"), "arm", "v6"), v7 = on(describe("a/b", "7"), "arm", "v7");
  EXPECT_EQ(choose_child({v6, v7}, {"linux", "arm", "v7"})->digest, v7.digest);
  EXPECT_EQ(choose_child({v6, v7}, {"linux", "arm", ""})->digest, v6.digest);
  EXPECT_EQ(choose_child({v6, v7}, {"linux", "arm", "v8"}).error().kind(), ErrorKind::NotFound);
}
TEST(ChooseChild, TakesALoneChildWithoutPlatform) {
  auto one = describe("a/b", "1"), two = describe("a/b", "2");
  EXPECT_EQ(choose_child({one}, kAmd)->digest, one.digest);
  EXPECT_FALSE(choose_child({one, two}, kAmd).ok());
  EXPECT_FALSE(choose_child({}, kAmd).ok());
}

}  // namespace
}  // namespace pratique::transport
