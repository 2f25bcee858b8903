#include "registry/tag_rules.h"

#include "registry/test_world.h"

namespace pratique::registry {
namespace {

TEST(TagPattern, IsTextInWhichOnlyTheStarIsSpecial) {
  struct Row {
    std::string_view pattern, tag;
    bool expected;
  };
  for (const auto& [pattern, tag, expected] : std::initializer_list<Row>{{"*", "anything", true},
                                                                         {"v*", "v1", true},
                                                                         {"v*", "v", true},
                                                                         {"v*", "1v", false},
                                                                         {"v*.*", "v1.2", true},
                                                                         {"v*.*", "v1", false},
                                                                         {"*-final", "a-b-final", true},
                                                                         {"a*b*c", "abbcbc", true},
                                                                         {"v.1", "vx1", false},
                                                                         {"latest", "latest", true},
                                                                         {"latest", "latest2", false},
                                                                         {"", "x", false}}) {
    EXPECT_EQ(matches(pattern, tag), expected) << pattern << " " << tag;
  }
}

// "open" with immutable v* and protected latest; "out", where "in" is promoted to, with immutable v*.
class TagRules : public World {
 protected:
  TagRules() {
    spaces[0].immutable_tags = {"v*"};
    spaces[0].protected_tags = {"latest"};
    spaces[2].immutable_tags = {"v*"};
    restart();
  }
  ErrorKind refused(std::string_view repository, std::string_view tag, const std::string& salt) {
    const std::string manifest = push_image(ann, repository, "other-" + salt, salt);
    return put(ann, repository, tag, manifest).error().kind();
  }
  Status remove(std::string_view reference) {
    return registry->delete_manifest(ann, repo("open/a"), *oci::parse_manifest_reference(reference));
  }
};

TEST_F(TagRules, KeepAnImmutableTagWhereItIs) {
  const std::string manifest = push_image(ann, "open/a", "v1", "1");
  EXPECT_EQ(refused("open/a", "v1", "2"), ErrorKind::Conflict);
  EXPECT_EQ(registry->describe_manifest(repo("open/a"), tag("v1"))->digest, digest_of(manifest));
  EXPECT_TRUE(put(ann, "open/a", "v1", manifest).ok());  // the same again changes nothing
}

TEST_F(TagRules, LetNobodyDeleteAnImmutableTagNorItsManifest) {
  const std::string manifest = push_image(ann, "open/a", "v1", "1");
  EXPECT_EQ(remove("v1").error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(remove(by_digest(manifest)).error().kind(), ErrorKind::Conflict);
  EXPECT_TRUE(has_manifest("open/a", "v1"));
}

TEST_F(TagRules, LeaveOtherTagsMovable) {
  push_image(ann, "open/a", "1.0", "1");
  push_image(ann, "open/a", "1.0", "2");
  EXPECT_TRUE(remove("1.0").ok());
}

TEST_F(TagRules, KeepProtectedTagsForAdministrators) {
  const std::string manifest = push_image(ann, "open/a", "x", "1");
  EXPECT_EQ(put(ann, "open/a", "latest", manifest).error().kind(), ErrorKind::Denied);
  const auto& root = people().root;
  EXPECT_TRUE(put(root, "open/a", "latest", manifest).ok());
  EXPECT_EQ(remove("latest").error().kind(), ErrorKind::Denied);
  EXPECT_TRUE(registry->delete_manifest(root, repo("open/a"), tag("latest")).ok());
}

TEST_F(TagRules, OfAnApprovedNamespaceBindThePushThatIsMeantForIt) {
  const auto first = put(ann, "in/ann", "v1", push_image(ann, "in/ann", "w", "1"));
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(database->write([&](db::Transaction& tx) { return registry->promote(tx, *first->staged); }).ok());
  EXPECT_EQ(refused("in/ann", "v1", "2"), ErrorKind::Conflict);
  EXPECT_TRUE(put(ann, "in/ann", "w", push_image(ann, "in/ann", "y", "3")).ok());
}

TEST_F(TagRules, OfAnApprovedNamespaceHoldForPromotionToo) {
  const auto first = put(ann, "in/ann", "v1", push_image(ann, "in/ann", "w", "1"));
  const auto second = put(ann, "in/ann", "v1", push_image(ann, "in/ann", "w", "2"));
  ASSERT_TRUE(first.ok() && second.ok());
  ASSERT_TRUE(database->write([&](db::Transaction& tx) { return registry->promote(tx, *first->staged); }).ok());
  const auto again = database->write([&](db::Transaction& tx) { return registry->promote(tx, *second->staged); });
  EXPECT_EQ(again.error().kind(), ErrorKind::Conflict);
}

}  // namespace
}  // namespace pratique::registry
