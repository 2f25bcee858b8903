#include <gtest/gtest.h>

#include "base/format.h"
#include "base/json.h"
#include "base/text.h"
#include "oci/oci.h"

namespace pratique::oci {
namespace {

namespace m = media_type;

// A document that is changed member by member: doc().set("layers", …).
Json descriptor(std::string_view type, std::string_view content) {
  Json json = Json::object();
  json.set("mediaType", type).set("digest", Digest::of(as_bytes(content)).to_string()).set("size", content.size());
  return json;
}
Json image() {
  Json json = Json::object();
  json.set("schemaVersion", 2).set("mediaType", m::kOciManifest).set("config", descriptor(m::kOciConfig, "config"));
  return json.set("layers", Json::array({descriptor(m::kOciLayerGzip, "one"), descriptor(m::kOciLayer, "two")}));
}
Json index() {
  Json json = Json::object();
  json.set("schemaVersion", 2).set("mediaType", m::kOciIndex);
  return json.set("manifests", Json::array({descriptor(m::kOciManifest, "child")}));
}
Json without(const Json& json, std::string_view name) {
  Json copy = Json::object();
  for (const auto& [key, value] : json.members()) {
    if (key != name) copy.set(key, value);
  }
  return copy;
}
Result<ParsedManifest> parse(const Json& json, std::string_view type = "") {
  return parse_manifest(json.dump(), type);
}
Manifest manifest_of(const Json& json, std::string_view type = "") {
  return std::get<Manifest>(parse(json, type).value());
}
Index index_of(const Json& json, std::string_view type = "") {
  return std::get<Index>(parse(json, type).value());
}
Json with_layer(Json layer) {
  return image().set("layers", Json::array({std::move(layer)}));
}
Json layer() {
  return descriptor(m::kOciLayer, "x");
}

void refuses(const Json& json, std::string_view piece, std::string_view type = "",
             ErrorKind kind = ErrorKind::Invalid) {
  auto parsed = parse(json, type);
  ASSERT_FALSE(parsed.ok()) << json.dump();
  EXPECT_EQ(parsed.error().kind(), kind) << parsed.error().message();
  EXPECT_TRUE(contains(parsed.error().message(), piece)) << parsed.error().message();
}

TEST(Manifest, ReadsAnImage) {
  auto manifest = manifest_of(image(), m::kOciManifest);
  EXPECT_TRUE(manifest.is_image());
  EXPECT_EQ(manifest.artifact_type, "");
  EXPECT_EQ(manifest.config.digest, Digest::of(as_bytes("config")));
  ASSERT_EQ(manifest.layers.size(), 2U);
  EXPECT_EQ(manifest.layers[1].size, 3U);
}
TEST(Manifest, TakesItsTypeFromTheContentTypeWhereTheBodyHasNone) {
  auto body = without(image(), "mediaType");
  EXPECT_EQ(manifest_of(body, m::kDockerManifest).media_type, m::kDockerManifest);
  EXPECT_EQ(manifest_of(body).media_type, m::kOciManifest);
  EXPECT_EQ(index_of(without(index(), "mediaType")).media_type, m::kOciIndex);
}
TEST(Manifest, RefusesABodyThatContradictsItsContentType) {
  refuses(image(), "Content-Type", m::kDockerManifest);
  refuses(index(), "Content-Type", m::kOciManifest);
  refuses(without(image(), "mediaType"), "neither", "application/json");
}
TEST(Manifest, RefusesWhatCouldBeReadAsTwoThings) {
  refuses(image().set("manifests", Json::array()), "two things");
  refuses(image().set("fsLayers", Json::array()), "two things");
  refuses(index().set("layers", Json::array()), "two things");
  refuses(index().set("config", descriptor(m::kOciConfig, "c")), "two things");
  refuses(without(index(), "mediaType"), "two things", m::kOciManifest);
}
TEST(Manifest, RefusesMembersThatDifferInCaseOnly) {
  refuses(image().set("Layers", Json::array()), "case");
  refuses(image().set("layer\xC5\xBF", Json::array()), "case");
  refuses(with_layer(layer().set("Digest", "x")), "case");
  refuses(index().set("MANIFESTS", Json::array()), "case");
}
TEST(Manifest, RefusesADuplicateMember) {
  auto text = image().dump();
  text.insert(1, R"("layers":[],)");
  EXPECT_EQ(parse_manifest(text, "").error().kind(), ErrorKind::Invalid);
}
TEST(Manifest, IgnoresUnknownMembers) {
  EXPECT_TRUE(parse(image().set("org.example.x", Json::array({1, "a"}))).ok());
}
TEST(Manifest, RefusesOtherVersions) {
  refuses(image().set("schemaVersion", 1), "schema 1");
  refuses(image().set("schemaVersion", 3), "schemaVersion");
  refuses(image().set("schemaVersion", "2"), "schemaVersion");
  refuses(without(image(), "schemaVersion"), "schemaVersion");
}
TEST(Manifest, RefusesMalformedBodies) {
  for (auto text : {"", "[]", "null", "{", "{}", "2", "\"x\""})
    EXPECT_FALSE(parse_manifest(text, m::kOciManifest).ok()) << text;
}
TEST(Manifest, RefusesMembersOfAnotherType) {
  refuses(image().set("mediaType", 1), "mediaType");
  refuses(image().set("config", nullptr), "config");
  refuses(image().set("config", "x"), "config");
  refuses(image().set("layers", Json::object()), "layers");
  refuses(without(image(), "layers"), "layers");
  refuses(without(index(), "manifests"), "manifests");
}
TEST(Manifest, AcceptsNoLayersAsAnArrayOrNull) {
  EXPECT_EQ(manifest_of(image().set("layers", nullptr)).layers.size(), 0U);
  EXPECT_EQ(manifest_of(image().set("layers", Json::array())).layers.size(), 0U);
}
TEST(Manifest, NamesTheArtifactByItsOwnTypeElseByItsConfig) {
  auto empty = image().set("config", descriptor(m::kOciEmpty, "{}"));
  EXPECT_EQ(manifest_of(empty).artifact_type, m::kOciEmpty);
  EXPECT_EQ(manifest_of(empty.set("artifactType", "application/vnd.x.sbom")).artifact_type, "application/vnd.x.sbom");
  EXPECT_FALSE(manifest_of(empty).is_image());
}
TEST(Manifest, ReadsSubjectAndAnnotations) {
  auto annotations = Json::object({{"a", "b"}});
  auto manifest = manifest_of(image().set("subject", descriptor(m::kOciManifest, "s")).set("annotations", annotations));
  EXPECT_EQ(manifest.subject->digest, Digest::of(as_bytes("s")));
  EXPECT_EQ(manifest.annotations.at("a"), "b");
  EXPECT_FALSE(manifest_of(image().set("subject", nullptr)).subject);
}
TEST(Manifest, RefusesAnnotationsThatAreNoStrings) {
  refuses(image().set("annotations", Json::object({{"a", 1}})), "annotations");
  refuses(image().set("annotations", Json::array()), "annotations");
  refuses(with_layer(layer().set("annotations", "x")), "annotations");
}

TEST(Descriptor, RefusesMalformedOnes) {
  refuses(with_layer("x"), "descriptor");
  refuses(with_layer(without(layer(), "size")), "size");
  refuses(with_layer(layer().set("size", -1)), "size");
  refuses(with_layer(layer().set("size", 1.5)), "size");
  refuses(with_layer(layer().set("size", "1")), "size");
  refuses(with_layer(layer().set("size", 1e300)), "size");
  refuses(with_layer(without(layer(), "digest")), "digest");
  refuses(with_layer(layer().set("digest", "sha256:x")), "digest");
  refuses(with_layer(without(layer(), "mediaType")), "mediaType");
  refuses(with_layer(layer().set("mediaType", "tar")), "media type");
  refuses(with_layer(layer().set("mediaType", "a/b; c=d")), "media type");
  refuses(with_layer(layer().set("mediaType", "a/" + std::string(128, 'b'))), "media type");
  refuses(with_layer(layer().set("artifactType", ".a/b")), "media type");
  refuses(with_layer(layer().set("urls", Json::array({1}))), "urls");
}
TEST(Descriptor, AcceptsSizeZeroAndTheLargest) {
  EXPECT_EQ(manifest_of(with_layer(layer().set("size", 0))).layers[0].size, 0U);
  EXPECT_EQ(manifest_of(with_layer(layer().set("size", INT64_MAX))).layers[0].size, std::uint64_t{INT64_MAX});
}
TEST(Descriptor, KeepsUrlsPlatformAndSha512) {
  Sha512 sum;
  auto platform =
      Json::object({{"os", "linux"}, {"architecture", "arm"}, {"variant", "v7"}, {"os.features", Json::array()}});
  auto json = layer().set("urls", Json::array({"https://x/y"})).set("platform", platform);
  auto read = manifest_of(with_layer(json.set("digest", Digest::from(sum.sum()).to_string()))).layers[0];
  EXPECT_EQ(read.urls, std::vector<std::string>{"https://x/y"});
  EXPECT_EQ(read.platform->to_string(), "linux/arm/v7");
  EXPECT_EQ(read.digest.algorithm(), Algorithm::Sha512);
}
TEST(Descriptor, RefusesAMalformedPlatform) {
  refuses(with_layer(layer().set("platform", "linux")), "platform");
  refuses(with_layer(layer().set("platform", Json::object({{"os", "linux"}}))), "platform");
  refuses(with_layer(layer().set("platform", Json::object({{"os", 1}, {"architecture", ""}}))), "platform");
}
TEST(Descriptor, AcceptsDataThatIsTheContent) {
  EXPECT_TRUE(parse(with_layer(layer().set("data", to_base64(as_bytes("x"))))).ok());
  Sha512 sum;
  sum.update(as_bytes("x"));
  auto wide = layer().set("digest", Digest::from(sum.sum()).to_string()).set("data", to_base64(as_bytes("x")));
  EXPECT_TRUE(parse(with_layer(wide)).ok());
}
TEST(Descriptor, RefusesDataThatIsNot) {
  refuses(with_layer(layer().set("data", to_base64(as_bytes("y")))), "does not match");
  refuses(with_layer(layer().set("data", to_base64(as_bytes("xx")))), "bytes");
  refuses(with_layer(layer().set("data", "!")), "data");
  refuses(with_layer(layer().set("data", 1)), "data");
}

TEST(Index, ReadsChildrenOfEveryKind) {
  auto read = index_of(
      index().set("manifests", Json::array({descriptor(m::kOciManifest, "a"), descriptor(m::kOciIndex, "b")})));
  ASSERT_EQ(read.manifests.size(), 2U);
  EXPECT_TRUE(is_index_type(read.manifests[1].media_type));
}
TEST(Index, MayBeEmpty) {
  EXPECT_TRUE(index_of(index().set("manifests", Json::array())).manifests.empty());
  EXPECT_TRUE(index_of(index().set("manifests", nullptr)).manifests.empty());
}
TEST(Index, ReadsSubjectAndArtifactType) {
  auto read = index_of(index().set("subject", descriptor(m::kOciIndex, "s")).set("artifactType", "application/vnd.x"));
  EXPECT_EQ(read.subject->digest, Digest::of(as_bytes("s")));
  EXPECT_EQ(read.artifact_type, "application/vnd.x");
}
TEST(Index, OfDockerIsReadToo) {
  EXPECT_EQ(index_of(index().set("mediaType", m::kDockerManifestList)).media_type, m::kDockerManifestList);
}

TEST(ManifestLimits, HoldAtTheirBoundary) {
  Json::Array most(kLayersMax, layer());
  EXPECT_EQ(manifest_of(image().set("layers", Json::array(most))).layers.size(), kLayersMax);
  most.push_back(layer());
  refuses(image().set("layers", Json::array(most)), "layers", "", ErrorKind::Limit);
}
TEST(ManifestLimits, HoldForChildren) {
  Json::Array most(kIndexManifestsMax + 1, descriptor(m::kOciManifest, "a"));
  refuses(index().set("manifests", Json::array(most)), "manifests", "", ErrorKind::Limit);
}
TEST(ManifestLimits, AcceptBodiesUpToFourMebibytes) {
  auto text = image().dump();
  text += std::string(kManifestBytesMax - text.size(), ' ');
  EXPECT_TRUE(parse_manifest(text, "").ok());
  EXPECT_EQ(parse_manifest(text + " ", "").error().kind(), ErrorKind::Limit);
}
TEST(ManifestLimits, AcceptManyLargeAnnotations) {
  Json annotations = Json::object();
  for (int i = 0; i < 390; ++i) annotations.set(format("large-annotation-{}", i), std::string(10'000, 'A'));
  EXPECT_EQ(manifest_of(image().set("annotations", annotations)).annotations.size(), 390U);
}

TEST(References, OfAnImageAreConfigAndLayersOnce) {
  auto twice = image().set("layers", Json::array({layer(), layer(), descriptor(m::kOciLayer, "y")}));
  auto references = references_of(parse(twice).value());
  EXPECT_EQ(references.blobs.size(), 3U);
  EXPECT_TRUE(references.manifests.empty());
}
TEST(References, LeaveOutForeignLayersThatSayWhereTheyAre) {
  auto foreign = descriptor(m::kDockerForeignLayer, "f");
  EXPECT_EQ(references_of(parse(with_layer(foreign)).value()).blobs.size(), 2U);
  EXPECT_EQ(references_of(parse(with_layer(foreign.set("urls", Json::array({"https://x"})))).value()).blobs.size(), 1U);
  EXPECT_EQ(references_of(parse(with_layer(layer().set("urls", Json::array({"https://x"})))).value()).blobs.size(), 2U);
}
TEST(References, KeepTwoSizesOfOneDigestSoThatTheLieShows) {
  auto lie = image().set("layers", Json::array({layer(), layer().set("size", 99)}));
  EXPECT_EQ(references_of(parse(lie).value()).blobs.size(), 3U);
}
TEST(References, OfAnIndexAreItsChildren) {
  auto references = references_of(parse(index()).value());
  EXPECT_EQ(references.manifests.size(), 1U);
  EXPECT_TRUE(references.blobs.empty());
}
TEST(References, DoNotHoldTheSubject) {
  auto parsed = parse(image().set("subject", descriptor(m::kOciManifest, "s"))).value();
  EXPECT_TRUE(subject_of(parsed));
  EXPECT_TRUE(references_of(parsed).manifests.empty());
  EXPECT_FALSE(subject_of(parse(index()).value()));
}

}  // namespace
}  // namespace pratique::oci
