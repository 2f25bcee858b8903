#include <gmock/gmock.h>

#include "advisory/test_feeds.h"

namespace pratique::advisory {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Match : public FeedTest {
 public:
  Match& tracker(std::string_view releases, std::string_view id = "CVE-2024-0001",
                 std::string_view package = "openssl") {
    feed(SourceKind::DebianTracker, format(R"({{"{}":{{"{}":{{"releases":{{{}}}}}}}}})", package, id, releases));
    return *this;
  }
  Match& list(std::string_view id, std::string_view cves, std::string_view fixed,
              std::string_view package = "openssl") {
    feed(SourceKind::DebianSecurityList,
         format("[01 Jan 2024] {} {} - security update\n\t{{{}}}\n\t[bullseye] - {} {}\n", id, package, cves, package,
                fixed));
    return *this;
  }
  Match& archive(std::string_view version, std::string_view package = "openssl") {
    feed(SourceKind::DebianSecurityArchive, format("Package: {}\nVersion: {}\n", package, version), "debian:11");
    return *this;
  }
  Match& changelog(std::string_view fixes, std::string_view package = "openssl") {
    feed(SourceKind::DebianChangelog, format("pratique-debian-changelogs 1 debian:11\npackage {} 1.3 {}\n{}\n", package,
                                             std::string(64, 'a'), fixes));
    return *this;
  }
  Match& osv(std::string_view id, std::string_view fixed, std::string_view members = "") {
    feed(SourceKind::Osv, format(R"({{"id":"{}"{},"affected":[{{"package":{{"ecosystem":"Debian:11",)"
                                 R"("name":"openssl"}},)"
                                 R"("ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},)"
                                 R"({{"fixed":"{}"}}]}}]}}]}})",
                                 id, members, fixed));
    return *this;
  }
  std::vector<std::string> of(const vuln::Package& package) {
    matches_ = match(*database(), distribution("debian", "11"), {package});
    return lines_of(matches_);
  }
  Matches matches_;
};

constexpr std::string_view kCritical = R"(,"severity":[{"type":"CVSS_V3",)"
                                       R"("score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}])";

TEST_F(Match, finds_a_version_below_the_fix) {
  list("DSA-1-1", "CVE-2024-0001", "1.2");
  EXPECT_THAT(of(deb("openssl 1.1")), ElementsAre("CVE-2024-0001 openssl unknown fixed->1.2"));
  EXPECT_THAT(matches_.findings[0].aliases, ElementsAre("DSA-1-1"));
  EXPECT_THAT(of(deb("openssl 1.2")), IsEmpty());
}

TEST_F(Match, looks_under_the_source_package_with_the_source_version) {
  list("DSA-1-1", "CVE-2024-0001", "1.2");
  auto binary = deb("libssl1.1=openssl 1.2+b1");
  binary.source_version = "1.1";
  EXPECT_THAT(of(binary), ElementsAre("CVE-2024-0001 libssl1.1 unknown fixed->1.2"));
  EXPECT_THAT(of(deb("libssl1.1 1.1")), IsEmpty());
}

TEST_F(Match, joins_what_sources_say_of_one_vulnerability) {
  list("DSA-1-1", "CVE-2024-0001", "1.2").osv("GHSA-x", "1.2", format(R"(,"aliases":["CVE-2024-0001"]{})", kCritical));
  EXPECT_THAT(of(deb("openssl 1.1")), ElementsAre("CVE-2024-0001 openssl critical fixed->1.2"));
  EXPECT_THAT(matches_.findings[0].aliases, ElementsAre("DSA-1-1", "GHSA-x"));
  EXPECT_EQ(matches_.findings[0].source, "debian-security-list");
  EXPECT_EQ(matches_.findings[0].severity_source, "osv");
}

TEST_F(Match, joins_a_record_under_another_name_through_the_cve_that_lists_it) {
  osv("CVE-2024-0001", "1.2", R"(,"aliases":["GHSA-x"])").osv("GHSA-x", "1.3");
  EXPECT_THAT(of(deb("openssl 1.1")), ElementsAre("CVE-2024-0001 openssl unknown fixed->1.3"));
}

TEST_F(Match, keeps_vulnerabilities_apart_that_share_an_announcement) {
  list("DSA-1-1", "CVE-2024-0001 CVE-2024-0002", "1.2");
  EXPECT_THAT(of(deb("openssl 1.1")),
              ElementsAre("CVE-2024-0001 openssl unknown fixed->1.2", "CVE-2024-0002 openssl unknown fixed->1.2"));
}

TEST_F(Match, prefers_the_distributions_word_on_the_fix) {
  tracker(R"("bullseye":{"status":"resolved","fixed_version":"1.1"})").osv("CVE-2024-0001", "1.2");
  EXPECT_THAT(of(deb("openssl 1.1")), IsEmpty());
  EXPECT_THAT(of(deb("openssl 1.0")), ElementsAre("CVE-2024-0001 openssl unknown fixed->1.1"));
}

TEST_F(Match, honours_a_not_affected_of_the_distribution) {
  tracker(R"("bullseye":{"status":"resolved","fixed_version":"0"})").osv("CVE-2024-0001", "1.2", kCritical);
  EXPECT_THAT(of(deb("openssl 1.1")), IsEmpty());
}

TEST_F(Match, does_not_let_a_lesser_source_overrule_the_distribution) {
  tracker(R"("bullseye":{"status":"open","urgency":"high"})");
  list("DSA-1-1", "CVE-2024-0001", "<not-affected>");
  EXPECT_THAT(of(deb("openssl 1.1")), ElementsAre("CVE-2024-0001 openssl high affected"));
}

TEST_F(Match, needs_the_highest_of_several_fixes) {
  list("DSA-1-1", "CVE-2024-0001", "1.2").list("DSA-1-2", "CVE-2024-0001", "1.10");
  EXPECT_THAT(of(deb("openssl 1.1")), ElementsAre("CVE-2024-0001 openssl unknown fixed->1.10"));
  EXPECT_THAT(of(deb("openssl 1.3")), ElementsAre("CVE-2024-0001 openssl unknown fixed->1.10"));
  EXPECT_THAT(of(deb("openssl 1.10")), IsEmpty());
}

TEST_F(Match, reports_what_the_distribution_will_not_fix_without_a_version) {
  tracker(R"("bullseye":{"status":"open","nodsa":"Minor issue","nodsa_reason":""},"sid":{"status":"resolved",)"
          R"("fixed_version":"3"})");
  EXPECT_THAT(of(deb("openssl 1.1")), ElementsAre("CVE-2024-0001 openssl low will-not-fix"));
  EXPECT_THAT(of(deb("openssl 3.1")), IsEmpty());
}

TEST_F(Match, reports_an_archive_floor_with_unknown_severity) {
  archive("1.2");
  EXPECT_THAT(of(deb("openssl 1.1")), ElementsAre("DEBIAN-SECURITY-openssl-1.2 openssl unknown fixed->1.2"));
  EXPECT_THAT(of(deb("openssl 1.2")), IsEmpty());
}

TEST_F(Match, drops_a_floor_that_named_vulnerabilities_explain) {
  archive("1.2").list("DSA-1-1", "CVE-2024-0001", "1.2");
  EXPECT_THAT(of(deb("openssl 1.1")), ElementsAre("CVE-2024-0001 openssl unknown fixed->1.2"));
}

TEST_F(Match, keeps_a_floor_above_the_named_fixes) {
  archive("1.3").list("DSA-1-1", "CVE-2024-0001", "1.2");
  EXPECT_THAT(of(deb("openssl 1.1")), ElementsAre("CVE-2024-0001 openssl unknown fixed->1.2",
                                                  "DEBIAN-SECURITY-openssl-1.3 openssl unknown fixed->1.3"));
}

TEST_F(Match, names_what_a_floor_means_by_the_changelog) {
  archive("1.3").changelog("CVE-2024-0001 1.2 a flaw\nCVE-2024-0002 1.3");
  EXPECT_THAT(of(deb("openssl 1.1")),
              ElementsAre("CVE-2024-0001 openssl unknown fixed->1.2", "CVE-2024-0002 openssl unknown fixed->1.3"));
  EXPECT_THAT(of(deb("openssl 1.2")), ElementsAre("CVE-2024-0002 openssl unknown fixed->1.3"));
  EXPECT_THAT(of(deb("openssl 1.3")), IsEmpty());
}

TEST_F(Match, keeps_a_floor_that_the_changelog_does_not_explain) {
  archive("1.3").changelog("CVE-2024-0001 1.2");
  EXPECT_THAT(of(deb("openssl 1.2")), ElementsAre("DEBIAN-SECURITY-openssl-1.3 openssl unknown fixed->1.3"));
}

TEST_F(Match, takes_any_other_sources_word_before_a_changelogs) {
  changelog("CVE-2024-0001 1.2").osv("CVE-2024-0001", "1.3", kCritical);
  EXPECT_THAT(of(deb("openssl 1.2")), ElementsAre("CVE-2024-0001 openssl critical fixed->1.3"));
}

TEST_F(Match, keeps_kernel_headers_in_sight_but_without_weight) {
  feed(SourceKind::KnownExploited, R"({"vulnerabilities":[{"cveID":"CVE-2024-0001"}]})");
  tracker(R"("bullseye":{"status":"resolved","fixed_version":"6.0","urgency":"high"})", "CVE-2024-0001", "linux");
  EXPECT_THAT(of(deb("linux-libc-dev=linux 5.10")), ElementsAre("CVE-2024-0001 linux-libc-dev negligible fixed->6.0"));
  EXPECT_THAT(matches_.findings[0].summary, HasSubstr("kernel headers only"));
  EXPECT_THAT(matches_.findings[0].summary, HasSubstr("known to be exploited"));
  EXPECT_THAT(of(deb("linux-image-amd64=linux 5.10")),
              ElementsAre("CVE-2024-0001 linux-image-amd64 high fixed->6.0 !"));
}

TEST_F(Match, says_which_packages_it_could_not_judge) {
  list("DSA-1-1", "CVE-2024-0001", "1.2");
  EXPECT_THAT(of(deb("openssl junk")), IsEmpty());
  ASSERT_EQ(matches_.unjudged.size(), 1u);
  EXPECT_THAT(matches_.unjudged[0].reason, HasSubstr("\"junk\" does not parse"));
}

TEST_F(Match, does_not_call_clean_what_an_unreadable_bound_leaves_open) {
  osv("CVE-2024-0001", "junk");
  EXPECT_THAT(of(deb("openssl 1.1")), IsEmpty());
  ASSERT_EQ(matches_.unjudged.size(), 1u);
  EXPECT_THAT(matches_.unjudged[0].reason, HasSubstr("CVE-2024-0001"));
}

TEST_F(Match, says_when_the_distribution_is_not_covered) {
  list("DSA-1-1", "CVE-2024-0001", "1.2");
  auto db = database();
  EXPECT_TRUE(match(*db, distribution("debian", "11"), {}).is_covered);
  EXPECT_FALSE(match(*db, distribution("debian", "12"), {deb("openssl 1.1")}).is_covered);
  EXPECT_FALSE(match(*db, vuln::Distribution{}, {deb("openssl 1.1")}).is_covered);
}

TEST_F(Match, gives_findings_worst_first_whatever_the_order_of_packages) {
  osv("CVE-2024-0002", "1.2", kCritical).list("DSA-1-1", "CVE-2024-0001", "1.2");
  auto db = database();
  auto forward = match(*db, distribution("debian", "11"), {deb("openssl 1.1"), deb("libssl=openssl 1.1")});
  auto backward = match(*db, distribution("debian", "11"), {deb("libssl=openssl 1.1"), deb("openssl 1.1")});
  EXPECT_THAT(lines_of(forward),
              ElementsAre("CVE-2024-0002 libssl critical fixed->1.2", "CVE-2024-0002 openssl critical fixed->1.2",
                          "CVE-2024-0001 libssl unknown fixed->1.2", "CVE-2024-0001 openssl unknown fixed->1.2"));
  EXPECT_EQ(lines_of(forward), lines_of(backward));
}

TEST_F(Match, takes_an_alpine_package_under_its_origin) {
  feed(SourceKind::AlpineSecdb, R"({"distroversion":"v3.10","packages":[{"pkg":{"name":"musl",)"
                                R"("secfixes":{"1.1.22-r3":["CVE-2019-14697"],"0":["CVE-2020-0001"]}}}]})");
  auto found =
      match(*database(), distribution("alpine", "3.10.2"), {apk("musl-utils=musl 1.1.22-r2"), apk("libc=other 1-r0")});
  EXPECT_THAT(lines_of(found), ElementsAre("CVE-2019-14697 musl-utils unknown fixed->1.1.22-r3"));
}

}  // namespace
}  // namespace pratique::advisory
