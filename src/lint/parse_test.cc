#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/format.h"
#include "lint/expand.h"
#include "lint/lint.h"

namespace pratique::lint {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Dockerfile read(std::string_view text) {
  return *parse(std::string(text));
}

std::vector<std::string> values(const Instruction& instruction) {
  std::vector<std::string> out;
  for (const auto& word : instruction.words) out.push_back(word.value);
  return out;
}

std::string problem(std::string_view text) {
  auto file = read(text);
  if (file.problems.empty()) return "none";
  return format("{}: {}", file.position(file.problems[0].span.begin).line, file.problems[0].message);
}

TEST(Parse, KnowsEveryInstruction) {
  auto file = read(
      "ARG V=1\nFROM a:$V AS build\nRUN x\nCMD [\"y\"]\nLABEL a=b\nEXPOSE 80\nENV c=d\nADD e f\nCOPY g h\n"
      "ENTRYPOINT i\nVOLUME /j\nUSER k\nWORKDIR /l\nONBUILD RUN m\nSTOPSIGNAL 9\nHEALTHCHECK CMD n\nSHELL [\"o\"]\n"
      "MAINTAINER p");
  EXPECT_EQ(file.instructions.size(), 18u);
  EXPECT_TRUE(file.problems.empty()) << problem("x");
  EXPECT_EQ(file.stages[0].image, "a:1");
  EXPECT_EQ(file.stages[0].name, "build");
}

TEST(Parse, JoinsContinuedLinesAndDropsCommentsBetween) {
  auto file = read("FROM a\nRUN one \\\n  # why\n\n  two \\  \n  three\nRUN four");
  ASSERT_EQ(file.instructions.size(), 3u);
  EXPECT_THAT(values(file.instructions[1]), ElementsAre("one", "two", "three"));
  EXPECT_EQ(file.position(file.instructions[1].words[2].span.begin).line, 6u);
  EXPECT_EQ(file.position(file.instructions[1].words[2].span.begin).column, 3u);
  EXPECT_EQ(file.comments.size(), 1u);
}

TEST(Parse, KnowsTwoEscapesAreText) {
  EXPECT_EQ(read("FROM a\nRUN x\\\\\nRUN y").instructions.size(), 3u);
  EXPECT_EQ(read("FROM a\nRUN x\\\nRUN y").instructions.size(), 2u);
  EXPECT_EQ(read("FROM a\nRUN x \\").instructions.size(), 2u) << "the file ends in a continuation";
}

TEST(Parse, ReadsDirectivesOnlyAtTheTop) {
  auto file = read("# syntax=docker/dockerfile:1\n# escape=`\n# check=skip=all\n\nFROM a\nRUN x `\n y\n");
  EXPECT_EQ(file.syntax, "docker/dockerfile:1");
  EXPECT_EQ(file.escape, '`');
  EXPECT_EQ(file.checks, "skip=all");
  EXPECT_THAT(values(file.instructions[1]), ElementsAre("x", "y"));
  EXPECT_EQ(read("# hello\n# escape=`\nFROM a").escape, '\\');
  EXPECT_EQ(read("\n# escape=`\nFROM a").escape, '\\');
  EXPECT_THAT(problem("# escape=x\nFROM a"), HasSubstr("1: the escape character"));
  EXPECT_THAT(problem("# escape=`\n# escape=`\nFROM a"), HasSubstr("twice"));
}

TEST(Parse, ReadsCrLfAndAByteOrderMark) {
  auto file = read("\xEF\xBB\xBF# escape=`\r\nFROM a\r\nRUN x `\r\n y\r\n");
  EXPECT_EQ(file.escape, '`');
  EXPECT_THAT(values(file.instructions[1]), ElementsAre("x", "y"));
}

TEST(Parse, ReadsHeredocs) {
  auto file = read("FROM a\nRUN <<-A cat <<'B' 3<<\"C\"\n\tone\n\tA\n$two\nB\nthree\nC\nRUN x");
  ASSERT_EQ(file.instructions.size(), 3u);
  const auto& heredocs = file.instructions[1].heredocs;
  ASSERT_EQ(heredocs.size(), 3u);
  EXPECT_EQ(heredocs[0].content.str(), "one\n");
  EXPECT_TRUE(heredocs[0].strips_tabs && heredocs[0].expands);
  EXPECT_EQ(heredocs[1].content.str(), "$two\n");
  EXPECT_FALSE(heredocs[1].expands);
  EXPECT_EQ(heredocs[2].content.str(), "three\n");
  EXPECT_EQ(file.position(heredocs[0].content.source(0)).column, 2u);
}

TEST(Parse, SeesNoHeredocWhereThereIsNone) {
  EXPECT_EQ(read("FROM a\nRUN echo \"<<EOF\" x<<y << EOF <<<z\nRUN b").instructions.size(), 3u);
  EXPECT_EQ(read("FROM a\nCMD <<EOF\nRUN b").instructions.size(), 3u);
  EXPECT_EQ(read("FROM a\nRUN x <<EOF \"open\nRUN b").instructions.size(), 3u);
}

TEST(Parse, KeepsReadingInsideOnbuild) {
  auto file = read("FROM a\nONBUILD RUN <<E\nx\nE\nONBUILD COPY --from=b c d");
  ASSERT_EQ(file.instructions.size(), 3u);
  EXPECT_EQ(file.instructions[1].inner[0].heredocs[0].content.str(), "x\n");
  EXPECT_EQ(file.instructions[2].inner[0].flag("from")->value, "b");
}

TEST(Parse, TellsTheJsonFormFromWhatLooksLikeIt) {
  EXPECT_THAT(values(read("FROM a\nCMD [ \"x\\u0041\\n\" , \"y\" ] ").instructions[1]), ElementsAre("xA\n", "y"));
  EXPECT_TRUE(read("FROM a\nCMD []").instructions[1].is_exec);
  for (std::string_view shell :
       {"CMD ['x']", "CMD [\"x\"", "CMD [\"x\",]", "CMD [\"x\"] y", "CMD [\"\\q\"]", "CMD [x]"})
    EXPECT_FALSE(read(format("FROM a\n{}", shell)).instructions[1].is_exec) << shell;
}

TEST(Parse, ReadsPairs) {
  auto file = read("FROM a\nENV A=1 B=\"x y\" C='$z' D=p\\ q\nENV E the rest of it\nLABEL \"k l\"=\"m\"\nARG F G=1");
  EXPECT_EQ(file.instructions[1].pairs[1].value->value, "x y");
  EXPECT_EQ(file.instructions[1].pairs[3].value->value, "p q");
  EXPECT_EQ(file.instructions[2].pairs[0].value->value, "the rest of it");
  EXPECT_EQ(file.instructions[3].pairs[0].key.value, "k l");
  EXPECT_FALSE(file.instructions[4].pairs[0].value);
  EXPECT_EQ(file.text.substr(file.instructions[1].pairs[1].value->span.begin, 5), "\"x y\"");
}

TEST(Parse, ReadsFlags) {
  auto file =
      read("FROM --platform=linux/amd64 a\nRUN --mount=type=cache,target=/x --network=none y --z\nCOPY --link a b");
  EXPECT_EQ(file.instructions[1].flags.size(), 2u);
  EXPECT_THAT(values(file.instructions[1]), ElementsAre("y", "--z"));
  EXPECT_NE(file.instructions[2].flag("link"), nullptr);
}

TEST(Parse, NamesTheLineOfWhatTheBuilderRefuses) {
  EXPECT_EQ(problem("FROM a\nFOO b"), "2: unknown instruction: FOO");
  EXPECT_EQ(problem("FROM a b"), "1: FROM takes an image, or an image AS a name");
  EXPECT_EQ(problem("FROM a\nRUN --nope=1 x"), "2: RUN has no flag --nope");
  EXPECT_EQ(problem("FROM a\nENV"), "2: ENV needs at least 1 argument");
  EXPECT_EQ(problem("FROM a\nENV a"), "2: ENV must have two arguments");
  EXPECT_EQ(problem("FROM a\nENV a=1 b"), "2: \"b\" must be name=value");
  EXPECT_EQ(problem("FROM a\nCOPY a"), "2: COPY needs at least 2 arguments");
  EXPECT_EQ(problem("FROM a\nHEALTHCHECK x"), "2: HEALTHCHECK takes CMD or NONE");
  EXPECT_THAT(problem("FROM a\nSHELL x"), HasSubstr("2: SHELL takes the JSON form"));
  EXPECT_THAT(problem("FROM a\n\nRUN <<E\nx"), HasSubstr("3: unterminated heredoc"));
  EXPECT_THAT(problem(""), HasSubstr("no FROM"));
  EXPECT_THAT(problem(std::string_view("FROM a\nRUN \0", 12)), HasSubstr("2: the file holds a NUL byte"));
  EXPECT_THAT(problem("FROM a\nRUN \xFF"), HasSubstr("2: the line is not UTF-8"));
}

TEST(Parse, HoldsItsLimits) {
  EXPECT_EQ(parse(std::string(kFileBytesMax + 1, 'x')).error().kind(), ErrorKind::Limit);
  EXPECT_TRUE(parse(std::string(kFileBytesMax, 'x')).ok());
  std::string many;
  for (std::size_t i = 0; i <= kInstructionsMax; ++i) many += "RUN x\n";
  EXPECT_EQ(parse(many).error().kind(), ErrorKind::Limit);
  std::string heredocs = "FROM a\nRUN";
  for (std::size_t i = 0; i < kHeredocsMax + 5; ++i) heredocs += " <<E";
  EXPECT_THAT(problem(heredocs), HasSubstr("more than 64 heredocs"));
}

TEST(Stages, FollowTheirParents) {
  auto file = read("ARG B=build\nFROM x AS build\nFROM ${B} AS Last\nFROM last");
  EXPECT_EQ(file.stages[1].parent, 0u);
  EXPECT_EQ(file.stages[2].parent, 1u);
  EXPECT_EQ(file.stages[1].name, "last");
}

TEST(Stages, DoNotSeeArgumentsDeclaredInside) {
  auto file = read("FROM a\nARG V=1\nFROM b:$V");
  EXPECT_FALSE(file.stages[1].image_is_known);
  EXPECT_EQ(file.stages[1].image, "b:$V");
}

struct Expansions {
  std::string_view text, want;
  bool is_known = true;
};

TEST(Expand, ReplacesAsTheBuilderDoes) {
  Variables variables = {{"x", "a.b.c"}, {"e", ""}, {"u", std::nullopt}};
  const Expansions rows[] = {
      {"$x", "a.b.c"},
      {"${x}y", "a.b.cy"},
      {"${n:-d}", "d"},
      {"${n-d}", "d"},
      {"${e:-d}", "d"},
      {"${e-d}", ""},
      {"${x:+y}", "y"},
      {"${n:+y}", ""},
      {"${e+y}", "y"},
      {"${x#*.}", "b.c"},
      {"${x##*.}", "c"},
      {"${x%.*}", "a.b"},
      {"${x%%.*}", "a"},
      {"${x/./-}", "a-b.c"},
      {"${x//./-}", "a-b-c"},
      {"'$x'", "$x"},
      {"\"$x\"", "a.b.c"},
      {"\\$x", "$x"},
      {"${n:-${x}}", "a.b.c"},
      {"$", "$"},
      {"a$1", "a$1"},
      {"${x:?no}", "a.b.c"},
      {"$u", "$u", false},
      {"$n", "$n", false},
      {"${n:?no}", "${n:?no}", false},
      {"${x", "${x", false},
      {"${}", "${}", false},
      {"${x^^}", "${x^^}", false},
      {"${u:-d}", "d"},
  };
  for (const auto& row : rows) {
    auto got = expand(row.text, '\\', variables);
    EXPECT_EQ(got.text, row.want) << row.text;
    EXPECT_EQ(got.is_known, row.is_known) << row.text;
  }
}

TEST(Expand, StopsAtArgumentsThatDoubleThemselves) {
  std::string text = "ARG A=0123456789\n";
  for (int i = 0; i < 60; ++i) text += "ARG A=$A$A\n";
  auto file = read(text + "FROM x:$A");
  EXPECT_LT(file.stages[0].image.size(), 2 * kExpansionBytesMax);
}

TEST(Expand, SeesGlobalArgumentsWhereTheStageAsks) {
  auto file = read("ARG V=1\nFROM a\nARG V\nENV W=$V X=${V:-2}\nENV W=3 Y=$W");
  auto variables = variables_of(file, 0);
  EXPECT_EQ(variables.find("V")->second, "1");
  EXPECT_EQ(variables.find("W")->second, "3");
}

TEST(DockerIgnore, LetsTheLastPatternDecide) {
  auto ignore = DockerIgnore::parse("# x\n*.md\n!README.md\n/data/\n**/secret\na?c/[x-z]*\n  b  \n");
  EXPECT_TRUE(ignore.ignores("x.md"));
  EXPECT_FALSE(ignore.ignores("README.md"));
  EXPECT_FALSE(ignore.ignores("docs/x.md"));
  EXPECT_TRUE(ignore.ignores("data/p.csv"));
  EXPECT_TRUE(ignore.ignores("p/q/secret/r"));
  EXPECT_TRUE(ignore.ignores("abc/y1"));
  EXPECT_FALSE(ignore.ignores("abc/w1"));
  EXPECT_TRUE(ignore.ignores("b"));
}

}  // namespace
}  // namespace pratique::lint
