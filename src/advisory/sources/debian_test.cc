// The three feeds of Debian: tracker, lists of announcements, security archive.
#include <gmock/gmock.h>

#include "advisory/sources/source.h"
#include "advisory/test_feeds.h"

namespace pratique::advisory {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Tracker : public FeedTest {
 protected:
  // One vulnerability of openssl with these releases.
  std::vector<std::string> of(std::string_view releases) {
    feed(SourceKind::DebianTracker,
         format(R"({{"openssl":{{"CVE-2024-0001":{{"description":"d","releases":{{{}}}}}}}}})", releases));
    return advisories();
  }
};

TEST_F(Tracker, reads_a_fix) {
  EXPECT_THAT(of(R"("bookworm":{"status":"resolved","repositories":{"bookworm":"1.1","bookworm-security":"1.3"},)"
                 R"("fixed_version":"1.2","urgency":"medium"})"),
              ElementsAre("debian:12 openssl CVE-2024-0001 fixed <1.2 medium"));
}

TEST_F(Tracker, reads_zero_as_not_affected) {
  EXPECT_THAT(of(R"("bullseye":{"status":"resolved","fixed_version":"0","urgency":"unimportant"})"),
              ElementsAre("debian:11 openssl CVE-2024-0001 not-affected negligible"));
}

TEST_F(Tracker, holds_a_fix_that_is_not_in_the_archive_for_none) {
  EXPECT_THAT(of(R"("bookworm":{"status":"resolved","repositories":{"bookworm":"1.1"},"fixed_version":"1.2",)"
                 R"("urgency":"low"})"),
              ElementsAre("debian:12 openssl CVE-2024-0001 affected <1.2 low"));
}

TEST_F(Tracker, reads_the_reasons_for_no_fix) {
  EXPECT_THAT(
      of(R"("trixie":{"status":"open","urgency":"high**"},"bookworm":{"status":"open",
                    "nodsa":"Minor issue","nodsa_reason":"","urgency":"not yet assigned"},
                    "bullseye":{"status":"open","nodsa":"x","nodsa_reason":"postponed",
                    "urgency":"not yet assigned"},"buster":{"status":"open","urgency":"end-of-life"},
                    "stretch":{"status":"open","nodsa":"x","nodsa_reason":"ignored"},"jessie":{"status":"undetermined"})"),
      ElementsAre("debian:10 openssl CVE-2024-0001 end-of-life *", "debian:11 openssl CVE-2024-0001 fix-deferred *",
                  "debian:12 openssl CVE-2024-0001 will-not-fix * low",
                  "debian:13 openssl CVE-2024-0001 affected * high", "debian:8 openssl CVE-2024-0001 undetermined *",
                  "debian:9 openssl CVE-2024-0001 will-not-fix *"));
}

TEST_F(Tracker, bounds_an_open_state_by_the_fix_in_sid) {
  EXPECT_THAT(of(R"("sid":{"status":"resolved","fixed_version":"2.0"},"bookworm":{"status":"open","urgency":"low"})"),
              ElementsAre("debian:12 openssl CVE-2024-0001 affected <2.0 low"));
}

TEST_F(Tracker, inherits_the_state_of_sid_for_a_release_that_is_not_listed) {
  feed(SourceKind::DebianTracker,
       R"({"a":{"CVE-2024-0001":{"releases":{"bookworm":{"status":"open","repositories":{"bookworm":"1.5"}}}},
           "CVE-2024-0002":{"releases":{"sid":{"status":"resolved","fixed_version":"1.4"}}},
           "CVE-2024-0003":{"releases":{"sid":{"status":"resolved","fixed_version":"1.6"}}},
           "CVE-2024-0004":{"releases":{"sid":{"status":"open"}}}}})");
  EXPECT_THAT(advisories(),
              ElementsAre("debian:12 a CVE-2024-0001 affected *", "debian:12 a CVE-2024-0002 fixed <1.4",
                          "debian:12 a CVE-2024-0003 affected <1.6", "debian:12 a CVE-2024-0004 affected *"));
}

TEST_F(Tracker, holds_resolved_without_a_version_for_undetermined) {
  EXPECT_THAT(of(R"("bookworm":{"status":"resolved"})"), ElementsAre("debian:12 openssl CVE-2024-0001 undetermined *"));
}

TEST_F(Tracker, skips_entries_without_releases_and_fails_on_what_is_no_tracker) {
  feed(SourceKind::DebianTracker, R"({"a":{"CVE-2024-0001":{}, "not an id":{"releases":{}}},"b":7})");
  EXPECT_THAT(advisories(), IsEmpty());
  EXPECT_EQ(report_.skipped, 2u);
  feed(SourceKind::DebianTracker, "[1]");
  EXPECT_EQ(try_build().error().kind(), ErrorKind::Invalid);
  inputs_.pop_back();
  feed(SourceKind::DebianTracker, "{\"a\":");
  EXPECT_EQ(try_build().error().kind(), ErrorKind::Corrupt);
}

TEST(DebianUrgency, becomes_a_severity) {
  EXPECT_EQ(severity_of_debian_urgency("unimportant"), vuln::Severity::Negligible);
  EXPECT_EQ(severity_of_debian_urgency("low**"), vuln::Severity::Low);
  EXPECT_EQ(severity_of_debian_urgency("medium"), vuln::Severity::Medium);
  EXPECT_EQ(severity_of_debian_urgency("high"), vuln::Severity::High);
  for (auto word : {"", "not yet assigned", "end-of-life", "critical", "**"})
    EXPECT_EQ(severity_of_debian_urgency(word), vuln::Severity::Unknown) << word;
}

class List : public FeedTest {
 protected:
  std::vector<std::string> of(std::string_view text) {
    feed(SourceKind::DebianSecurityList, text);
    return advisories();
  }
};

TEST_F(List, reads_an_announcement) {
  EXPECT_THAT(of("[01 Apr 2023] DLA-3377-1 systemd - security update\n\t{CVE-2023-26604}\n\t[buster] - systemd "
                 "241-7~deb10u9\n"),
              ElementsAre("debian:10 systemd CVE-2023-26604 fixed <241-7~deb10u9 [DLA-3377-1]"));
  EXPECT_EQ(report_.info.newest.to_date(), "2023-04-01");
  EXPECT_EQ(report_.info.sources.at(0).records, 1u);
}

TEST_F(List, makes_an_advisory_of_each_cve_and_release) {
  EXPECT_THAT(
      of("[02 Feb 2022] DSA-9-1 x - security update\n\t{CVE-2022-0001 CVE-2022-0002}\n\tNOTE: words\n\t[buster] - x "
         "1\n\t[bullseye] - x 2 (bug #1)\n"),
      ElementsAre("debian:10 x CVE-2022-0001 fixed <1 [DSA-9-1]", "debian:10 x CVE-2022-0002 fixed <1 [DSA-9-1]",
                  "debian:11 x CVE-2022-0001 fixed <2 [DSA-9-1]", "debian:11 x CVE-2022-0002 fixed <2 [DSA-9-1]"));
}

TEST_F(List, lets_an_announcement_without_cves_stand_for_itself) {
  EXPECT_THAT(of("[02 Feb 2022] DSA-9-2 x - regression update\n\t[bullseye] - x 2\n"),
              ElementsAre("debian:11 x DSA-9-2 fixed <2"));
}

TEST_F(List, reads_states_instead_of_versions) {
  EXPECT_THAT(
      of("[02 Feb 2022] DSA-9-1 x\n\t{CVE-2022-0001}\n\t[stretch] - x <end-of-life>\n\t[buster] - x <not-affected> "
         "(why)\n\t[bullseye] - x <unfixed>\n"),
      ElementsAre("debian:10 x CVE-2022-0001 not-affected [DSA-9-1]", "debian:11 x CVE-2022-0001 affected [DSA-9-1]",
                  "debian:9 x CVE-2022-0001 end-of-life [DSA-9-1]"));
}

TEST_F(List, passes_over_releases_it_does_not_know) {
  EXPECT_THAT(of("[02 Feb 2002] DSA-9-1 x\n\t[woody] - x 1\n"), IsEmpty());
  EXPECT_EQ(report_.skipped, 0u);
}

TEST_F(List, skips_lines_it_cannot_read_and_says_so) {
  EXPECT_THAT(
      of("[31 Foo 2022] DSA-1-1 x\n\t[bullseye] - x 1\n[01 Jan 2022] NOPE-1 x\n\t[bullseye] - x 1\n[01 Jan 2022] "
         "DSA-2-1 x\n"
         "\t[bullseye] x 1\n\t[bullseye] - x\n\t[bullseye] - x <odd>\n\t[bullseye - x 1\n\t[bullseye] - ok 1\n"),
      ElementsAre("debian:11 ok DSA-2-1 fixed <1"));
  EXPECT_EQ(report_.skipped, 6u);
}

class Archive : public FeedTest {
 protected:
  std::vector<std::string> of(std::string_view text) {
    feed(SourceKind::DebianSecurityArchive, text, "debian:11");
    return advisories();
  }
};

TEST_F(Archive, makes_a_floor_of_each_source) {
  EXPECT_THAT(
      of("Package: openssl\nBinary: libssl1.1,\n openssl\nVersion: 1.1.1w-0+deb11u8\n\nPackage: a\nVersion: 1:2\n"),
      ElementsAre("debian:11 a DEBIAN-SECURITY-a-1:2 fixed <1:2",
                  "debian:11 openssl DEBIAN-SECURITY-openssl-1.1.1w-0+deb11u8 fixed <1.1.1w-0+deb11u8"));
}

TEST_F(Archive, keeps_the_newest_of_several_versions) {
  EXPECT_THAT(of("Package: a\nVersion: 1.9\n\nPackage: a\nVersion: 1.10\n\nPackage: a\nVersion: 1.2"),
              ElementsAre("debian:11 a DEBIAN-SECURITY-a-1.10 fixed <1.10"));
}

TEST_F(Archive, takes_the_source_of_binary_packages) {
  EXPECT_THAT(of("Package: libc6\nSource: glibc\nVersion: 2.31-13\n\nPackage: bash\nSource: bash (5.1-2)\n"
                 "Version: 5.1-2+b3\n"),
              ElementsAre("debian:11 bash DEBIAN-SECURITY-bash-5.1-2 fixed <5.1-2",
                          "debian:11 glibc DEBIAN-SECURITY-glibc-2.31-13 fixed <2.31-13"));
}

TEST_F(Archive, skips_stanzas_without_a_version) {
  EXPECT_THAT(of("Package: a\n\nPackage: b\nVersion: junk\n\nPackage: c\nVersion: 1\n"),
              ElementsAre("debian:11 c DEBIAN-SECURITY-c-1 fixed <1"));
  EXPECT_EQ(report_.skipped, 2u);
}

TEST_F(Archive, fails_on_what_is_no_index_or_of_no_release) {
  feed(SourceKind::DebianSecurityArchive, "junk\n", "debian:11");
  EXPECT_EQ(try_build().error().kind(), ErrorKind::Invalid);
  inputs_.clear();
  feed(SourceKind::DebianSecurityArchive, "Package: a\nVersion: 1\n", "debian:99");
  EXPECT_EQ(try_build().error().kind(), ErrorKind::Invalid);
}

TEST(ArchivePath, names_the_release) {
  EXPECT_EQ(stream_of_archive_path(
                "/var/lib/apt/lists/deb.debian.org_debian-security_dists_bookworm-security_main_source_Sources"),
            "debian:12");
  EXPECT_EQ(stream_of_archive_path("cache/debian-archive-bullseye"), "debian:11");
  EXPECT_EQ(stream_of_archive_path("deb.debian.org_debian_dists_bookworm_main_source_Sources"), "");
}

}  // namespace
}  // namespace pratique::advisory
