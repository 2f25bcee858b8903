#include "registry/test_world.h"

namespace pratique::registry {
namespace {

using Manifests = World;

TEST_F(Manifests, ComeBackByteForByteByTagAndByDigest) {
  const auto bytes = push_image(ann, "open/a", "1");
  for (const std::string& reference : {std::string("1"), by_digest(bytes)}) {
    const auto got = registry->get_manifest(repo("open/a"), *oci::parse_manifest_reference(reference)).value();
    EXPECT_EQ(got.bytes, bytes);
    EXPECT_EQ(got.media_type, oci::media_type::kOciManifest);
    EXPECT_EQ(got.digest, digest_of(bytes));
  }
  EXPECT_EQ(registry->describe_manifest(repo("open/a"), tag("1"))->size, bytes.size());
}

TEST_F(Manifests, KeepUnknownMembersAndOddSpacing) {
  ASSERT_TRUE(push(ann, "open/a", "{}").ok());
  const std::string bytes =
      "{ \"schemaVersion\" : 2,\n\t\"x\":[1 ],\"config\":" + descriptor(oci::media_type::kOciConfig, "{}").dump() +
      ",\"layers\":[] }";
  ASSERT_TRUE(put(ann, "open/a", "1", bytes, oci::media_type::kOciManifest).ok());
  EXPECT_EQ(registry->get_manifest(repo("open/a"), tag("1"))->bytes, bytes);
}

TEST_F(Manifests, UnderSha512KeepThatName) {
  ASSERT_TRUE(push(ann, "open/a", "{}").ok());
  const std::string bytes = image_json("{}", {}).dump();
  Sha512 hash;
  hash.update(as_bytes(bytes));
  const auto digest = oci::Digest::from(hash.sum());
  const auto more = std::vector{tag("a"), tag("b")};
  ASSERT_TRUE(registry->put_manifest(ann, repo("open/a"), digest, bytes, "", more).ok());
  EXPECT_EQ(registry->describe_manifest(repo("open/a"), tag("b"))->digest, digest);
  EXPECT_FALSE(has_manifest("open/a", by_digest(bytes)));
}

TEST_F(Manifests, OfAnotherDigestAreRefused) {
  EXPECT_EQ(put(ann, "open/a", digest_of("x").to_string(), "{}").error().kind(), ErrorKind::Invalid);
}

TEST_F(Manifests, ThatAreMalformedAreRefused) {
  for (const std::string_view bytes : {"", "{", "[]", "{}", "{\"schemaVersion\":1,\"fsLayers\":[]}"}) {
    EXPECT_EQ(put(ann, "open/a", "1", bytes).error().kind(), ErrorKind::Invalid) << bytes;
  }
}

TEST_F(Manifests, NamingMissingBlobsAreRefusedWithTheirNames) {
  ASSERT_TRUE(push(ann, "open/b", "{}").ok());  // in another repository
  const auto result = put(ann, "open/a", "1", image_json("{}", {"l1", "l2", "l3"}).dump());
  EXPECT_EQ(result.error().kind(), ErrorKind::NotFound);
  EXPECT_TRUE(contains(result.error().message(), by_digest("l1")));
  EXPECT_TRUE(contains(result.error().message(), "and 1 more"));
  EXPECT_FALSE(has_manifest("open/a", "1"));
}

TEST_F(Manifests, WithAWrongSizeAreRefused) {
  ASSERT_TRUE(push(ann, "open/a", "{}").ok());
  Json manifest = image_json("{}", {});
  Json config = manifest["config"];
  manifest.set("config", config.set("size", 3));
  EXPECT_EQ(put(ann, "open/a", "1", manifest.dump()).error().kind(), ErrorKind::Invalid);
}

TEST_F(Manifests, MayNameForeignLayersThatAreNotHere) {
  ASSERT_TRUE(push(ann, "open/a", "{}").ok());
  Json manifest = image_json("{}", {});
  Json foreign = descriptor("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "elsewhere");
  foreign.set("urls", Json::array({"https://store.example/x"}));
  manifest.set("layers", Json::array({foreign}));
  EXPECT_TRUE(put(ann, "open/a", "1", manifest.dump()).ok());
}

TEST_F(Manifests, OfAnIndexMustBeThere) {
  const auto child = push_image(ann, "open/a", "child");
  EXPECT_TRUE(put(ann, "open/a", "both", index_json({child}).dump()).ok());
  EXPECT_EQ(put(ann, "open/a", "missing", index_json({child, "absent"}).dump()).error().kind(), ErrorKind::NotFound);
  EXPECT_TRUE(put(ann, "open/a", "empty", index_json({}).dump()).ok());
}

TEST_F(Manifests, MoveTheirTag) {
  const auto first = push_image(ann, "open/a", "1", "first");
  const auto second = push_image(ann, "open/a", "1", "second");
  EXPECT_EQ(registry->get_manifest(repo("open/a"), tag("1"))->bytes, second);
  EXPECT_TRUE(has_manifest("open/a", by_digest(first)));
}

TEST_F(Manifests, DeletedByTagLoseTheTagOnly) {
  const auto bytes = push_image(ann, "open/a", "1");
  ASSERT_TRUE(registry->delete_manifest(ann, repo("open/a"), tag("1")).ok());
  EXPECT_FALSE(has_manifest("open/a", "1"));
  EXPECT_TRUE(has_manifest("open/a", by_digest(bytes)));
  EXPECT_EQ(registry->delete_manifest(ann, repo("open/a"), tag("1")).error().kind(), ErrorKind::NotFound);
}

TEST_F(Manifests, DeletedByDigestLoseEveryTagHereAndNothingElsewhere) {
  const auto bytes = push_image(ann, "open/a", "1");
  ASSERT_TRUE(put(ann, "open/a", "2", bytes).ok());
  push_image(ann, "open/b", "1");
  ASSERT_TRUE(registry->delete_manifest(ann, repo("open/a"), digest_of(bytes)).ok());
  EXPECT_TRUE(registry->tags(repo("open/a"), std::nullopt, std::nullopt)->names.empty());
  EXPECT_FALSE(has_manifest("open/a", by_digest(bytes)));
  EXPECT_EQ(registry->get_manifest(repo("open/b"), tag("1"))->bytes, bytes);
}

TEST_F(Manifests, AreFoundByWhatTheyHold) {
  const auto child = push_image(ann, "open/a", "1", "s");
  const auto index = index_json({child}).dump();
  ASSERT_TRUE(put(ann, "open/a", "2", index).ok());
  EXPECT_EQ(registry->manifests_holding(repo("open/a"), digest_of("layer s")).value(), std::vector{digest_of(child)});
  EXPECT_EQ(registry->manifests_holding(repo("open/a"), digest_of(child)).value(), std::vector{digest_of(index)});
  EXPECT_TRUE(registry->manifests_holding(repo("open/a"), digest_of(index))->empty());
}

TEST_F(Manifests, AreNotTakenByApprovedNamespaces) {
  EXPECT_EQ(put(ann, "out/ann", "1", image_json("{}", {}).dump()).error().kind(), ErrorKind::Denied);
  EXPECT_EQ(registry->delete_manifest(ann, repo("out/ann"), tag("1")).error().kind(), ErrorKind::Denied);
  EXPECT_EQ(registry->unlink_blob(ann, repo("out/ann"), digest_of("x")).error().kind(), ErrorKind::Denied);
}

// A time quadratic in their number would be minutes, with every other push waiting.
TEST_F(Manifests, MayHaveAsManyAnnotationsAsFit) {
  ASSERT_TRUE(push(ann, "open/a", "{}").ok());
  Json::Object annotations;
  for (int i = 0; i < 150'000; ++i) annotations.emplace_back(std::to_string(i), "");
  Json manifest = image_json("{}", {});
  manifest.set("annotations", Json::object(std::move(annotations)));
  EXPECT_TRUE(put(ann, "open/a", "1", manifest.dump()).ok());
}

TEST_F(Manifests, ListTheirTagsInByteOrderAndPages) {
  ASSERT_TRUE(push(ann, "open/a", "{}").ok());
  const auto more = std::vector{tag("b"), tag("B"), tag("a"), tag("10"), tag("9")};
  ASSERT_TRUE(registry->put_manifest(ann, repo("open/a"), tag("z"), image_json("{}", {}).dump(), "", more).ok());
  auto page = [&](std::optional<std::string> last, std::optional<std::size_t> n) {
    return registry->tags(repo("open/a"), last, n).value();
  };
  EXPECT_EQ(page({}, {}).names, (std::vector<std::string>{"10", "9", "B", "a", "b", "z"}));
  EXPECT_EQ(page({}, 2).names, (std::vector<std::string>{"10", "9"}));
  EXPECT_TRUE(page({}, 2).has_more);
  EXPECT_EQ(page("9", 4).names, (std::vector<std::string>{"B", "a", "b", "z"}));
  EXPECT_FALSE(page("9", 4).has_more);
  EXPECT_EQ(page("A", {}).names.front(), "B");
  EXPECT_TRUE(page({}, 0).names.empty());
  EXPECT_FALSE(page({}, 0).has_more);
  EXPECT_EQ(registry->tags(repo("open/none"), {}, {}).error().kind(), ErrorKind::NotFound);
}

TEST_F(Manifests, ListTheirRepositoriesByMode) {
  for (const char* name : {"open/b", "open/a", "in/ann"}) push_image(ann, name, "1");
  EXPECT_EQ(registry->repositories({}, {})->names, (std::vector<std::string>{"in/ann", "open/a", "open/b"}));
  EXPECT_EQ(registry->repositories({}, {}, {Mode::Open})->names, (std::vector<std::string>{"open/a", "open/b"}));
  const auto first = registry->repositories({}, 1, {Mode::Open}).value();
  EXPECT_TRUE(first.has_more);
  EXPECT_EQ(registry->repositories(first.names.back(), 5, {Mode::Open})->names, std::vector<std::string>{"open/b"});
}

}  // namespace
}  // namespace pratique::registry
