#include "gate/test_gate.h"

namespace pratique::gate::testing {
namespace {

using ::testing::HasSubstr;

class UnreadTest : public GateTest {
 protected:
  std::string first_fact(const Submission& submission) { return submission.decision->reasons.at(0).fact; }
  std::string read_blob(const oci::Digest& digest) { return store_->open_blob(digest)->read_all(1 << 20).value(); }
  oci::Digest upload_to(const std::string& name, const identity::Principal& who, const std::string& bytes) {
    auto upload = registry_->start_upload(who, staging(name));
    EXPECT_TRUE(upload->append(as_bytes(bytes)).ok());
    return registry_->finish_upload(who, std::move(*upload), oci::Digest::of(as_bytes(bytes)))->digest;
  }
  Submission pushed(const BuiltImage& image) {
    return settled(put("1.0", image.manifest, oci::media_type::kOciManifest));
  }
};

TEST_F(UnreadTest, ALayerWithoutInventoryIsReadFromTheStoreAgain) {
  start();
  auto image = build_uncatalogued("this is no archive at all");
  EXPECT_FALSE(inventories_->has(image.layer));
  auto submission = pushed(image);
  EXPECT_EQ(submission.state, State::Waiting);
  EXPECT_EQ(submission.decision->reasons[0].rule, "unjudged");
}

TEST_F(UnreadTest, ALostBlobIsNotClean) {
  start(gen3(0));
  auto image = build_uncatalogued("a layer that goes missing");
  auto staged = put("1.0", image.manifest, oci::media_type::kOciManifest);
  ASSERT_TRUE(store_->remove(image.layer).ok());
  start();
  auto submission = settled(staged);
  EXPECT_EQ(submission.state, State::Waiting);
  EXPECT_THAT(first_fact(submission), HasSubstr("was not judged"));
}

TEST_F(UnreadTest, ALostConfigurationIsNotClean) {
  start(gen3(0));
  auto image = build(kClean);
  auto staged = put("1.0", image.manifest, oci::media_type::kOciManifest);
  ASSERT_TRUE(store_->remove(image.config).ok());
  start();
  auto submission = settled(staged);
  EXPECT_EQ(submission.state, State::Waiting);
  EXPECT_THAT(first_fact(submission), HasSubstr("bad-config"));
}

TEST_F(UnreadTest, ADeletedManifestIsNotClean) {
  start(gen3(0));
  auto staged = push(kClean);
  ASSERT_TRUE(registry_->delete_manifest(ann(), staging(), staged.digest()).ok());
  start();
  auto submission = settled(staged);
  EXPECT_EQ(submission.state, State::Waiting);
  EXPECT_THAT(first_fact(submission), HasSubstr("missing-manifest"));
}

TEST_F(UnreadTest, AForeignLayerTellsNothingOfWhatOthersPushed) {
  start();
  auto secret = build(kCritical);  // its layer is in the store and catalogued, in ann's repository
  auto json = *parse_json(build(kClean).manifest);
  Json foreign = json["layers"].items().at(0);
  foreign.set("mediaType", "application/vnd.oci.image.layer.nondistributable.v1.tar");
  foreign.set("digest", secret.layer.to_string()).set("size", json["layers"].items().at(0)["size"]);
  foreign.set("urls", Json::array({"https://example.org/layer"}));
  json.set("layers", Json::array({foreign}));
  const auto& bob = user("bob", {identity::Role::Submitter});
  auto config = read_blob(*oci::Digest::parse(json["config"]["digest"].text()));
  ASSERT_EQ(upload_to("bob", bob, config).to_string(), json["config"]["digest"].text());
  auto put = registry_->put_manifest(bob, staging("bob"), *oci::Tag::parse("1.0"), json.dump(), "");
  ASSERT_TRUE(put.ok()) << put.error().message();
  auto submission = settled(*put->staged);
  EXPECT_EQ(submission.state, State::Waiting);
  EXPECT_THAT(first_fact(submission), HasSubstr("kept elsewhere"));
  EXPECT_TRUE(gate_->reports(submission.id)->at(0).packages.empty());
}

TEST_F(UnreadTest, WithoutAdvisoriesNothingIsClean) {
  advisories_.reset();
  start();
  auto submission = pushed_and_settled(kClean);
  EXPECT_EQ(submission.state, State::Waiting);
  EXPECT_THAT(first_fact(submission), HasSubstr("there is no advisory database"));
}

TEST_F(UnreadTest, AnArtifactIsNoImage) {
  start();
  auto image = build(kClean);
  auto json = *parse_json(image.manifest);
  Json config = json["config"];
  config.set("mediaType", "application/vnd.example.config+json");
  json.set("config", config);
  image.manifest = json.dump();
  image.digest = oci::Digest::of(as_bytes(image.manifest));
  put_child(image);
  auto submission = settled(put("1.0", index_of({descriptor(image, "amd64")}), oci::media_type::kOciIndex));
  EXPECT_EQ(submission.state, State::Waiting);
  EXPECT_THAT(first_fact(submission), HasSubstr("not-an-image"));
}

TEST_F(UnreadTest, AnImageThatCannotBePromotedWaitsAndIsNotTriedForEver) {
  start(gen3(0));
  auto staged = push(kClean);
  auto here = context(gen3());
  ASSERT_TRUE(scan_submission(here, 1).ok());
  ASSERT_TRUE(registry_->delete_manifest(ann(), staging(), staged.digest()).ok());
  start();
  auto submission = settled(staged);
  EXPECT_EQ(submission.state, State::Waiting);
  EXPECT_EQ(submission.decision->reasons[0].rule, "promotion");
  EXPECT_EQ(count("image-approved"), 0u);
  EXPECT_EQ(gate_->approve(bea(), submission.id, "").error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(again(submission).state, State::Waiting);
}

}  // namespace
}  // namespace pratique::gate::testing
