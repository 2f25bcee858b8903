#include "gate/test_gate.h"

namespace pratique::gate::testing {
namespace {

using ::testing::HasSubstr;

class IndexTest : public GateTest {
 protected:
  BuiltImage child(const Packages& packages, const std::string& platform) {
    auto image = build(packages, platform);
    put_child(image);
    return image;
  }
  Submission pushed(const std::vector<Json>& children) {
    return settled(put("1.0", index_of(children), oci::media_type::kOciIndex));
  }
  static Json attestation(const BuiltImage& image) {
    Json annotations = Json::object();
    annotations.set("vnd.docker.reference.type", "attestation-manifest");
    Json json = descriptor(image, "unknown");
    return json.set("annotations", annotations);
  }
};

TEST_F(IndexTest, IsApprovedWithAllItsChildren) {
  start();
  auto amd = child(kClean, "amd64"), arm = child(kClean, "arm64");
  auto submission = pushed({descriptor(amd, "amd64"), descriptor(arm, "arm64")});
  EXPECT_EQ(submission.state, State::Approved);
  EXPECT_EQ(gate_->reports(submission.id)->size(), 2u);
  EXPECT_EQ(admit()->digest(), submission.digest);
  for (const auto& image : {amd, arm}) {
    EXPECT_EQ(admit(image.digest)->digest(), image.digest);
    EXPECT_EQ(admit_part(image.digest)->digest(), image.digest);
    EXPECT_EQ(admit_part(image.layer)->digest(), image.digest);
  }
}

TEST_F(IndexTest, LeavesAChildThatIsAlsoApprovedByItself) {
  start();
  auto amd = child(kClean, "amd64"), arm = child(kClean, "arm64");
  auto submission = pushed({descriptor(amd, "amd64"), descriptor(arm, "arm64")});
  clock_.advance(days(5));
  settled(put("alone", amd.manifest, oci::media_type::kOciManifest));
  pushed_and_settled({{"bash", "5.3"}}, "alone");  // the tag moves on; what was pinned by digest stays admitted
  clock_.advance(days(26));
  ASSERT_EQ(*gate_->expire_due(), 1u);
  auto has = [&](const BuiltImage& image) {
    return registry_->get_manifest(*submission.approved_repository, image.digest).ok();
  };
  ASSERT_TRUE(admit(amd.digest).ok());
  EXPECT_TRUE(has(amd));
  EXPECT_FALSE(has(arm));
  clock_.advance(days(5));
  EXPECT_EQ(*gate_->expire_due(), 2u);
  EXPECT_FALSE(has(amd));
}

TEST_F(IndexTest, IsAsBadAsItsWorstChild) {
  start();
  auto amd = child(kClean, "amd64"), arm = child(kCritical, "arm64");
  EXPECT_EQ(pushed({descriptor(amd, "amd64"), descriptor(arm, "arm64")}).state, State::Rejected);
  EXPECT_FALSE(admit(amd.digest).ok());
}

TEST_F(IndexTest, CountsTheSameFindingOnceForAllPlatforms) {
  start();
  auto amd = child(kCritical, "amd64"), arm = child(kCritical, "arm64");
  auto submission = pushed({descriptor(amd, "amd64"), descriptor(arm, "arm64")});
  EXPECT_EQ(submission.counts[vuln::Severity::Critical], 1u);
  EXPECT_EQ(submission.decision->reasons.size(), 1u);
}

TEST_F(IndexTest, LeavesAnAttestationOutAndDoesNotAdmitIt) {
  start();
  auto amd = child(kClean, "amd64"), statement = child(kCritical, "hidden");
  auto submission = pushed({descriptor(amd, "amd64"), attestation(statement)});
  EXPECT_EQ(submission.state, State::Approved);
  EXPECT_THAT(gate_->reports(submission.id)->at(0).gaps.at(0).reason, HasSubstr("not admitted"));
  EXPECT_TRUE(admit(amd.digest).ok());
  for (const auto& hidden : {statement.digest, statement.layer})
    EXPECT_EQ(admit_part(hidden).error().kind(), ErrorKind::NotFound);
  EXPECT_FALSE(admit(statement.digest).ok());
}

TEST_F(IndexTest, JudgesAnUnknownPlatformThatIsNotMarked) {
  start();
  auto amd = child(kClean, "amd64"), other = child(kCritical, "hidden");
  EXPECT_EQ(pushed({descriptor(amd, "amd64"), descriptor(other, "unknown")}).state, State::Rejected);
}

TEST_F(IndexTest, OfNothingIsNotJudged) {
  start();
  auto statement = child(kClean, "hidden");
  for (const auto& children : {std::vector<Json>{}, std::vector<Json>{attestation(statement)}}) {
    auto submission = pushed(children);
    EXPECT_EQ(submission.state, State::Waiting);
    EXPECT_EQ(submission.decision->reasons[0].rule, "unjudged");
  }
}

TEST_F(IndexTest, InsideAnIndexIsNotJudged) {
  start();
  auto amd = child(kClean, "amd64");
  auto inner = index_of({descriptor(amd, "amd64")});
  auto inner_digest = oci::Digest::of(as_bytes(inner));
  ASSERT_TRUE(registry_->put_manifest(ann(), staging(), inner_digest, inner, oci::media_type::kOciIndex).ok());
  Json nested = descriptor({inner, inner_digest, inner_digest, inner_digest}, "amd64");
  nested.set("mediaType", oci::media_type::kOciIndex);
  auto submission = pushed({descriptor(amd, "amd64"), nested});
  EXPECT_EQ(submission.state, State::Waiting);
  EXPECT_THAT(submission.decision->reasons[0].fact, HasSubstr("nested-index"));
}

TEST_F(IndexTest, ExpiresWithItsChildren) {
  start();
  auto amd = child(kClean, "amd64");
  pushed({descriptor(amd, "amd64")});
  clock_.advance(days(30));
  EXPECT_EQ(admit(amd.digest).error().kind(), ErrorKind::Refused);
  EXPECT_EQ(*gate_->expire_due(), 1u);
  EXPECT_FALSE(admit_part(amd.layer).ok());
}

}  // namespace
}  // namespace pratique::gate::testing
