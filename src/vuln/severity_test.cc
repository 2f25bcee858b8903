#include <gtest/gtest.h>

#include <limits>

#include "vuln/vuln.h"

namespace pratique::vuln {
namespace {

TEST(Severity, is_read_in_any_case_and_written_in_lower) {
  for (auto severity :
       {Severity::Unknown, Severity::Negligible, Severity::Low, Severity::Medium, Severity::High, Severity::Critical})
    EXPECT_EQ(parse_severity(to_string(severity)), severity);
  EXPECT_EQ(parse_severity("CRITICAL"), Severity::Critical);
  EXPECT_EQ(parse_severity("Moderate"), Severity::Medium);
  EXPECT_EQ(parse_severity("important"), Severity::High);
  EXPECT_EQ(parse_severity("grave"), std::nullopt);
  EXPECT_EQ(parse_severity(""), std::nullopt);
}

TEST(Severity, follows_the_scale_of_cvss_at_every_boundary) {
  EXPECT_EQ(severity_of_cvss_score(10.0), Severity::Critical);
  EXPECT_EQ(severity_of_cvss_score(9.0), Severity::Critical);
  EXPECT_EQ(severity_of_cvss_score(8.9), Severity::High);
  EXPECT_EQ(severity_of_cvss_score(7.0), Severity::High);
  EXPECT_EQ(severity_of_cvss_score(6.9), Severity::Medium);
  EXPECT_EQ(severity_of_cvss_score(4.0), Severity::Medium);
  EXPECT_EQ(severity_of_cvss_score(3.9), Severity::Low);
  EXPECT_EQ(severity_of_cvss_score(0.1), Severity::Low);
  EXPECT_EQ(severity_of_cvss_score(0.0), Severity::Negligible);
}

TEST(Severity, of_a_score_outside_the_scale_is_unknown) {
  EXPECT_EQ(severity_of_cvss_score(10.1), Severity::Unknown);
  EXPECT_EQ(severity_of_cvss_score(-0.1), Severity::Unknown);
  EXPECT_EQ(severity_of_cvss_score(std::numeric_limits<double>::quiet_NaN()), Severity::Unknown);
}

TEST(AdvisoryStatus, round_trips_through_its_name) {
  for (int i = 0; i <= static_cast<int>(AdvisoryStatus::NotAffected); ++i) {
    auto status = static_cast<AdvisoryStatus>(i);
    EXPECT_EQ(parse_advisory_status(to_string(status)), status);
  }
  EXPECT_EQ(parse_advisory_status("fine"), std::nullopt);
}

struct Score {
  const char* vector;
  double score;
};

// Published scores of well-known vulnerabilities.
TEST(Cvss3, gives_the_published_scores) {
  for (auto [vector, score] : {
           Score{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8},
           Score{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0},
           Score{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5},
           Score{"CVSS:3.0/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 7.8},
           Score{"CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:H/A:N", 5.9},
           Score{"CVSS:3.1/AV:L/AC:H/PR:L/UI:N/S:C/C:H/I:N/A:N", 5.6},
           Score{"CVSS:3.1/AV:N/AC:L/PR:L/UI:R/S:C/C:L/I:L/A:N", 5.4},
           Score{"CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1},
           Score{"CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", 1.6},
           Score{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0},
           Score{"CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", 6.5},
           Score{"CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:C/C:H/I:H/A:H", 9.1},
           Score{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P/RL:O/RC:C", 9.8},
           Score{"CVSS:3.1/S:U/C:H/I:H/A:H/AV:N/AC:L/PR:N/UI:N", 9.8},
       }) {
    auto got = cvss3_base_score(vector);
    ASSERT_TRUE(got.ok()) << vector << ": " << got.error().message();
    EXPECT_NEAR(*got, score, 1e-9) << vector;
  }
}

TEST(Cvss3, refuses_what_is_no_vector) {
  for (auto vector :
       {"", "CVSS:3.1", "CVSS:3.1/", "CVSS:2.0/AV:N/AC:L/Au:N/C:P/I:P/A:P", "AV:N/AC:L/Au:N/C:P/I:P/A:P",
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H",
        "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:3.1/AV:N/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/Z:Z",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P/E:P", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:HH",
        "cvss:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"})
    EXPECT_FALSE(cvss3_base_score(vector).ok()) << vector;
}

}  // namespace
}  // namespace pratique::vuln
