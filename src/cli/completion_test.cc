#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"
#include "cli/command.h"

namespace pratique::cli {
namespace {

TEST(Choices, AreTheFixedWordsOfAForm) {
  struct {
    std::string_view form, words;
    bool only;
  } cases[] = {{"text|json", "text,json", true},
               {"FILE|gen3|tre", "gen3,tre", false},
               {"FILE", "", false},
               {"", "", false},
               {"all|none|NAMES", "all,none", false},
               {"N", "", false},
               {"a|", "a", false},
               {"bash|zsh|fish", "bash,zsh,fish", true}};
  for (const auto& c : cases) {
    EXPECT_EQ(join(choices_of(c.form), ","), c.words) << c.form;
    EXPECT_EQ(has_choices_only(c.form), c.only) << c.form;
  }
}

TEST(Completion, KnowsEveryCommandInEveryShell) {
  for (auto shell : {"bash", "zsh", "fish"}) {
    std::string script = completion_script(shell);
    for (const auto& command : commands()) EXPECT_TRUE(contains(script, command.path)) << shell << " " << command.path;
  }
  EXPECT_EQ(completion_script("tcsh"), "");
}

TEST(ManualPages, NameEveryCommandAndOption) {
  std::string all;
  for (const auto& page : manual_pages()) all += page.text;
  for (const auto& command : commands()) {
    EXPECT_TRUE(contains(all, ".B pratique " + roff(command.path) + "\n")) << command.path;
    for (const auto& option : command.options)
      EXPECT_TRUE(contains(all, "\\fB" + roff(replace_all(option.names, ",", ", ")) + "\\fR")) << option.names;
  }
}

TEST(ManualPages, HoldNoTextThatIsARequest) {
  EXPECT_EQ(roff(".TH x"), "\\&.TH x");
  EXPECT_EQ(roff("'x"), "\\&'x");
  EXPECT_EQ(roff("a\\b --c `d`…"), "a\\eb \\-\\-c d...");
}

}  // namespace
}  // namespace pratique::cli
