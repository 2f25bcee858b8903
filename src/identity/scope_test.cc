#include <gtest/gtest.h>

#include "base/text.h"
#include "identity/identity.h"

namespace pratique::identity {
namespace {

struct Case {
  std::string text;
  std::string repository;
  std::string actions;
};

TEST(ParseScope, ReadsWhatClientsAskFor) {
  const Case cases[] = {
      {"repository:library/debian:pull", "library/debian", "pull"},
      {"repository:a:pull,push", "a", "pull,push"},
      {"repository:a/b_c.d-e/f:delete,pull,push", "a/b_c.d-e/f", "delete,pull,push"},
      {"repository:a:*", "a", "delete,pull,push"},
      {"repository:a:pull,pull,frobnicate", "a", "pull"},
      {"repository:a:", "a", ""},
      {"repository:a:PULL", "a", ""},
      {"repository:" + std::string(255, 'a') + ":pull", std::string(255, 'a'), "pull"},
  };
  for (const auto& [text, repository, actions] : cases) {
    auto scope = parse_scope(text);
    ASSERT_TRUE(scope) << text;
    EXPECT_EQ(scope->repository, repository);
    EXPECT_EQ(join({scope->actions.begin(), scope->actions.end()}, ","), actions);
  }
}

TEST(ParseScope, IsNothingForEverythingElse) {
  for (const std::string& text :
       {std::string(), std::string("repository"), std::string("repository:"), std::string("repository:a"),
        std::string("repository::pull"), std::string("registry:catalog:*"), std::string("repository(plugin):a:pull"),
        std::string("REPOSITORY:a:pull"), std::string("repository:A:pull"), std::string("repository:a b:pull"),
        std::string("repository:a\0b:pull", 18), "repository:" + std::string(256, 'a') + ":pull",
        "repository:a:" + std::string(600, ',')})
    EXPECT_FALSE(parse_scope(text)) << text;
}

TEST(Role, ReadsBackItsName) {
  for (Role role : {Role::Submitter, Role::Reviewer, Role::Runner, Role::Admin})
    EXPECT_EQ(parse_role(to_string(role)), role);
  for (std::string_view bad : {"", "Admin", "root", "admin "}) EXPECT_EQ(parse_role(bad), std::nullopt);
}

}  // namespace
}  // namespace pratique::identity
