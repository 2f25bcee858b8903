#include <gtest/gtest.h>

#include "oci/oci.h"

namespace pratique::oci {
namespace {

using Texts = std::initializer_list<std::string>;

const std::string kSum = "sha256:" + std::string(64, 'a');

TEST(RepositoryName, AcceptsTheGrammar) {
  for (const auto& text : Texts{"a", "library/alpine", "a/b/c/d", "a.b", "a_b", "a__b", "a-b", "a---b", "0", "x1/2y",
                                "a-b.c_d__e", "abc/0.1", std::string(255, 'a')}) {
    EXPECT_EQ(RepositoryName::parse(text)->text(), text);
  }
}
TEST(RepositoryName, RefusesTheRest) {
  for (const auto& text : Texts{"",      "/",
                                "a/",    "/a",
                                "a//b",  "A",
                                "a/B",   ".a",
                                "a.",    "-a",
                                "a-",    "_a",
                                "a_",    "a..b",
                                "a___b", "a._b",
                                "a-.b",  "a b",
                                "a:b",   "a@b",
                                "../a",  "a/../b",
                                "a/./b", "ä",
                                "a\n",   std::string(256, 'a')}) {
    EXPECT_EQ(RepositoryName::parse(text).error().kind(), ErrorKind::Invalid) << text;
  }
}
TEST(RepositoryName, RefusesANulByte) {
  EXPECT_FALSE(RepositoryName::parse(std::string_view("a\0b", 3)).ok());
}
TEST(RepositoryName, SplitsOffItsFirstComponent) {
  auto name = RepositoryName::parse("staging/p1/tool").value();
  EXPECT_EQ(name.first_component(), "staging");
  EXPECT_EQ(name.after_first_component(), "p1/tool");
}
TEST(RepositoryName, OfOneComponentHasNothingAfterIt) {
  auto name = RepositoryName::parse("tool").value();
  EXPECT_EQ(name.first_component(), "tool");
  EXPECT_EQ(name.after_first_component(), "");
}

TEST(Tag, AcceptsTheGrammar) {
  for (const auto& text : Texts{"latest", "1", "_", "V1.2-rc_3", "a..b", "a.", "a-", std::string(128, 'x')}) {
    EXPECT_EQ(Tag::parse(text)->text(), text);
  }
}
TEST(Tag, RefusesTheRest) {
  for (const auto& text :
       Texts{"", ".a", "-a", "a b", "a/b", "a:b", "a@b", "ä", "a\n", "a%2f", std::string(129, 'x')}) {
    EXPECT_EQ(Tag::parse(text).error().kind(), ErrorKind::Invalid) << text;
  }
}

struct Row {
  std::string text, whole;
};
TEST(Reference, CompletesWhatIsLeftOut) {
  const Row rows[] = {
      {"alpine", "docker.io/library/alpine:latest"},
      {"alpine:3.10", "docker.io/library/alpine:3.10"},
      {"org/tool", "docker.io/org/tool:latest"},
      {"docker.io/alpine", "docker.io/library/alpine:latest"},
      {"index.docker.io/alpine", "docker.io/library/alpine:latest"},
      {"localhost/a", "localhost/a:latest"},
      {"localhost:5000/a", "localhost:5000/a:latest"},
      {"localhost:5000", "docker.io/library/localhost:5000"},
      {"127.0.0.1:5000/a/b:1", "127.0.0.1:5000/a/b:1"},
      {"[::1]:5000/a:1", "[::1]:5000/a:1"},
      {"[::1]/a:1", "[::1]/a:1"},
      {"Registry.Example/a", "registry.example/a:latest"},
      {"quay.io/a/b@" + kSum, "quay.io/a/b@" + kSum},
      {"quay.io/a/b:1@" + kSum, "quay.io/a/b:1@" + kSum},
      {"a-b.c:443/x__y/z:_1", "a-b.c:443/x__y/z:_1"},
  };
  for (const auto& row : rows) EXPECT_EQ(Reference::parse(row.text)->to_string(), row.whole);
}
TEST(Reference, IsReadBackFromItsText) {
  for (const auto& text : Texts{"alpine", "localhost:5000/a", "[::1]:5000/a:1"}) {
    auto whole = Reference::parse(text)->to_string();
    EXPECT_EQ(Reference::parse(whole)->to_string(), whole);
  }
}
TEST(Reference, TakesTheRegistryOfItsCaller) {
  EXPECT_EQ(Reference::parse("tool", "gate.example:8443")->to_string(), "gate.example:8443/tool:latest");
}
TEST(Reference, RefusesWhatIsNone) {
  for (const auto& text :
       Texts{"",      ":",       "@",       "a:",         "a@",       "a@sha256:1",   ":a",          "a:b:c",  "a.b/",
             "/a",    "Alpine",  "a/B",     "host:x/a",   "host:0/a", "host:65536/a", "-.x/a",       "a..b/x", "x.y:/a",
             "[1]/a", "[::g]/a", "u@h.x/a", "http://h/a", "h.x//a",   "a/b:-1",       "\xC3\xA4.x/a"}) {
    EXPECT_EQ(Reference::parse(text).error().kind(), ErrorKind::Invalid) << text;
  }
}

TEST(ManifestReference, IsATagOrADigest) {
  EXPECT_TRUE(std::holds_alternative<Tag>(*parse_manifest_reference("latest")));
  EXPECT_TRUE(std::holds_alternative<Digest>(*parse_manifest_reference(kSum)));
  for (const auto& text : Texts{"latest", kSum}) EXPECT_EQ(to_string(*parse_manifest_reference(text)), text);
}
TEST(ManifestReference, RefusesTheRest) {
  for (auto text : {"", "sha256:", "sha256:xyz", "..", "a/b", "baddigest:x"})
    EXPECT_FALSE(parse_manifest_reference(text).ok());
}

}  // namespace
}  // namespace pratique::oci
