#include "base/yaml.h"

#include <gtest/gtest.h>

namespace pratique {
namespace {

TEST(Yaml, KnowsTheLineOfEveryNode) {
  auto yaml = parse_yaml("a: 1\nb:\n  - x\n  - y\n");
  ASSERT_TRUE(yaml.ok());
  EXPECT_EQ(yaml->find("b")->items[1].line, 4);
}
TEST(Yaml, NamesTheLineOfAnError) {
  auto yaml = parse_yaml("a: 1\nb: [\n");
  ASSERT_FALSE(yaml.ok());
  EXPECT_TRUE(yaml.error().message().starts_with("line ")) << yaml.error().message();
}
TEST(Yaml, RefusesADuplicateKey) {
  EXPECT_EQ(parse_yaml("a: 1\na: 2\n").error().message(), "line 2: \"a\" is given twice");
}
TEST(Yaml, DoesNotReadAQuotedWordAsBoolean) {
  EXPECT_EQ(parse_yaml("a: yes")->find("a")->as_bool(), true);
  EXPECT_FALSE(parse_yaml("a: 'yes'")->find("a")->as_bool());
}
TEST(Yaml, ReadsEmptyTextAsNull) {
  EXPECT_EQ(parse_yaml("")->kind, Yaml::Kind::Null);
}
TEST(Yaml, CountsExpandedAliasesAgainstTheLimit) {
  std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 9; ++i) {
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) laughs += (k ? ",*a" : "*a") + std::to_string(i - 1);
    laughs += "]\n";
  }
  EXPECT_EQ(parse_yaml(laughs, {.nodes_max = 100'000}).error().kind(), ErrorKind::Limit);
}
TEST(Yaml, RefusesAStormOfBrackets) {
  EXPECT_EQ(parse_yaml(std::string(100'000, '[')).error().kind(), ErrorKind::Limit);
}

}  // namespace
}  // namespace pratique
