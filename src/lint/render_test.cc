#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/format.h"
#include "base/text.h"
#include "lint/lint.h"

namespace pratique::lint {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string source(std::string_view relative) {
  return format("{}/{}", PRATIQUE_SOURCE_DIR, relative);
}

struct Sample {
  explicit Sample(std::string text, Options options = {}, std::string name = "Dockerfile")
      : file(*parse(std::move(text))), all{{&file, check(file, options, name)}} {}
  Dockerfile file;
  std::vector<Checked> all;
};

TEST(Text, ShowsTheLineAndCarets) {
  Sample sample("FROM a:1\nUSER x\nWORKDIR\tapp\n");
  EXPECT_THAT(render_text(sample.all[0], false), HasSubstr("Dockerfile:3:9: warning DL3000: "));
  EXPECT_THAT(render_text(sample.all[0], false), HasSubstr("    3 | WORKDIR app\n      |         ^^^\n"));
  EXPECT_THAT(render_text(sample.all[0], false), HasSubstr("0 errors, 1 warning, 0 hints"));
}

TEST(Text, LetsNoTerminalSequenceThrough) {
  Sample sample("FROM a:1\nWORKDIR x\033]0;evil\007\n", {}, "a\033[2J");
  EXPECT_THAT(render_text(sample.all[0], false), Not(HasSubstr("\033")));
  EXPECT_THAT(render_github(sample.all[0]), Not(HasSubstr("\033")));
}

TEST(Text, SurvivesALineOfAMegabyte) {
  Sample sample("FROM a:1\nWORKDIR " + std::string(1 << 20, 'x') + "\n");
  EXPECT_LT(render_text(sample.all[0], false).size(), 4000u);
}

TEST(Text, NamesIgnoresWithoutAReason) {
  Sample sample("FROM a:1\n# hadolint ignore=DL3000\nWORKDIR x\n");
  EXPECT_THAT(render_text(sample.all[0], false), HasSubstr("DL3000 is ignored on line 2 without a reason"));
}

TEST(Github, EscapesWhatEndsACommand) {
  Sample sample("FROM a:1\nUSER x\nWORKDIR app\n", {}, "a,b:c%");
  EXPECT_THAT(render_github(sample.all[0]), HasSubstr("::warning file=a%2Cb%3Ac%25,line=3,endLine=3,col=9,endColumn=12,"
                                                      "title=DL3000::"));
}

TEST(JsonReport, HoldsPlaceReasonAndFix) {
  Sample sample("FROM a:1\nUSER x\n# pratique ignore=DL3048 old\nLABEL .x=1\nWORKDIR app\n");
  Json json = to_json(sample.all);
  const Json& file = json["files"].items()[0];
  EXPECT_EQ(json["version"].as_int(), 1);
  EXPECT_EQ(file["findings"].items()[0]["id"].text(), "DL3000");
  EXPECT_EQ(file["findings"].items()[0]["line"].as_int(), 5);
  EXPECT_EQ(file["findings"].items()[0]["aliases"].items()[0].text(), "DS-0009");
  EXPECT_EQ(file["ignored"].items()[0]["reason"].text(), "old");
  EXPECT_EQ(file["counts"]["warning"].as_int(), 1);
}

TEST(JsonReport, IsUtf8WhateverTheFileHolds) {
  Sample sample("FROM a:1\nWORKDIR \xFF\xFE\n", {}, "f\xFF");
  for (const Json& json : {to_json(sample.all), to_sarif(sample.all), to_hadolint(sample.all), to_trivy(sample.all)}) {
    EXPECT_TRUE(is_utf8(json.dump()));
    EXPECT_TRUE(parse_json(json.dump()).ok());
  }
}

TEST(Sarif, PointsAtRulesAndPlaces) {
  Sample sample("FROM a:1\nUSER x\nWORKDIR app\nWORKDIR bpp\nFOO\n");
  Json run = to_sarif(sample.all)["runs"].items()[0];
  const auto& results = run["results"].items();
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0]["ruleIndex"], results[1]["ruleIndex"]);
  EXPECT_EQ(results[2]["level"].text(), "error");
  for (const auto& result : results) {
    auto index = static_cast<std::size_t>(*result["ruleIndex"].as_int());
    EXPECT_EQ(run["tool"]["driver"]["rules"].items()[index]["id"], result["ruleId"]);
  }
}

TEST(Hadolint, HasItsSixFields) {
  Sample sample("FROM a:1\nUSER x\nWORKDIR app\nEXPOSE 22\n");
  Json json = to_hadolint(sample.all);
  EXPECT_EQ(json.items()[0].members().size(), 6u);
  EXPECT_EQ(json.items()[0]["code"].text(), "DL3000");
  EXPECT_EQ(json.items()[1]["code"].text(), "DS-0004");
}

TEST(Trivy, NamesChecksAndSeveritiesAsTrivyDoes) {
  Sample sample("FROM a:1\nUSER x\nADD x.py /\n");
  Json result = to_trivy(sample.all)["Results"].items()[0];
  const Json& finding = result["Misconfigurations"].items()[0];
  EXPECT_EQ(finding["ID"].text(), "DS-0005");
  EXPECT_EQ(finding["Severity"].text(), "LOW");
  EXPECT_EQ(finding["CauseMetadata"]["StartLine"].as_int(), 3);
  EXPECT_EQ(result["MisconfSummary"]["Failures"].as_int(), 1);
}

// PRATIQUE_UPDATE_PAGES=1 writes them.
TEST(Pages, AreTheTable) {
  bool updates = std::getenv("PRATIQUE_UPDATE_PAGES") != nullptr;
  std::set<std::string> wanted = {"README.md"};
  auto compare = [&](const std::string& name, const std::string& text) {
    std::string path = source("docs/rules/" + name);
    if (updates) std::ofstream(path) << text;
    EXPECT_EQ(read_file(path), text) << "run with PRATIQUE_UPDATE_PAGES=1";
    wanted.insert(name);
  };
  compare("README.md", rule_index());
  for (const auto& rule : rules()) compare(std::string(rule.id) + ".md", rule_page(rule));
  for (const auto& entry : std::filesystem::directory_iterator(source("docs/rules")))
    EXPECT_TRUE(wanted.contains(entry.path().filename().string())) << entry.path() << " is no rule";
}

std::string summary(const Report& report) {
  std::string out;
  for (const auto& finding : report.findings)
    out +=
        format("{}:{}: {} {}\n", finding.from.line, finding.from.column, to_string(finding.severity), finding.rule->id);
  return out;
}

// Dockerfiles as research groups write them. A ".general" and a ".tre" golden beside each; PRATIQUE_UPDATE_GOLDEN=1
// writes them. Those whose name does not begin with "bad-" must not be blocked by any profile.
TEST(Corpus, IsJudgedAsReviewedAndSaneFilesAreNotBlocked) {
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(source("src/lint/testdata"))) {
    if (entry.path().extension() != ".dockerfile") continue;
    ++seen;
    std::string name = entry.path().stem().string();
    auto file = *parse(read_file(entry.path().string()));
    for (auto [profile, word] : {std::pair(Profile::General, "general"), std::pair(Profile::Tre, "tre")}) {
      auto report = check(file, {.profile = profile});
      std::string golden = format("{}.{}.txt", entry.path().string(), word);
      if (std::getenv("PRATIQUE_UPDATE_GOLDEN")) std::ofstream(golden) << summary(report);
      EXPECT_EQ(summary(report), read_file(golden)) << name;
      bool may_block = name.starts_with("bad-");
      EXPECT_TRUE(may_block || !report.has(Severity::Error)) << name;
    }
  }
  EXPECT_GE(seen, 12u);
}

TEST(Corpus, KeepsMeaningAndLosesFindingsWhenFixed) {
  for (const auto& entry : std::filesystem::directory_iterator(source("src/lint/testdata"))) {
    if (entry.path().extension() != ".dockerfile") continue;
    auto file = *parse(read_file(entry.path().string()));
    auto after = *parse(fix(file).text);
    EXPECT_EQ(after.instructions.size(), file.instructions.size()) << entry.path();
    EXPECT_LE(check(after).findings.size(), check(file).findings.size()) << entry.path();
    EXPECT_EQ(fix(after).text, after.text) << entry.path();
  }
}

}  // namespace
}  // namespace pratique::lint
