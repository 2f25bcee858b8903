// Real feeds and a real image's packages: counts as the publishers state them, and findings checked by hand.
//
// The data is not part of the project; without it these tests are skipped.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "advisory/test_feeds.h"

namespace pratique::advisory {
namespace {

using testing::Contains;
using testing::ElementsAre;

class Evidence : public FeedTest {
 public:
  void SetUp() override {
    if (shared_data().empty()) GTEST_SKIP() << "no real feeds: set PRATIQUE_SHARED to the directory that holds feeds/";
  }
  Evidence& real(SourceKind kind, const std::string& name) {
    inputs_.push_back({.kind = kind, .path = shared_data() + "/feeds/" + name, .stream = ""});
    return *this;
  }
  std::uint64_t records_of(SourceKind kind, const std::string& name) {
    inputs_.clear();
    real(kind, name);
    database();
    return report_.info.sources.at(0).records;
  }
};

TEST_F(Evidence, every_announcement_of_debian_is_read) {
  EXPECT_EQ(records_of(SourceKind::DebianSecurityList, "debian/DSA-list"), 5406u);
  EXPECT_EQ(report_.skipped, 0u) << (report_.problems.empty() ? "" : report_.problems[0]);
  EXPECT_EQ(records_of(SourceKind::DebianSecurityList, "debian/DLA-list"), 3534u);
  EXPECT_EQ(report_.skipped, 0u) << (report_.problems.empty() ? "" : report_.problems[0]);
}

TEST_F(Evidence, every_osv_record_is_read) {
  struct Feed {
    const char* name;
    std::uint64_t records;
  };
  for (auto [name, records] : {Feed{"PyPI", 7080},
                               {"Go", 4291},
                               {"crates.io", 1206},
                               {"AlmaLinux:8", 3231},
                               {"AlmaLinux:9", 1746},
                               {"AlmaLinux:10", 660},
                               {"Bitnami", 7444},
                               {"Julia", 1703},
                               {"CRAN", 14},
                               {"PSF", 132}}) {
    EXPECT_EQ(records_of(SourceKind::Osv, format("osv/{}/all.zip", name)), records) << name;
    EXPECT_EQ(report_.skipped, 0u) << name << ": " << (report_.problems.empty() ? "" : report_.problems[0]);
  }
}

TEST_F(Evidence, the_catalogue_of_known_exploited_is_read) {
  EXPECT_EQ(records_of(SourceKind::KnownExploited, "kev/known_exploited_vulnerabilities.json"), 1404u);
  EXPECT_EQ(report_.info.newest.to_date(), "2025-08-25");
}

TEST_F(Evidence, every_feed_is_recognised) {
  auto inputs = recognise(shared_data() + "/feeds");
  ASSERT_TRUE(inputs.ok());
  std::map<SourceKind, int> kinds;
  for (const auto& input : *inputs) ++kinds[input.kind];
  EXPECT_EQ(kinds[SourceKind::Osv], 10);
  EXPECT_EQ(kinds[SourceKind::AlpineSecdb], 4);
  EXPECT_EQ(kinds[SourceKind::DebianSecurityList], 2);
  EXPECT_EQ(kinds[SourceKind::KnownExploited], 1);
  EXPECT_EQ(inputs->size(), 17u);
}

// The packages of the Alpine 3.10 image beside the feeds, as its lib/apk/db/installed lists them.
std::vector<vuln::Package> image_packages() {
  std::vector<vuln::Package> packages;
  for (auto text : {"musl 1.1.22-r3", "busybox 1.30.1-r3", "alpine-baselayout 3.1.2-r0", "alpine-keys 2.1-r2",
                    "libcrypto1.1=openssl 1.1.1d-r2", "libssl1.1=openssl 1.1.1d-r2",
                    "ca-certificates-cacert=ca-certificates 20190108-r0", "libtls-standalone 2.9.1-r0",
                    "ssl_client=busybox 1.30.1-r3", "zlib 1.2.11-r1", "apk-tools 2.10.4-r2",
                    "scanelf=pax-utils 1.2.3-r0", "musl-utils=musl 1.1.22-r3", "libc-utils=libc-dev 0.7.1-r0"})
    packages.push_back(apk(text));
  return packages;
}

// By hand, from v3.10-main.yaml: of these origins it knows musl (newest fix 1.1.22-r3), busybox (1.30.1-r2) and openssl
// (1.1.1d-r0). The image has 1.1.22-r3, 1.30.1-r3 and 1.1.1d-r2, so nothing in it is below a fix.
TEST_F(Evidence, the_alpine_3_10_image_is_up_to_date_with_its_secdb_as_a_reading_by_hand_says) {
  real(SourceKind::AlpineSecdb, "alpine-secdb/v3.10-main.yaml");
  auto found = match(*database(), distribution("alpine", "3.10.4"), image_packages());
  EXPECT_TRUE(found.is_covered);
  EXPECT_THAT(found.unjudged, testing::IsEmpty());
  EXPECT_THAT(lines_of(found), testing::IsEmpty());
}

// The same image with each of the three one step behind: exactly the ids that stand under the fixing versions.
TEST_F(Evidence, the_alpine_3_10_image_one_step_behind_has_the_findings_that_a_reading_by_hand_gives) {
  real(SourceKind::AlpineSecdb, "alpine-secdb/v3.10-main.yaml");
  real(SourceKind::AlpineSecdb, "alpine-secdb/v3.10-community.yaml");
  auto packages = image_packages();
  for (auto& package : packages) {
    if (package.source_name == "musl") package.version = package.source_version = "1.1.22-r2";
    if (package.source_name == "busybox") package.version = package.source_version = "1.30.1-r1";
    if (package.source_name == "openssl") package.version = package.source_version = "1.1.1c-r0";
  }
  auto found = match(*database(), distribution("alpine", "3.10.4"), packages);
  EXPECT_THAT(
      lines_of(found),
      ElementsAre(
          "CVE-2019-14697 musl unknown fixed->1.1.22-r3", "CVE-2019-14697 musl-utils unknown fixed->1.1.22-r3",
          "CVE-2019-1547 libcrypto1.1 unknown fixed->1.1.1d-r0", "CVE-2019-1547 libssl1.1 unknown fixed->1.1.1d-r0",
          "CVE-2019-1549 libcrypto1.1 unknown fixed->1.1.1d-r0", "CVE-2019-1549 libssl1.1 unknown fixed->1.1.1d-r0",
          "CVE-2019-1563 libcrypto1.1 unknown fixed->1.1.1d-r0", "CVE-2019-1563 libssl1.1 unknown fixed->1.1.1d-r0",
          "CVE-2019-5747 busybox unknown fixed->1.30.1-r2", "CVE-2019-5747 ssl_client unknown fixed->1.30.1-r2"));
}

// Debian 11 as first released, against the lists of announcements to April 2023. By hand, from DSA-list and DLA-list:
// DSA-4963-1 (openssl 1.1.1k-1+deb11u1), DSA-5103-1 (deb11u2), DSA-5139-1 (1.1.1n-0+deb11u2), DSA-5169-1 (deb11u3) and
// DSA-5343-1 (deb11u4) for openssl; DSA-5218-1 for zlib among them.
TEST_F(Evidence, a_debian_11_without_its_security_suite_has_the_findings_of_the_announcements) {
  real(SourceKind::DebianSecurityList, "debian/DSA-list").real(SourceKind::DebianSecurityList, "debian/DLA-list");
  auto found = match(*database(), distribution("debian", "11"),
                     {deb("libssl1.1=openssl 1.1.1k-1"), deb("zlib1g=zlib 1:1.2.11.dfsg-2"), deb("gzip 1.10-4"),
                      deb("bash 5.1-2+deb11u1")});
  auto lines = lines_of(found);
  for (auto line : {"CVE-2021-3711 libssl1.1 unknown fixed->1.1.1k-1+deb11u1",
                    "CVE-2022-0778 libssl1.1 unknown fixed->1.1.1k-1+deb11u2",
                    "CVE-2022-1292 libssl1.1 unknown fixed->1.1.1n-0+deb11u2",
                    "CVE-2022-2068 libssl1.1 unknown fixed->1.1.1n-0+deb11u3",
                    "CVE-2023-0286 libssl1.1 unknown fixed->1.1.1n-0+deb11u4",
                    "CVE-2018-25032 zlib1g unknown fixed->1:1.2.11.dfsg-2+deb11u1",
                    "CVE-2022-37434 zlib1g unknown fixed->1:1.2.11.dfsg-2+deb11u2",
                    "CVE-2022-1271 gzip unknown fixed->1.10-4+deb11u1"})
    EXPECT_THAT(lines, Contains(line));
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(), [](const auto& line) { return contains(line, " bash "); }), 0);
}

}  // namespace
}  // namespace pratique::advisory
