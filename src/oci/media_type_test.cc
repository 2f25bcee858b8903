#include <gtest/gtest.h>

#include "oci/oci.h"

namespace pratique::oci {
namespace {

struct Row {
  std::string type;
  Compression compression;
  bool foreign, encrypted;
};

TEST(LayerFormat, KnowsEveryLayerOfTheSpecifications) {
  const std::string oci = "application/vnd.oci.image.layer.", docker = "application/vnd.docker.image.rootfs.";
  const Row rows[] = {
      {oci + "v1.tar", Compression::None, false, false},
      {oci + "v1.tar+gzip", Compression::Gzip, false, false},
      {oci + "v1.tar+zstd", Compression::Zstd, false, false},
      {oci + "nondistributable.v1.tar", Compression::None, true, false},
      {oci + "nondistributable.v1.tar+gzip", Compression::Gzip, true, false},
      {oci + "nondistributable.v1.tar+zstd", Compression::Zstd, true, false},
      {oci + "v1.tar+encrypted", Compression::None, false, true},
      {oci + "v1.tar+gzip+encrypted", Compression::Gzip, false, true},
      {docker + "diff.tar", Compression::None, false, false},
      {docker + "diff.tar.gzip", Compression::Gzip, false, false},
      {docker + "diff.tar.zstd", Compression::Zstd, false, false},
      {docker + "diff.tar.gzip+encrypted", Compression::Gzip, false, true},
      {docker + "foreign.diff.tar.gzip", Compression::Gzip, true, false},
      {docker + "foreign.diff.tar", Compression::None, true, false},
  };
  for (const auto& row : rows) {
    auto format = layer_format(row.type);
    ASSERT_TRUE(format) << row.type;
    EXPECT_EQ(format->compression, row.compression) << row.type;
    EXPECT_EQ(format->is_foreign, row.foreign) << row.type;
    EXPECT_EQ(format->is_encrypted, row.encrypted) << row.type;
  }
}
TEST(LayerFormat, IsUnknownForEverythingElse) {
  for (auto type : {"", "application/octet-stream", "application/vnd.oci.image.layer.v1.tar+xz", "+encrypted",
                    "application/vnd.oci.image.layer.v1.tar+gzip+gzip", "Application/vnd.oci.image.layer.v1.tar",
                    "application/vnd.oci.image.layer.v1.tar; a=b", "application/vnd.oci.empty.v1+json"}) {
    EXPECT_FALSE(layer_format(type)) << type;
  }
}
TEST(MediaType, TellsManifestsIndexesAndConfigsApart) {
  namespace m = media_type;
  for (auto type : {m::kOciManifest, m::kDockerManifest}) EXPECT_TRUE(is_manifest_type(type) && !is_index_type(type));
  for (auto type : {m::kOciIndex, m::kDockerManifestList}) EXPECT_TRUE(is_index_type(type) && !is_manifest_type(type));
  for (auto type : {m::kOciConfig, m::kDockerConfig}) EXPECT_TRUE(is_config_type(type) && !is_manifest_type(type));
  EXPECT_FALSE(is_config_type(m::kOciEmpty));
}
TEST(Platform, PrintsWithItsVariantWhereThereIsOne) {
  EXPECT_EQ((Platform{"linux", "amd64", ""}.to_string()), "linux/amd64");
  EXPECT_EQ((Platform{"linux", "arm", "v7"}.to_string()), "linux/arm/v7");
}

}  // namespace
}  // namespace pratique::oci
