#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/format.h"
#include "base/hash.h"
#include "policy/policy.h"
#include "policy/profiles.h"

namespace pratique::policy {
namespace {

using testing::HasSubstr;

std::string read_source_file(std::string_view relative) {
  std::ifstream file(format("{}/{}", PRATIQUE_SOURCE_DIR, relative));
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string problem(std::string_view yaml) {
  auto policy = Policy::parse(yaml, "policy.yaml");
  return policy.ok() ? "accepted" : policy.error().message();
}

std::string waiver(std::string_view changed_line) {
  std::string text =
      "extends: gen3\nwaivers:\n  - id: W1\n    finding: CVE-2024-1\n    owner: ann\n    reason: not reachable\n";
  return text + std::string(changed_line) + "\n";
}

TEST(PolicyProfile, IsByteForByteTheFileThatPeopleRead) {
  ASSERT_EQ(profiles().size(), 2u);
  for (const auto& profile : profiles())
    EXPECT_EQ(profile.text, read_source_file(format("src/policy/profiles/{}.yaml", profile.name)));
}

TEST(PolicyProfile, Gen3ApprovesByItselfAndTreAsksAReviewer) {
  EXPECT_EQ(Policy::profile("gen3")->when_clean, Verdict::Approve);
  EXPECT_EQ(Policy::profile("gen3")->review_at, std::nullopt);
  EXPECT_EQ(Policy::profile("tre")->when_clean, Verdict::Review);
  EXPECT_EQ(Policy::profile("tre")->review_at, vuln::Severity::High);
  EXPECT_EQ(Policy::profile("tre")->name, "tre");
}

TEST(PolicyProfile, StatesTheDefaultsOfThePolicyType) {
  Policy built_in, gen3 = *Policy::profile("gen3");
  EXPECT_EQ(gen3.reject_at, built_in.reject_at);
  EXPECT_EQ(gen3.on_unknown_severity, built_in.on_unknown_severity);
  EXPECT_EQ(gen3.on_known_exploited, built_in.on_known_exploited);
  EXPECT_EQ(gen3.on_stale_database, built_in.on_stale_database);
  EXPECT_EQ(gen3.on_unjudged, built_in.on_unjudged);
  EXPECT_EQ(gen3.database_age_max, built_in.database_age_max);
  EXPECT_EQ(gen3.approval_lifetime, built_in.approval_lifetime);
}

TEST(PolicyProfile, IsNotFoundByAnotherName) {
  EXPECT_EQ(Policy::profile("gen4").error().kind(), ErrorKind::NotFound);
}

TEST(PolicyParse, ReadsEveryKey) {
  auto policy = Policy::parse(
      "extends: tre\nname: lab\nwhen_clean: approve\nreject_at: high\nreview_at: low\non_unknown_severity: reject\n"
      "only_fixable: true\non_known_exploited: review\ndatabase_age_max_days: none\non_stale_database: reject\n"
      "on_unjudged: reject\napproval_lifetime_days: 14\nwaivers:\n",
      "policy.yaml");
  ASSERT_TRUE(policy.ok()) << policy.error().message();
  EXPECT_EQ(policy->name, "lab");
  EXPECT_EQ(policy->when_clean, Verdict::Approve);
  EXPECT_EQ(policy->reject_at, vuln::Severity::High);
  EXPECT_EQ(policy->review_at, vuln::Severity::Low);
  EXPECT_EQ(policy->on_unknown_severity, Verdict::Reject);
  EXPECT_TRUE(policy->only_fixable);
  EXPECT_EQ(policy->on_known_exploited, Verdict::Review);
  EXPECT_EQ(policy->database_age_max, std::nullopt);
  EXPECT_EQ(policy->on_stale_database, Verdict::Reject);
  EXPECT_EQ(policy->on_unjudged, Verdict::Reject);
  EXPECT_EQ(policy->approval_lifetime, days(14));
}

TEST(PolicyParse, StartsFromTheProfileItExtends) {
  auto policy = Policy::parse("extends: tre\nreject_at: high\n", "our.yaml");
  ASSERT_TRUE(policy.ok()) << policy.error().message();
  EXPECT_EQ(policy->when_clean, Verdict::Review);
  EXPECT_EQ(policy->reject_at, vuln::Severity::High);
}

TEST(PolicyParse, IsNamedAfterItsFileAndNotAfterTheProfileItChanges) {
  EXPECT_EQ(Policy::parse("extends: tre\nreject_at: high\n", "our.yaml")->name, "our.yaml");
}

TEST(PolicyParse, DigestNamesTheText) {
  auto policy = Policy::parse("extends: gen3\n", "policy.yaml");
  EXPECT_EQ(policy->digest, sha256_hex("extends: gen3\n"));
  EXPECT_EQ(policy->source_text, "extends: gen3\n");
}

TEST(PolicyParse, ReadsAWaiver) {
  auto policy =
      Policy::parse(waiver("    package: xz-utils\n    image: s/ann:1\n    expires: 2026-12-31"), "policy.yaml");
  ASSERT_TRUE(policy.ok()) << policy.error().message();
  ASSERT_EQ(policy->waivers.size(), 1u);
  EXPECT_EQ(policy->waivers[0].package, "xz-utils");
  EXPECT_EQ(policy->waivers[0].image, "s/ann:1");
  EXPECT_EQ(policy->waivers[0].expires, *Time::parse("2026-12-31"));
}

TEST(PolicyParse, NamesTheLineAndWhatWasMeant) {
  struct Row {
    std::string yaml, problem;
  };
  const Row rows[] = {
      {"extends: gen3\nreject_ta: high\n",
       "policy.yaml line 2: unknown key \"reject_ta\"; did you mean \"reject_at\"?"},
      {"nonsense_entirely: 1\n", "policy.yaml line 1: unknown key \"nonsense_entirely\""},
      {"reject_at: hihg\n",
       "line 1: reject_at is \"hihg\"; it must be one of negligible, low, medium, high, critical; did you mean "
       "\"high\"?"},
      {"reject_at: none\n", "reject_at is \"none\""},
      {"reject_at:\n", "reject_at is nothing"},
      {"reject_at: [high]\n", "reject_at is a list"},
      {"reject_at: unknown\n", "reject_at is \"unknown\""},
      {"review_at: {a: b}\n", "review_at is a mapping"},
      {"extends: gen4\n", "extends is \"gen4\"; it must be one of gen3, tre; did you mean \"gen3\"?"},
      {"when_clean: reject\n", "when_clean is \"reject\"; it must be one of approve, review"},
      {"on_unjudged: approve\n", "on_unjudged is \"approve\"; it must be one of review, reject"},
      {"on_stale_database: approve\n", "on_stale_database is \"approve\""},
      {"on_unknown_severity: maybe\n", "on_unknown_severity is \"maybe\""},
      {"only_fixable: perhaps\n", "only_fixable is \"perhaps\"; it must be true or false"},
      {"only_fixable: \"true\"\n", "only_fixable is \"true\"; it must be true or false"},
      {"database_age_max_days: 0\n", "database_age_max_days is \"0\"; it must be a number from 1 to 3650"},
      {"database_age_max_days: 7 days\n", "database_age_max_days is \"7 days\""},
      {"approval_lifetime_days: 366\n", "approval_lifetime_days is \"366\"; it must be a number from 1 to 365"},
      {"approval_lifetime_days: -1\n", "approval_lifetime_days is \"-1\""},
      {"name: ''\n", "name is \"\"; it must be text"},
      {"name: " + std::string(65, 'a') + "\n", "name is longer than 64 bytes"},
      {"extends: tre\n\nreject_at: medium\n", "line 3: review_at is worse than reject_at"},
      {"reject_at: low\nreview_at: high\n", "line 2: review_at is worse than reject_at"},
      {"name: a\nname: b\n", "policy.yaml line 2: \"name\" is given twice"},
      {"- a\n", "the file is a list; it must be a mapping"},
      {"", "policy.yaml line 1: the file is empty"},
      {"# only a comment\n", "the file is empty"},
      {"a: [1\n", "policy.yaml line "},
      {"name: \xff\n", "is not UTF-8"},
      {"waivers: yes\n", "waivers is \"yes\"; it must be a list"},
      {"waivers:\n  - W1\n", "line 2: a waiver is \"W1\"; it must be a mapping"},
      {waiver("    expires: soon"), "line 7: expires is \"soon\"; it must be a date such as 2026-12-31"},
      {waiver("    image: x"), "line 3: the waiver has no expires"},
      {waiver("    expries: 2026-12-31"), "line 7: unknown key \"expries\" in a waiver; did you mean \"expires\"?"},
      {"waivers:\n  - id: W1\n    finding: '*'\n    owner: a\n    reason: b\n    expires: 2026-12-31\n",
       "line 3: finding is \"*\"; a waiver names one vulnerability"},
      {waiver("    expires: 2026-12-31") + waiver("    expires: 2026-12-31").substr(waiver("").find("  - id")),
       "line 8: the waiver id \"W1\" is used twice"},
      {waiver("    package: " + std::string(256, 'p')), "package is longer than 255 bytes"},
  };
  for (const auto& row : rows) EXPECT_THAT(problem(row.yaml), HasSubstr(row.problem)) << row.yaml;
}

TEST(PolicyParse, RefusesAFileTooLargeToBeAPolicy) {
  EXPECT_EQ(Policy::parse(std::string(2 << 20, '#'), "policy.yaml").error().kind(), ErrorKind::Limit);
}

TEST(PolicySchema, IsByteForByteThePublishedFile) {
  EXPECT_EQ(Policy::json_schema(), read_source_file("docs/formats/policy.schema.json"));
}

TEST(PolicySchema, ListsExactlyTheKeysTheReaderKnows) {
  auto schema = parse_json(Policy::json_schema());
  ASSERT_TRUE(schema.ok());
  for (const auto& [key, description] : (*schema)["properties"].members())
    EXPECT_THAT(problem(key + ": {}\n"), testing::Not(HasSubstr("unknown key"))) << key;
  for (const auto& profile : profiles()) {
    auto known = (*schema)["properties"];
    EXPECT_TRUE(known.has("reject_at"));
    EXPECT_TRUE(Policy::parse(profile.text, "profile").ok());
  }
}

TEST(PolicySchema, AllowsTheSameWordsAsTheReader) {
  auto schema = parse_json(Policy::json_schema());
  for (const auto& [key, property] : (*schema)["properties"].members())
    for (const auto& word : property["enum"].items()) {
      auto text = format("{}: {}\n", key, word.text());
      // The one combination rule besides the words: review_at may not be worse than reject_at.
      if (key == "review_at") text += "reject_at: critical\n";
      EXPECT_EQ(problem(text), "accepted");
    }
}

TEST(PolicyPage, ExampleIsAPolicy) {
  auto page = read_source_file("docs/formats/policy.md");
  auto begin = page.find("```yaml\n");
  auto end = page.find("```", begin + 8);
  ASSERT_NE(begin, std::string::npos);
  EXPECT_EQ(problem(page.substr(begin + 8, end - begin - 8)), "accepted");
}

}  // namespace
}  // namespace pratique::policy
