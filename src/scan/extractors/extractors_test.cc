#include "scan/extractors/extractors.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "scan/test_archive.h"

namespace pratique::scan {
namespace {

using namespace testing;

Extract extracted(std::string_view path, std::string_view content) {
  const auto* extractor = extractor_for(path);
  Extract out;
  if (extractor) extractor->extract(path, content, out);
  return out;
}
Extract dpkg(std::string_view content) {
  return extracted("var/lib/dpkg/status", content);
}
Extract apk(std::string_view content) {
  return extracted("lib/apk/db/installed", content);
}

TEST(Extractors, WantTheFilesTheyRead) {
  for (auto path : {"var/lib/dpkg/status", "var/lib/dpkg/status.d/base", "usr/lib/apk/db/installed", "etc/os-release",
                    "etc/debian_version"})
    EXPECT_NE(extractor_for(path), nullptr) << path;
  for (auto path : {"var/lib/xdpkg/status", "var/lib/dpkg/status-old", "var/lib/dpkg/status.d/base.md5sums",
                    "etc/os-release.bak", "status"})
    EXPECT_EQ(extractor_for(path), nullptr) << path;
}

TEST(Dpkg, ReadsAStanza) {
  auto out = dpkg(
      "Package: login\nStatus: install ok installed\nMaintainer: Shadow <s@example.org>\nArchitecture: amd64\n"
      "Source: shadow (1:4.13+dfsg1-1)\nVersion: 1:4.13+dfsg1-1+b1\nDescription: tools\n more\n .\n end\n");
  ASSERT_EQ(out.packages.size(), 1u);
  const auto& package = out.packages[0];
  EXPECT_EQ(package.name + " " + package.version + " " + package.architecture, "login 1:4.13+dfsg1-1+b1 amd64");
  EXPECT_EQ(package.source_name + " " + package.source_version, "shadow 1:4.13+dfsg1-1");
  EXPECT_EQ(package.location, "var/lib/dpkg/status");
  EXPECT_EQ(codes(out.gaps), "");
}
TEST(Dpkg, TakesTheBinaryWhereNoSourceIsNamed) {
  auto package = dpkg(dpkg_status({{"bash", "5.2-1"}})).packages.at(0);
  EXPECT_EQ(package.source_name + " " + package.source_version, "bash 5.2-1");
}
TEST(Dpkg, SkipsWhatIsNoLongerInstalled) {
  EXPECT_EQ(dpkg("Package: aa\nStatus: deinstall ok config-files\nVersion: 1\n").packages.size(), 0u);
  EXPECT_EQ(dpkg("Package: aa\nStatus: purge ok not-installed\nVersion: 1\n").packages.size(), 0u);
}
TEST(Dpkg, KeepsWhatIsWantedGoneAndStillThere) {
  EXPECT_EQ(dpkg("Package: aa\nStatus: deinstall ok installed\nVersion: 1\n").packages.size(), 1u);
  EXPECT_EQ(dpkg("Package: aa\nStatus: install reinstreq half-installed\nVersion: 1\n").packages.size(), 1u);
}

struct BrokenRow {
  const char* name;
  std::string content;
  const char* what;  // where the gap is
  std::size_t packages;
};
class BrokenDpkg : public ::testing::TestWithParam<BrokenRow> {};
TEST_P(BrokenDpkg, IsAGapThatNamesTheLine) {
  auto out = dpkg(dpkg_status({{"good", "1"}}) + GetParam().content);
  ASSERT_FALSE(out.gaps.empty());
  EXPECT_EQ(out.gaps[0].code, "bad-database");
  EXPECT_EQ(out.gaps[0].what, GetParam().what);
  EXPECT_EQ(out.packages.size(), 1 + GetParam().packages);
}
INSTANTIATE_TEST_SUITE_P(
    Rows, BrokenDpkg,
    ::testing::Values(
        BrokenRow{"no_name", "Status: install ok installed\nVersion: 1\n", "var/lib/dpkg/status line 6", 0},
        BrokenRow{"no_version", "Package: aa\nStatus: install ok installed\n", "var/lib/dpkg/status line 6", 0},
        BrokenRow{"bad_version", "Package: aa\nStatus: install ok installed\nVersion: x y\n",
                  "var/lib/dpkg/status line 6", 0},
        BrokenRow{"odd_version", "Package: aa\nStatus: install ok installed\nVersion: 1:\n",
                  "var/lib/dpkg/status line 6", 1},
        BrokenRow{"no_status", "Package: aa\nVersion: 1\n", "var/lib/dpkg/status line 6", 1},
        BrokenRow{"no_colon", "Package: aa\nnonsense\nStatus: install ok installed\nVersion: 1\n",
                  "var/lib/dpkg/status line 7", 1},
        BrokenRow{"twice", "Package: aa\nPackage: bb\nStatus: install ok installed\nVersion: 1\n",
                  "var/lib/dpkg/status line 7", 1},
        BrokenRow{"continuation", " lost\nPackage: aa\nStatus: install ok installed\nVersion: 1\n",
                  "var/lib/dpkg/status line 6", 1},
        BrokenRow{"binary", std::string("\0\x01\x02\n", 4), "var/lib/dpkg/status line 6", 0}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Dpkg, CountsBrokenPlacesItDoesNotList) {
  std::string content;
  for (int i = 0; i < 1000; ++i) content += "nonsense\n\n";
  auto out = dpkg(content);
  EXPECT_EQ(out.gaps.size(), kGapsPerFileMax + 1);
  EXPECT_TRUE(contains(out.gaps.back().reason, "more broken places"));
}
TEST(Dpkg, MakesHostileTextSafe) {
  auto package =
      dpkg("Package: aa\nStatus: install ok installed\nVersion: 1\nMaintainer: \x1b[2J\xff<script>\n").packages.at(0);
  EXPECT_EQ(package.maintainer, "\\x1b[2J\\xff<script>");
}

TEST(Apk, ReadsAStanza) {
  auto out =
      apk("C:Q1x=\nP:ssl_client\nV:1.30.1-r3\nA:x86_64\nL:GPL-2.0\no:busybox\nm:N "
          "<n@example.org>\nF:usr/bin\nR:ssl_client\na:0:0:755\nZ:Q1y=\n\n");
  ASSERT_EQ(out.packages.size(), 1u);
  const auto& package = out.packages[0];
  EXPECT_EQ(package.name + " " + package.version + " " + package.source_name, "ssl_client 1.30.1-r3 busybox");
  EXPECT_EQ(package.licence, "GPL-2.0");
  EXPECT_EQ(codes(out.gaps), "");
}
TEST(Apk, ReportsBrokenStanzasByLine) {
  auto out = apk("P:aa\nV:1-r0\n\nV:1-r0\n\nP:bb\n\nP:cc\nV:not a version\n\nnonsense\n");
  EXPECT_EQ(out.gaps.size(), 5u) << "the line without a field, and its stanza without a name, count both";
  EXPECT_EQ(out.gaps[0].what, "lib/apk/db/installed line 4");
  EXPECT_EQ(out.packages.size(), 1u);
}
TEST(Apk, KeepsAPackageWhoseVersionIsNone) {
  auto out = apk("P:aa\nV:banana\n");
  EXPECT_EQ(codes(out.gaps), "bad-database");
  EXPECT_EQ(out.packages.size(), 1u);
}

TEST(OsRelease, ReportsAFileWithoutId) {
  EXPECT_EQ(codes(extracted("etc/os-release", "NAME=x\n").gaps), "bad-database");
}
TEST(OsRelease, RefusesAFileTooLargeToBeOne) {
  EXPECT_EQ(codes(extracted("etc/os-release", std::string(1 << 20, '\n')).gaps), "bad-database");
}
TEST(OsRelease, RefusesAnEmptyRelease) {
  EXPECT_EQ(codes(extracted("etc/alpine-release", "\n").gaps), "bad-database");
}

}  // namespace
}  // namespace pratique::scan
