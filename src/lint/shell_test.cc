#include "lint/shell.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace pratique::lint::shell {
namespace {

// The simple commands, words joined by "|", commands by "; ".
std::string commands(std::string_view text) {
  auto parsed = parse(text);
  if (parsed.failure) return "failed: " + parsed.failure->message;
  std::vector<std::string> out;
  visit(parsed.script, [&](const Node& node) {
    if (node.kind != Kind::Simple) return;
    std::vector<std::string> words;
    for (const auto& word : node.words) words.push_back(word.text);
    out.push_back(join(words, "|"));
  });
  return join(out, "; ");
}

struct Row {
  std::string_view text, want;
};

TEST(Shell, ReadsCommands) {
  const Row rows[] = {
      {"a b && c || d; e & f", "a|b; c; d; e; f"},
      {"a | b |& c", "a; b; c"},
      {"A=1 B=$(c) d", "d; c"},
      {"( a; b ) > x", "a; b"},
      {"{ a; b; }", "a; b"},
      {"if a; then b; elif c; then d; else e; fi", "a; b; c; d; e"},
      {"for i in x y; do a $i; done", "a|$i"},
      {"for i; do a; done", "a"},
      {"for ((i=0;i<3;i++)); do a; done", "a"},
      {"while a; do b; done", "a; b"},
      {"until a\ndo b\ndone", "a; b"},
      {"case $x in a|b) c;; (d) e ;& *) f; esac", "c; e; f"},
      {"case x in esac", ""},
      {"f() { a; }; f", "a; f"},
      {"function g { a; }", "a"},
      {"[[ $a == b && c < d ]] && e", "e"},
      {"((i++)); a", "a"},
      {"! a", "a"},
      {"a 'b c' \"d $e\" f\\ g", "a|b c|d $e|f g"},
      {"a $(b `c`) $((1+2)) ${d:-x y}", "a|$(b `c`)|$((1+2))|${d:-x y}; b|`c`; c"},
      {"a <(b) >c 2>&1 &>d", "a|<(b); b"},
      {"a # b\nc", "a; c"},
      {"a b#c", "a|b#c"},
      {"cat <<X\nif then\nX\na", "cat; a"},
      {"cat <<-'X' | b\n\tz\n\tX\nc", "cat; b; c"},
      {"a \\\n b", "a|b"},
      {"echo if then fi", "echo|if|then|fi"},
      {"a=(1 2 3) b", "b"},
      {"x[1]=2", ""},
      {"$'a\\'b' c", "a\\'b|c"},
      {"time a", "a"},
      {"", ""},
      {"echo {a,b} }", "echo|{a,b}|}"},
      {"echo $? $# \"$@\" $", "echo|$?|$#|$@|$"},
  };
  for (const auto& row : rows) EXPECT_EQ(commands(row.text), row.want) << row.text;
}

TEST(Shell, SaysWhatItCannotRead) {
  for (std::string_view text :
       {"a 'b", "a \"b", "a `b",    "a $(b", "if a; then b", "for x do", "case a in b", "a &&", "a |",  "(a",   "{ a",
        ")",    "fi",    "a ; ; b", "f( x",  "[[ a",         "((a",      "a > ",        "${",   "then", "a (b)"})
    EXPECT_TRUE(parse(text).failure) << text;
}

TEST(Shell, HoldsItsDepth) {
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "$(";
  EXPECT_THAT(parse(deep).failure->message, testing::HasSubstr("nest deeper"));
  EXPECT_THAT(parse(std::string(10'000, '(')).failure->message, testing::Not(testing::IsEmpty()));
  std::string groups;
  for (int i = 0; i < 10'000; ++i) groups += "{ ";
  EXPECT_THAT(parse(groups).failure->message, testing::HasSubstr("nest deeper"));
  EXPECT_TRUE(parse(std::string(kScriptBytesMax + 1, 'x')).failure);
}

TEST(Shell, KnowsWhereWordsStand) {
  auto parsed = parse("ab  'c d'");
  EXPECT_EQ(parsed.script[0].words[1].begin, 4u);
  EXPECT_EQ(parsed.script[0].words[1].end, 9u);
  EXPECT_TRUE(parsed.script[0].words[1].is_literal);
  EXPECT_FALSE(parse("a $b").script[0].words[1].is_literal);
}

}  // namespace
}  // namespace pratique::lint::shell
