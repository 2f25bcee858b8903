#include <gmock/gmock.h>

#include "advisory/sources/source.h"
#include "advisory/test_feeds.h"

namespace pratique::advisory {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Osv : public FeedTest {
 protected:
  std::vector<std::string> of(std::string_view record) {
    feed(SourceKind::Osv, record);
    return advisories();
  }
  // A record with these members besides id and modified, for openssl in Debian 11.
  std::vector<std::string> with(std::string_view id, std::string_view ranges, std::string_view members = "") {
    return of(
        format(R"({{"id":"{}","modified":"2026-01-02T03:04:05Z"{},"affected":[{{"package":{{"ecosystem":"Debian:11",)"
               R"("name":"openssl"}},"ranges":[{}]}}]}})",
               id, members, ranges));
  }
};

constexpr std::string_view kFixed = R"({"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.2"}]})";

TEST_F(Osv, reads_a_range) {
  EXPECT_THAT(with("CVE-2024-0001", kFixed), ElementsAre("debian:11 openssl CVE-2024-0001 fixed <1.2"));
}

TEST_F(Osv, opens_a_range_for_every_introduced) {
  EXPECT_THAT(
      with("CVE-2024-0001", R"({"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1"},{"introduced":"2"},)"
                            R"({"last_affected":"3"},{"introduced":"4"}]})"),
      ElementsAre("debian:11 openssl CVE-2024-0001 fixed <1 >=2<=3 >=4"));
}

TEST_F(Osv, takes_a_fix_without_beginning_as_affecting_all_before) {
  EXPECT_THAT(with("CVE-2024-0001", R"({"type":"ECOSYSTEM","events":[{"fixed":"1"}]})"),
              ElementsAre("debian:11 openssl CVE-2024-0001 fixed <1"));
}

TEST_F(Osv, passes_over_ranges_of_commits) {
  EXPECT_THAT(with("CVE-2024-0001", R"({"type":"GIT","events":[{"introduced":"0"}]})"),
              ElementsAre("debian:11 openssl CVE-2024-0001 affected"));
}

TEST_F(Osv, leads_with_the_cve_among_aliases) {
  EXPECT_THAT(with("GHSA-aaaa-bbbb-cccc", kFixed, R"(,"aliases":["PYSEC-1-1","CVE-2024-0002"])"),
              ElementsAre("debian:11 openssl CVE-2024-0002 fixed <1.2 [GHSA-aaaa-bbbb-cccc PYSEC-1-1]"));
}

TEST_F(Osv, makes_an_advisory_of_each_cve_that_an_announcement_names) {
  EXPECT_THAT(with("DSA-1-1", kFixed, R"(,"upstream":["CVE-2024-0002","CVE-2024-0001"],"related":["CVE-2024-0001"])"),
              ElementsAre("debian:11 openssl CVE-2024-0001 fixed <1.2 [DSA-1-1]",
                          "debian:11 openssl CVE-2024-0002 fixed <1.2 [DSA-1-1]"));
}

TEST_F(Osv, unwraps_a_distributions_name_of_one_cve) {
  EXPECT_THAT(with("DEBIAN-CVE-2024-0001", kFixed, R"(,"upstream":["CVE-2024-0001"])"),
              ElementsAre("debian:11 openssl CVE-2024-0001 fixed <1.2 [DEBIAN-CVE-2024-0001]"));
}

TEST_F(Osv, keeps_the_own_name_of_what_has_no_cve) {
  EXPECT_THAT(with("RSEC-2023-1", kFixed, R"(,"aliases":["GHSA-x"])"),
              ElementsAre("debian:11 openssl RSEC-2023-1 fixed <1.2 [GHSA-x]"));
}

TEST_F(Osv, takes_the_severity_from_cvss_before_words) {
  EXPECT_THAT(
      with("CVE-2024-0001", kFixed,
           R"(,"severity":[{"type":"CVSS_V2","score":"AV:N/AC:L/Au:N/C:P/I:P/A:P"},{"type":"CVSS_V3",)"
           R"("score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"database_specific":{"severity":"LOW"})"),
      ElementsAre("debian:11 openssl CVE-2024-0001 fixed <1.2 critical"));
}

TEST_F(Osv, takes_the_severity_from_words_where_there_is_no_score) {
  EXPECT_THAT(with("CVE-2024-0001", kFixed, R"(,"database_specific":{"severity":"MODERATE"})"),
              ElementsAre("debian:11 openssl CVE-2024-0001 fixed <1.2 medium"));
}

TEST_F(Osv, takes_the_severity_from_a_vendors_title) {
  EXPECT_THAT(
      with("ALSA-2024:1", kFixed, R"(,"summary":"Important: openssl security update","related":["CVE-2024-0001"])"),
      ElementsAre("debian:11 openssl CVE-2024-0001 fixed <1.2 high [ALSA-2024:1]"));
}

TEST_F(Osv, drops_withdrawn_records) {
  EXPECT_THAT(with("CVE-2024-0001", kFixed, R"(,"withdrawn":"2026-01-01T00:00:00Z")"), IsEmpty());
  EXPECT_EQ(report_.info.sources.at(0).records, 1u);
}

TEST_F(Osv, keeps_listed_versions_where_versions_have_no_order_here) {
  EXPECT_THAT(of(R"({"id":"X-1","affected":[{"package":{"ecosystem":"PyPI","name":"a"},"ranges":[{"type":"ECOSYSTEM",)"
                 R"("events":[{"introduced":"0"},{"fixed":"2"}]}],"versions":["1","1.1"]}]})"),
              ElementsAre("pypi a X-1 fixed <2 =1 =1.1"));
}

TEST_F(Osv, takes_githubs_bound_beside_an_open_range) {
  EXPECT_THAT(
      of(R"({"id":"X-1","affected":[{"package":{"ecosystem":"npm","name":"a"},"ranges":[{"type":"SEMVER",)"
         R"("events":[{"introduced":"0"}]}],"database_specific":{"last_known_affected_version_range":"<= 1.4"}}]})"),
      ElementsAre("npm a X-1 affected <=1.4"));
}

TEST_F(Osv, skips_what_is_no_record_and_says_so) {
  EXPECT_THAT(of("{\"id\":"), IsEmpty());
  EXPECT_THAT(of("[]"), IsEmpty());
  EXPECT_THAT(of("{}"), IsEmpty());
  EXPECT_EQ(report_.skipped, 3u);
  EXPECT_EQ(report_.problems.size(), 3u);
}

TEST_F(Osv, skips_an_affected_package_without_name) {
  EXPECT_THAT(of(R"({"id":"X-1","affected":[{"package":{"ecosystem":"Debian:11"}},{"ranges":[]}]})"), IsEmpty());
  EXPECT_EQ(report_.skipped, 1u);
}

TEST_F(Osv, reads_a_directory_of_records) {
  write("osv/a.json",
        R"({"id":"X-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"a"}}]})");
  write("osv/b.json", "junk");
  write("osv/c.txt", "not looked at");
  inputs_.push_back({.kind = SourceKind::Osv, .path = path("osv"), .stream = ""});
  EXPECT_THAT(advisories(), ElementsAre("npm a X-1 affected"));
  EXPECT_EQ(report_.skipped, 1u);
}

TEST_F(Osv, ignores_a_date_in_the_future) {
  of(R"({"id":"X-1","modified":"2099-01-01T00:00:00Z","affected":[]})");
  EXPECT_EQ(report_.info.newest, Time());
  of(R"({"id":"X-2","modified":"2026-03-04T00:00:00Z","affected":[]})");
  EXPECT_EQ(report_.info.newest.to_date(), "2026-03-04");
}

TEST(OsvEcosystem, becomes_the_stream_of_its_distribution) {
  EXPECT_EQ(stream_of_osv_ecosystem("Debian:12"), "debian:12");
  EXPECT_EQ(stream_of_osv_ecosystem("Alpine:v3.19"), "alpine:3.19");
  EXPECT_EQ(stream_of_osv_ecosystem("Ubuntu:22.04:LTS"), "ubuntu:22.04");
  EXPECT_EQ(stream_of_osv_ecosystem("Ubuntu:Pro:18.04:LTS"), "ubuntu:pro:18.04");
  EXPECT_EQ(stream_of_osv_ecosystem("Rocky Linux:9"), "rocky:9");
  EXPECT_EQ(stream_of_osv_ecosystem("AlmaLinux:8"), "almalinux:8");
  EXPECT_EQ(stream_of_osv_ecosystem("PyPI"), "pypi");
  EXPECT_EQ(stream_of_osv_ecosystem("Red Hat:enterprise_linux:9::baseos"), "red-hat:enterprise_linux:9::baseos");
}

}  // namespace
}  // namespace pratique::advisory
