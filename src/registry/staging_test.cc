#include "registry/test_world.h"

namespace pratique::registry {
namespace {

class Staging : public World {
 protected:
  oci::RepositoryName promote(const StagedImage& image) {
    return database->write([&](db::Transaction& tx) { return registry->promote(tx, image); }).value();
  }
  Status unpromote(std::string_view repository, std::string_view manifest) {
    return database->write(
        [&](db::Transaction& tx) { return registry->unpromote(tx, repo(repository), digest_of(manifest)); });
  }
  StagedImage staged(std::string_view reference, const std::string& salt = "") {
    const auto bytes = push_image(ann, "in/ann", reference, salt);
    return put(ann, "in/ann", reference, bytes)->staged.value();
  }
};

TEST_F(Staging, MakesAnImageOfATaggedPush) {
  const auto image = staged("1");
  EXPECT_EQ(image.repository(), repo("in/ann"));
  EXPECT_EQ(image.tag(), tag("1"));
  EXPECT_EQ(image.submitter(), "ann");
  EXPECT_EQ(image.staged(), clock.now());
  const auto again = registry->staged_image(image.id()).value();
  EXPECT_EQ(again.digest(), image.digest());
  EXPECT_EQ(again.staged(), image.staged());
  EXPECT_EQ(registry->staged_image(99).error().kind(), ErrorKind::NotFound);
}

TEST_F(Staging, MakesANewImageOfEveryPushOfATag) {
  const auto first = staged("1");
  const auto second = staged("1");
  EXPECT_NE(first.id(), second.id());
  EXPECT_EQ(first.digest(), second.digest());
}

TEST_F(Staging, MakesNoneOfAPushByDigestOrIntoTheOpen) {
  ASSERT_TRUE(push(ann, "in/ann", "{}").ok());
  ASSERT_TRUE(push(ann, "open/a", "{}").ok());
  const auto bytes = image_json("{}", {}).dump();
  EXPECT_FALSE(put(ann, "in/ann", by_digest(bytes), bytes)->staged);
  EXPECT_FALSE(put(ann, "open/a", "1", bytes)->staged);
}

TEST_F(Staging, MakesNoneOfAnArtifact) {
  ASSERT_TRUE(push(ann, "in/ann", "{}").ok());
  Json artifact = image_json("{}", {});
  artifact.set("config", descriptor(oci::media_type::kOciEmpty, "{}")).set("artifactType", "application/x.sbom");
  EXPECT_FALSE(put(ann, "in/ann", "sbom", artifact.dump())->staged);
}

TEST_F(Staging, MakesOneForEachTagOfOnePush) {
  ASSERT_TRUE(push(ann, "in/ann", "{}").ok());
  const auto bytes = image_json("{}", {}).dump();
  const auto more = std::vector{tag("a"), tag("b")};
  const auto result = registry->put_manifest(ann, repo("in/ann"), digest_of(bytes), bytes, "", more).value();
  EXPECT_EQ(result.staged->tag(), tag("a"));
  ASSERT_EQ(result.also_staged.size(), 1U);
  EXPECT_EQ(result.also_staged[0].tag(), tag("b"));
}

TEST_F(Staging, LinksWhatThePusherPossessesAlready) {
  ASSERT_TRUE(push(ann, "open/a", "{}").ok());
  const auto bytes = image_json("{}", {}).dump();
  EXPECT_TRUE(put(ann, "in/ann", "1", bytes)->staged);
  EXPECT_TRUE(has_blob("in/ann", "{}"));
  EXPECT_EQ(put(bob, "in/bob", "1", bytes).error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(put(ann, "open/b", "1", bytes).error().kind(), ErrorKind::NotFound);
}

TEST_F(Staging, CommitsTheHooksRowsWithItsOwn) {
  std::vector<std::int64_t> seen;
  registry->on_staged([&](db::Transaction&, const StagedImage& image) -> Status {
    seen.push_back(image.id());
    return {};
  });
  const auto image = staged("1");
  EXPECT_EQ(seen.back(), image.id());
}

TEST_F(Staging, IsUndoneAsAWholeWhenTheHookFails) {
  registry->on_staged([](db::Transaction&, const StagedImage&) -> Status { return unavailable("no room"); });
  ASSERT_TRUE(push(ann, "in/ann", "{}").ok());
  const auto before = events();
  const auto bytes = image_json("{}", {}).dump();
  EXPECT_EQ(put(ann, "in/ann", "1", bytes).error().kind(), ErrorKind::Unavailable);
  EXPECT_FALSE(has_manifest("in/ann", by_digest(bytes)));
  EXPECT_EQ(events(), before);
}

TEST_F(Staging, PromotesTheSameBytesUnderTheSameTag) {
  const auto image = staged("1", "s");
  EXPECT_EQ(promote(image), repo("out/ann"));
  EXPECT_EQ(registry->get_manifest(repo("out/ann"), tag("1"))->digest, image.digest());
  EXPECT_TRUE(has_blob("out/ann", "layer s"));
  EXPECT_EQ(registry->manifests_holding(repo("out/ann"), digest_of("layer s")).value(), std::vector{image.digest()});
  EXPECT_EQ(events().back(), "image-promoted");
}

TEST_F(Staging, PromotesAnIndexWithEverythingBelowItAndNothingBeside) {
  const auto one = push_image(ann, "in/ann", "one", "1");
  const auto two = push_image(ann, "in/ann", "two", "2");
  const auto beside = push_image(ann, "in/ann", "beside", "3");
  const auto inner = index_json({one}).dump();
  ASSERT_TRUE(put(ann, "in/ann", by_digest(inner), inner).ok());
  Json outer = index_json({two, inner});
  const auto result = put(ann, "in/ann", "all", outer.dump());
  ASSERT_TRUE(result.ok()) << result.error().message();
  promote(*result->staged);
  for (const auto& part : {one, two, inner, outer.dump()}) EXPECT_TRUE(has_manifest("out/ann", by_digest(part)));
  EXPECT_FALSE(has_manifest("out/ann", by_digest(beside)));
  EXPECT_FALSE(has_blob("out/ann", "layer 3"));
  EXPECT_EQ(registry->tags(repo("out/ann"), {}, {})->names, std::vector<std::string>{"all"});
}

TEST_F(Staging, PromotionKeepsTheImageThoughStagingMovesOn) {
  const auto image = staged("1", "first");
  promote(image);
  staged("1", "second");
  EXPECT_EQ(registry->get_manifest(repo("out/ann"), tag("1"))->digest, image.digest());
}

TEST_F(Staging, PromotionNeedsAnApprovedNamespace) {
  ASSERT_TRUE(push(ann, "lost/ann", "{}").ok());
  const auto image = put(ann, "lost/ann", "1", image_json("{}", {}).dump())->staged.value();
  const auto result = database->write([&](db::Transaction& tx) { return registry->promote(tx, image); });
  EXPECT_EQ(result.error().kind(), ErrorKind::NotFound);
}

TEST_F(Staging, WithdrawalTakesTheImageAndItsPartsAndLeavesTheSubmission) {
  const auto bytes = push_image(ann, "in/ann", "1", "s");
  promote(put(ann, "in/ann", "1", bytes)->staged.value());
  EXPECT_TRUE(unpromote("out/ann", bytes).ok());
  EXPECT_FALSE(has_manifest("out/ann", "1"));
  EXPECT_FALSE(has_manifest("out/ann", by_digest(bytes)));
  EXPECT_FALSE(has_blob("out/ann", "layer s"));
  EXPECT_TRUE(has_manifest("in/ann", "1"));
  EXPECT_TRUE(has_blob("in/ann", "layer s"));
}

TEST_F(Staging, WithdrawalLeavesWhatOtherApprovedImagesShare) {
  const auto shared = push_image(ann, "in/ann", "shared", "s");
  promote(put(ann, "in/ann", "shared", shared)->staged.value());
  const auto index = index_json({shared}).dump();
  promote(put(ann, "in/ann", "index", index)->staged.value());
  EXPECT_TRUE(unpromote("out/ann", index).ok());
  EXPECT_FALSE(has_manifest("out/ann", "index"));
  EXPECT_TRUE(has_manifest("out/ann", "shared"));
  EXPECT_TRUE(has_blob("out/ann", "layer s"));
}

TEST_F(Staging, WithdrawalOfAChildOfAnApprovedIndexLeavesTheIndexWhole) {
  const auto child = push_image(ann, "in/ann", "child", "s");
  promote(put(ann, "in/ann", "child", child)->staged.value());
  promote(put(ann, "in/ann", "index", index_json({child}).dump())->staged.value());
  EXPECT_TRUE(unpromote("out/ann", child).ok());
  EXPECT_FALSE(has_manifest("out/ann", "child"));
  EXPECT_TRUE(has_manifest("out/ann", by_digest(child)));
  EXPECT_TRUE(has_blob("out/ann", "layer s"));
}

TEST_F(Staging, WithdrawalOfWhatIsNotThereIsFine) {
  EXPECT_TRUE(unpromote("out/ann", "absent").ok());
  EXPECT_EQ(unpromote("open/a", "absent").error().kind(), ErrorKind::Invalid);
}

}  // namespace
}  // namespace pratique::registry
