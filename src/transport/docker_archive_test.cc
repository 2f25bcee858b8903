#include "transport/docker_archive.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "transport/docker_manifest.h"
#include "transport/test_image.h"

namespace pratique::transport {
namespace {

struct DockerArchive : testing::Test {
  TestImage image;
  Files files = image.docker();

  Result<std::unique_ptr<Image>> open(std::string_view name = "") {
    auto file = tar_of(files);
    auto index = TRY(TarIndex::read(file));
    return open_docker_tree(archive_tree(std::move(file), std::move(index)), name, {"linux", "amd64", ""});
  }
  std::string problem(std::string_view name = "") { return open(name).error().message(); }
};

TEST_F(DockerArchive, GivesAManifestForWhatItHolds) {
  auto opened = open().value();
  expect_same(*opened, image);
  EXPECT_EQ(opened->manifest_bytes(), open().value()->manifest_bytes());
  EXPECT_EQ(opened->manifest().config.digest, describe("", image.config).digest);
  EXPECT_EQ(opened->manifest().layers[0].media_type, oci::media_type::kOciLayer);
}
TEST_F(DockerArchive, FindsAnImageByAnyFormOfItsName) {
  for (auto name : {"tool:1", "docker.io/library/tool:1", "library/tool:1", "@0"}) EXPECT_TRUE(open(name).ok()) << name;
  for (auto name : {"tool:2", "tool", "@1", "@x", "config.json"}) {
    EXPECT_EQ(open(name).error().kind(), ErrorKind::NotFound) << name;
  }
  EXPECT_TRUE(contains(problem("tool:2"), "there is tool:1"));
}
TEST_F(DockerArchive, KnowsCompressedLayersByTheirFirstBytes) {
  files["0/layer.tar"] = "\x1f\x8b gzip";
  files["1/layer.tar"] = "\x28\xb5\x2f\xfd zstd";
  auto opened = open().value();
  EXPECT_EQ(opened->manifest().layers[0].media_type, oci::media_type::kOciLayerGzip);
  EXPECT_EQ(opened->manifest().layers[1].media_type, oci::media_type::kOciLayerZstd);
}
TEST_F(DockerArchive, IsCorruptWhereALayerIsNotWhatTheConfigSays) {
  files["0/layer.tar"] = "something else";
  EXPECT_EQ(open().error().kind(), ErrorKind::Corrupt);
  files = image.docker();
  files["config.json"] = TestImage({"one"}).config;
  EXPECT_TRUE(contains(problem(), "the config names 1 layers, manifest.json 2")) << problem();
}
TEST_F(DockerArchive, MayUseOneFileForTwoLayers) {
  TestImage twice({"same", "same"});
  files = twice.docker();
  expect_same(*open().value(), twice);
}
TEST_F(DockerArchive, WithAnOciLayoutIsReadAsThat) {
  files.merge(image.layout("tool:1"));
  EXPECT_EQ(open().value()->digest(), image.descriptor().digest);
  EXPECT_EQ(open("docker.io/library/tool:1").value()->digest(), image.descriptor().digest);
}
TEST_F(DockerArchive, SaysWhatIsMissing) {
  files.erase("0/layer.tar");
  EXPECT_TRUE(contains(problem(), "0/layer.tar"));
  files.erase("config.json");
  EXPECT_TRUE(contains(problem(), "config.json"));
  files.erase("manifest.json");
  EXPECT_TRUE(contains(problem(), "no manifest.json"));
  files["repositories"] = "{}";
  EXPECT_TRUE(contains(problem(), "before 1.10"));
}
TEST_F(DockerArchive, FollowsTheLinksOfOldArchives) {
  os::Fd out = scratch_file().value();
  TarWriter writer(out);
  files["0/layer.tar"] = "x";
  TestImage twice({"x", "x"});
  files = twice.docker();
  files.erase("1/layer.tar");
  for (const auto& [name, content] : files) ASSERT_TRUE(writer.add({.name = name}, content).ok());
  ASSERT_TRUE(writer.add({.name = "1/layer.tar", .type = '2', .link = "../0/layer.tar"}, "").ok());
  ASSERT_TRUE(writer.finish().ok());
  auto index = TarIndex::read(out).value();
  auto opened = open_docker_tree(archive_tree(std::move(out), std::move(index)), "", {"linux", "amd64", ""});
  expect_same(*opened.value(), twice);
}

TEST(DockerManifest, RefusesMalformedFiles) {
  for (auto text : {"", "{}", "[]", "[1]", "[{}]", R"([{"Config":1}])", R"([{"Config":"../x"}])", R"([{"Config":""}])",
                    R"([{"Config":"c","Layers":{}}])", R"([{"Config":"c","Layers":[1]}])",
                    R"([{"Config":"c","Layers":["a/../../b"]}])", R"([{"Config":"c","RepoTags":"x"}])"}) {
    EXPECT_EQ(parse_docker_manifest(text).error().kind(), ErrorKind::Invalid) << text;
  }
}
TEST(DockerManifest, TakesNullForNoTagsAndNoLayers) {
  auto entries = parse_docker_manifest(R"([{"Config":"./c.json","RepoTags":null,"Layers":null}])").value();
  EXPECT_EQ(entries[0].config, "c.json");
  EXPECT_TRUE(entries[0].layers.empty());
}
TEST(DockerManifest, HasLimits) {
  std::string layers = "\"a\"", images = R"({"Config":"c"})";
  for (std::size_t i = 0; i < oci::kLayersMax; ++i) layers += ",\"a\"", images += R"(,{"Config":"c"})";
  EXPECT_EQ(parse_docker_manifest(format(R"([{{"Config":"c","Layers":[{}]}}])", layers)).error().kind(),
            ErrorKind::Limit);
  EXPECT_EQ(parse_docker_manifest(format("[{}]", images)).error().kind(), ErrorKind::Limit);
}
TEST(DockerManifest, AsksWhichOfSeveral) {
  auto entries = parse_docker_manifest(R"([{"Config":"c","RepoTags":["a:1"]},{"Config":"d"}])").value();
  EXPECT_TRUE(contains(choose_entry(entries, "").error().message(), "which image? There are a:1, @1"));
  EXPECT_EQ(choose_entry(entries, "@1")->config, "d");
}

}  // namespace
}  // namespace pratique::transport
