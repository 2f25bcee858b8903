#include "advisory/starter.h"

#include <gmock/gmock.h>

#include <set>

#include "advisory/test_feeds.h"

namespace pratique::advisory {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<vuln::Advisory> starter_advisories() {
  std::vector<vuln::Advisory> all;
  EXPECT_TRUE(Database::starter()
                  ->for_each([&](const vuln::Advisory& advisory) {
                    all.push_back(advisory);
                    return Status();
                  })
                  .ok());
  return all;
}

TEST(Starter, says_what_it_is_and_how_old) {
  auto starter = Database::starter();
  ASSERT_EQ(starter->info().sources.size(), 1u);
  EXPECT_EQ(starter->info().sources[0].kind, SourceKind::Starter);
  EXPECT_EQ(starter->info().sources[0].origin, format("starter set, {} advisories", starter->info().advisories));
  EXPECT_EQ(starter->info().newest.to_date(), "2026-11-20");
  for (auto stream : {"debian:11", "debian:12", "alpine:3.10", "alpine:3.22"})
    EXPECT_TRUE(starter->covers(stream)) << stream;
  EXPECT_FALSE(starter->covers("ubuntu:24.04"));
}

TEST(Starter, holds_complete_facts_only) {
  std::set<std::string> seen;
  for (const auto& advisory : starter_advisories()) {
    auto scheme = advisory.stream.starts_with("debian") ? vuln::VersionScheme::Dpkg : vuln::VersionScheme::Apk;
    ASSERT_EQ(advisory.ranges.size(), 1u);
    EXPECT_TRUE(vuln::is_version(scheme, advisory.ranges[0].fixed)) << advisory.ranges[0].fixed;
    EXPECT_TRUE(advisory.id.starts_with("CVE-"));
    EXPECT_GE(advisory.severity, vuln::Severity::High);
    EXPECT_FALSE(advisory.summary.empty());
    EXPECT_TRUE(seen.insert(advisory.stream + advisory.package + advisory.id).second) << advisory.id << " twice";
  }
}

// Debian 11 as its main suite stands since the last point release, 11.11.
TEST(Starter, finds_a_frozen_debian_11_critical) {
  auto found = match(*Database::starter(), distribution("debian", "11"),
                     {deb("libssl1.1=openssl 1.1.1w-0+deb11u1"), deb("libc6=glibc 2.31-13+deb11u11"),
                      deb("libgnutls30=gnutls28 3.7.1-5+deb11u5"), deb("perl-base=perl 5.32.1-4+deb11u3"),
                      deb("libkrb5-3=krb5 1.18.3-6+deb11u5"), deb("zlib1g=zlib 1:1.2.11.dfsg-2+deb11u2")});
  auto lines = lines_of(found);
  EXPECT_THAT(lines, Contains("CVE-2024-5535 libssl1.1 critical fixed->1.1.1w-0+deb11u2"));
  EXPECT_THAT(lines, Contains("CVE-2025-4802 libc6 high fixed->2.31-13+deb11u13"));
  EXPECT_THAT(lines, Contains("CVE-2023-31484 perl-base high fixed->5.32.1-4+deb11u4"));
  EXPECT_EQ(lines.size(), 3u);
}

// Debian 12 as main, updates and security stood when the set was written.
TEST(Starter, finds_nothing_in_a_current_debian_12) {
  auto found = match(*Database::starter(), distribution("debian", "12"),
                     {deb("libssl3=openssl 3.0.22-1~deb12u2"), deb("libc6=glibc 2.36-9+deb12u14"),
                      deb("libgnutls30=gnutls28 3.7.9-2+deb12u5"), deb("perl-base=perl 5.36.0-7+deb12u4"),
                      deb("libkrb5-3=krb5 1.20.1-2+deb12u4"), deb("zlib1g=zlib 1:1.2.13.dfsg-1"),
                      deb("libexpat1=expat 2.5.0-1+deb12u5"), deb("libxml2 2.9.14+dfsg-1.3~deb12u6"),
                      deb("rsync 3.5.0+ds1-0+deb12u1"), deb("libglib2.0-0=glib2.0 2.74.6-2+deb12u9")});
  EXPECT_TRUE(found.is_covered);
  EXPECT_THAT(lines_of(found), IsEmpty());
}

TEST(Starter, agrees_with_debians_lists_where_they_speak_of_the_same) {
  if (shared_data().empty()) GTEST_SKIP() << "no real feeds: set PRATIQUE_SHARED";
  auto directory = *os::TemporaryDirectory::create();
  BuildOptions options{.output = directory.path() + "/db", .with_starter = false};
  for (auto list : {"DSA-list", "DLA-list"})
    options.inputs.push_back(
        {.kind = SourceKind::DebianSecurityList, .path = shared_data() + "/feeds/debian/" + list, .stream = ""});
  ManualClock clock(kNow);
  ASSERT_TRUE(build(options, clock).ok());
  auto lists = *Database::open(options.output);
  int compared = 0;
  for (const auto& fact : starter_advisories()) {
    std::set<std::string> listed;
    auto advisories = *lists->lookup(fact.stream, fact.package);
    for (const auto& advisory : advisories)
      if (advisory.id == fact.id && !advisory.ranges.empty()) listed.insert(advisory.ranges[0].fixed);
    if (listed.empty()) continue;
    EXPECT_THAT(listed, Contains(fact.ranges[0].fixed)) << fact.id << " in " << fact.package;
    ++compared;
  }
  EXPECT_GT(compared, 30);
}

}  // namespace
}  // namespace pratique::advisory
