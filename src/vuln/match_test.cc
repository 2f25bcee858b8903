#include <gtest/gtest.h>

#include <algorithm>

#include "vuln/vuln.h"

namespace pratique::vuln {
namespace {

// Advisories in one line: Match().from("1.0").fixed("1.2").of("1.1").
struct Match {
  Advisory advisory;

  Match& range(std::string introduced, std::string fixed, std::string last_affected = "") {
    advisory.ranges.push_back({std::move(introduced), std::move(fixed), std::move(last_affected)});
    return *this;
  }
  Match& version(std::string text) {
    advisory.versions.push_back(std::move(text));
    return *this;
  }
  Match& status(AdvisoryStatus status) {
    advisory.status = status;
    return *this;
  }
  std::string of(std::string_view installed) {
    auto outcome = match_version(advisory, VersionScheme::Dpkg, installed);
    if (!outcome.ok()) return std::string(to_string(outcome.error().kind()));
    return *outcome == MatchOutcome::Affected ? "affected" : "not affected";
  }
};

TEST(MatchVersion, takes_ranges_half_open) {
  auto match = Match().range("1.0", "1.2");
  EXPECT_EQ(match.of("0.9"), "not affected");
  EXPECT_EQ(match.of("1.0"), "affected");
  EXPECT_EQ(match.of("1.2~rc1"), "affected");
  EXPECT_EQ(match.of("1.2"), "not affected");
}

TEST(MatchVersion, includes_the_last_affected) {
  EXPECT_EQ(Match().range("", "", "1.2").of("1.2"), "affected");
  EXPECT_EQ(Match().range("", "", "1.2").of("1.2-1"), "not affected");
}

TEST(MatchVersion, holds_an_open_range_to_hit_everything) {
  EXPECT_EQ(Match().range("", "").of("0~~"), "affected");
  EXPECT_EQ(Match().range("2", "").of("1"), "not affected");
  EXPECT_EQ(Match().of("99"), "affected");
}

TEST(MatchVersion, takes_any_hit_of_several) {
  auto match = Match().range("1", "1.5").range("2", "2.5").version("3.0");
  EXPECT_EQ(match.of("1.4"), "affected");
  EXPECT_EQ(match.of("1.6"), "not affected");
  EXPECT_EQ(match.of("2.1"), "affected");
  EXPECT_EQ(match.of("3.0"), "affected");
  EXPECT_EQ(match.of("3.0-0"), "affected");
  EXPECT_EQ(match.of("3.1"), "not affected");
}

TEST(MatchVersion, honours_a_not_affected_statement) {
  EXPECT_EQ(Match().status(AdvisoryStatus::NotAffected).range("", "9").of("1"), "not affected");
}

TEST(MatchVersion, never_answers_for_an_unreadable_version) {
  EXPECT_EQ(Match().of("junk"), "invalid");
  EXPECT_EQ(Match().status(AdvisoryStatus::NotAffected).of(""), "invalid");
  EXPECT_EQ(Match().range("", "junk").of("1"), "invalid");
  EXPECT_EQ(Match().version("junk").of("1"), "invalid");
}

TEST(MatchVersion, lets_a_hit_count_beside_an_unreadable_bound) {
  EXPECT_EQ(Match().range("", "junk").range("", "2").of("1"), "affected");
  EXPECT_EQ(Match().range("", "junk").version("1").of("1"), "affected");
  EXPECT_EQ(Match().range("", "junk").range("", "2").of("3"), "invalid");
}

Finding finding(std::string id, Severity severity, std::string fixed = "", bool exploited = false,
                std::string package = "p") {
  Finding made;
  made.id = std::move(id);
  made.severity = severity;
  made.fixed_version = std::move(fixed);
  made.is_known_exploited = exploited;
  made.package.kind = PackageKind::Deb;
  made.package.name = std::move(package);
  return made;
}

TEST(RanksBefore, puts_the_worst_first) {
  std::vector<Finding> ranked = {
      finding("C", Severity::Critical, "1", true), finding("D", Severity::Critical, "", true),
      finding("B", Severity::Critical, "1"),       finding("A", Severity::Critical),
      finding("E", Severity::High, "1"),           finding("E", Severity::High, "1", false, "q"),
      finding("F", Severity::High, "1"),           finding("A", Severity::Unknown, "1")};
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    EXPECT_FALSE(ranks_before(ranked[i], ranked[i]));
    for (std::size_t j = i + 1; j < ranked.size(); ++j) {
      EXPECT_TRUE(ranks_before(ranked[i], ranked[j])) << i << " " << j;
      EXPECT_FALSE(ranks_before(ranked[j], ranked[i])) << i << " " << j;
    }
  }
}

TEST(RanksBefore, tells_the_same_package_in_two_layers_apart) {
  Finding a = finding("A", Severity::Low), b = a;
  b.package.layer = 2;
  EXPECT_TRUE(ranks_before(a, b));
  EXPECT_FALSE(ranks_before(b, a));
}

}  // namespace
}  // namespace pratique::vuln
