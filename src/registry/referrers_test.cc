#include "registry/test_world.h"

namespace pratique::registry {
namespace {

class Referrers : public World {
 protected:
  Referrers() {
    EXPECT_TRUE(push(ann, "open/a", "{}").ok());
    subject = push_image(ann, "open/a", "image");
  }
  Json artifact(std::string_view type, std::string_view note, bool with_subject = true) {
    Json manifest = image_json("{}", {});
    manifest.set("config", descriptor(oci::media_type::kOciEmpty, "{}")).set("artifactType", type);
    manifest.set("annotations", Json::object({{"note", note}}));
    if (with_subject) manifest.set("subject", descriptor(oci::media_type::kOciManifest, subject));
    return manifest;
  }
  std::string attach(const Json& manifest) {
    const auto bytes = manifest.dump();
    EXPECT_TRUE(put(ann, "open/a", by_digest(bytes), bytes).ok());
    return bytes;
  }
  ReferrersPage list(std::optional<std::string> type = {}, std::optional<oci::Digest> after = {}) {
    return registry->referrers(repo("open/a"), digest_of(subject), type, after).value();
  }
  std::string subject;
};

TEST_F(Referrers, AreDescribedWithTypeSizeAndAnnotations) {
  const auto bytes = attach(artifact("application/x.sbom", "hello"));
  const auto page = list();
  ASSERT_EQ(page.descriptors.size(), 1U);
  const auto& found = page.descriptors.front();
  EXPECT_EQ(found.digest, digest_of(bytes));
  EXPECT_EQ(found.size, bytes.size());
  EXPECT_EQ(found.media_type, oci::media_type::kOciManifest);
  EXPECT_EQ(found.artifact_type, "application/x.sbom");
  EXPECT_EQ(found.annotations.at("note"), "hello");
}

TEST_F(Referrers, WithoutATypeTakeTheirConfigs) {
  Json manifest = image_json("{}", {});
  attach(manifest.set("subject", descriptor(oci::media_type::kOciManifest, subject)));
  EXPECT_EQ(list().descriptors.front().artifact_type, oci::media_type::kOciConfig);
}

TEST_F(Referrers, ThatAreIndexesHaveTheirOwnTypeOrNone) {
  Json index = index_json({});
  attach(index.set("subject", descriptor(oci::media_type::kOciManifest, subject)));
  EXPECT_EQ(list().descriptors.front().artifact_type, "");
}

TEST_F(Referrers, AreFilteredByType) {
  attach(artifact("application/x.one", "1"));
  attach(artifact("application/x.two", "2"));
  EXPECT_EQ(list("application/x.two").descriptors.size(), 1U);
  EXPECT_TRUE(list("application/x.none").descriptors.empty());
}

TEST_F(Referrers, OfNothingAreAnEmptyList) {
  EXPECT_TRUE(registry->referrers(repo("open/unknown"), digest_of("x"), {})->descriptors.empty());
  EXPECT_TRUE(registry->referrers(repo("open/a"), digest_of("x"), {})->descriptors.empty());
}

TEST_F(Referrers, MayComeBeforeTheirSubject) {
  Json manifest = artifact("application/x.sbom", "early", false);
  manifest.set("subject", descriptor(oci::media_type::kOciManifest, "not here yet"));
  const auto bytes = manifest.dump();
  const auto result = put(ann, "open/a", "early", bytes).value();
  EXPECT_EQ(result.subject, digest_of("not here yet"));
  EXPECT_EQ(registry->referrers(repo("open/a"), digest_of("not here yet"), {})->descriptors.size(), 1U);
}

TEST_F(Referrers, GoWithTheirManifest) {
  const auto bytes = attach(artifact("application/x.sbom", "x"));
  ASSERT_TRUE(registry->delete_manifest(ann, repo("open/a"), digest_of(bytes)).ok());
  EXPECT_TRUE(list().descriptors.empty());
}

TEST_F(Referrers, UnderTheFallbackTagAreFoldedInOnce) {
  const auto old = attach(artifact("application/x.old", "by hand", false));
  const auto both = attach(artifact("application/x.new", "both ways"));
  const auto fallback = "sha256-" + digest_of(subject).encoded();
  ASSERT_TRUE(put(ann, "open/a", fallback, index_json({old, both}).dump()).ok());
  EXPECT_EQ(list().descriptors.size(), 2U);
  EXPECT_EQ(list("application/x.old").descriptors.front().digest, digest_of(old));
}

TEST_F(Referrers, ComeInPagesThatAClientCanRead) {
  for (int i = 0; i < 5; ++i) attach(artifact("application/x.big", std::string(900'000, static_cast<char>('a' + i))));
  std::set<std::string> seen;
  std::optional<oci::Digest> after;
  for (int pages = 0; pages < 5; ++pages) {
    const auto page = list({}, after);
    for (const auto& descriptor : page.descriptors) seen.insert(descriptor.digest.to_string());
    if (!page.has_more) break;
    EXPECT_LE(page.descriptors.size(), 2U);
    after = page.descriptors.back().digest;
  }
  EXPECT_EQ(seen.size(), 5U);
}

}  // namespace
}  // namespace pratique::registry
