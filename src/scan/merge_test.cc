#include <gtest/gtest.h>

#include "scan/test_archive.h"
#include "scan/tree.h"

namespace pratique::scan {
namespace {

using namespace testing;

const std::string kStatus = "var/lib/dpkg/status";

ImageInventory merged(std::initializer_list<Archive> archives) {
  std::vector<LayerInventory> layers;
  for (const auto& archive : archives) layers.push_back(read(archive));
  return merge(layers);
}
// "bash 5.2@0 zlib 1.3@2": name, version, layer.
std::string packages(const ImageInventory& image) {
  std::string text;
  for (const auto& package : image.packages)
    text += format("{}{} {}@{}", text.empty() ? "" : " ", package.name, package.version, package.layer);
  return text;
}
// What is visible, after all layers.
std::string visible(std::initializer_list<Archive> archives, std::string_view directory = "") {
  std::vector<LayerInventory> layers;
  for (const auto& archive : archives) layers.push_back(read(archive));
  ImageTree tree;
  for (const auto& layer : layers) tree.apply(layer);
  return join(tree.children(directory), " ");
}

TEST(Tree, HidesWhatAWhiteoutNames) {
  EXPECT_EQ(visible({Archive().file("a/x", "").file("a/y", ""), Archive().whiteout("a", "x")}, "a"), "y");
}
TEST(Tree, HidesAWholeDirectory) {
  EXPECT_EQ(visible({Archive().file("a/b/c", ""), Archive().file(".wh.a", "")}), "");
}
TEST(Tree, KeepsWhatTheWhiteoutsOwnLayerBrings) {
  EXPECT_EQ(visible({Archive().file("a/x", ""), Archive().file("a/x", "new").whiteout("a", "x")}, "a"), "x");
}
TEST(Tree, HidesOnlyLowerSiblingsOfAnOpaqueMark) {
  EXPECT_EQ(visible({Archive().file("a/x", "").file("ab", ""), Archive().file("a/y", "").opaque("a")}, "a"), "y");
  EXPECT_EQ(visible({Archive().file("a/x", "").file("ab", ""), Archive().opaque("a")}), "a ab");
}
TEST(Tree, ReplacesADirectoryByAFileOrLink) {
  EXPECT_EQ(visible({Archive().file("a/x", ""), Archive().file("a", "now a file")}, "a"), "");
  EXPECT_EQ(visible({Archive().file("a/x", ""), Archive().symlink("a", "b")}, "a"), "");
}
TEST(Tree, ReplacesAFileByADirectory) {
  EXPECT_EQ(visible({Archive().file("a", ""), Archive().directory("a").file("a/x", "")}, "a"), "x");
  EXPECT_EQ(visible({Archive().file("a", ""), Archive().file("a/x", "")}, "a"), "x");
}
TEST(Tree, ReplacesALinkByADirectoryEntry) {
  EXPECT_EQ(visible({Archive().file("real/x", "").symlink("a", "real"), Archive().directory("a")}, "a"), "");
}
TEST(Tree, FollowsALinkedDirectory) {
  EXPECT_EQ(visible({Archive().directory("usr/lib").symlink("lib", "usr/lib"), Archive().file("lib/x", "")}, "usr/lib"),
            "x");
}
TEST(Tree, DoesNotConfuseNamesThatSharePrefixes) {
  EXPECT_EQ(
      visible({Archive().file("a/x", "").file("a-b", "").file("a.b", "").file("a0", ""), Archive().file(".wh.a", "")}),
      "a-b a.b a0");
}
TEST(Tree, SurvivesLoops) {
  auto image = merged({Archive().symlink("a", "b").symlink("b", "a").file("a/x", "").symlink("var", "var")});
  EXPECT_TRUE(contains(codes(image.gaps), "symlink-loop"));
}
TEST(Tree, StopsDotDotAtTheRoot) {
  auto image = merged(
      {Archive().file("etc/real/os-release", kDebian12).symlink("etc/os-release", "../../../../etc/real/os-release")});
  EXPECT_EQ(image.distribution->id, "debian");
}

TEST(Merge, TakesTheTopmostDatabase) {
  auto image = merged({Archive().file(kStatus, dpkg_status({{"bash", "5.1"}, {"zlib", "1.2"}})),
                       Archive().file(kStatus, dpkg_status({{"bash", "5.2"}, {"zlib", "1.2"}}))});
  EXPECT_EQ(packages(image), "bash 5.2@1 zlib 1.2@0");
}
TEST(Merge, CountsAPackageThatWasAwayFromItsReturn) {
  auto with = dpkg_status({{"bash", "5.1"}, {"zlib", "1.2"}}), without = dpkg_status({{"zlib", "1.2"}});
  EXPECT_EQ(packages(merged(
                {Archive().file(kStatus, with), Archive().file(kStatus, without), Archive().file(kStatus, with)})),
            "bash 5.1@2 zlib 1.2@0");
}
TEST(Merge, LosesADatabaseThatWasDeleted) {
  EXPECT_EQ(packages(merged({Archive().file(kStatus, dpkg_status({{"bash", "5.1"}})),
                             Archive().whiteout("var/lib/dpkg", "status")})),
            "");
  EXPECT_EQ(
      packages(merged({Archive().file(kStatus, dpkg_status({{"bash", "5.1"}})), Archive().file("var", "now a file")})),
      "");
}
TEST(Merge, ReadsADatabaseThroughAHardLink) {
  auto image = merged({Archive().file("backup/dpkg/status", dpkg_status({{"bash", "5.1"}})),
                       Archive().hardlink(kStatus, "backup/dpkg/status")});
  EXPECT_EQ(packages(image), "bash 5.1@1");
}
TEST(Merge, KeepsAHardLinkWhoseTargetWasDeletedLater) {
  auto image =
      merged({Archive().file("b/dpkg/status", dpkg_status({{"bash", "5.1"}})).hardlink(kStatus, "b/dpkg/status"),
              Archive().whiteout("b/dpkg", "status")});
  EXPECT_EQ(packages(image), "bash 5.1@0");
}
TEST(Merge, ReportsADatabaseThatIsALinkToAFileNobodyRead) {
  auto image = merged({Archive().file("innocent", dpkg_status({{"bash", "5.1"}})).hardlink(kStatus, "innocent")});
  EXPECT_EQ(codes(image.gaps), "unread-database");
  EXPECT_EQ(codes(merged({Archive().file("x", "").symlink(kStatus, "/x")}).gaps), "unread-database");
  EXPECT_EQ(codes(merged({Archive().header({.name = kStatus, .type = '6'})}).gaps), "unread-database");
}
TEST(Merge, ReadsUsrMergedAlpineOnce) {
  auto database = apk_installed({{"musl", "1.2.5-r0"}});
  auto image =
      merged({Archive().directory("usr/lib").symlink("lib", "usr/lib").file("usr/lib/apk/db/installed", database)});
  EXPECT_EQ(packages(image), "musl 1.2.5-r0@0");
  EXPECT_EQ(codes(image.gaps), "");
}
TEST(Merge, ReportsADatabaseWrittenThroughALowerLink) {
  auto image = merged({Archive().symlink("lib", "usr/lib"),
                       Archive().file("lib/apk/db/installed", apk_installed({{"musl", "1.2.5-r0"}}))});
  EXPECT_EQ(packages(image), "musl 1.2.5-r0@1");
  EXPECT_EQ(codes(image.gaps), "ambiguous-path");
}
TEST(Merge, ReportsTwoDatabases) {
  auto apk = apk_installed({{"musl", "1.2.5-r0"}});
  EXPECT_EQ(codes(merged({Archive().file("lib/apk/db/installed", apk).file("usr/lib/apk/db/installed", apk)}).gaps),
            "two-databases");
  EXPECT_EQ(codes(merged({Archive().file("lib/apk/db/installed", apk).file(kStatus, dpkg_status({{"a1", "1"}}))}).gaps),
            "mixed-databases");
}
TEST(Merge, ReadsDistrolessStanzasWithoutTheirChecksums) {
  auto stanza = "Package: libc6\nArchitecture: amd64\nVersion: 2.36-9\n";
  auto image = merged({Archive()
                           .file("var/lib/dpkg/status.d/libc6", stanza)
                           .file("var/lib/dpkg/status.d/libc6.md5sums", "0123  usr/lib/x\n")});
  EXPECT_EQ(packages(image), "libc6 2.36-9@0");
  EXPECT_EQ(codes(image.gaps), "");
}
TEST(Merge, FollowsTheUsualLinkToOsRelease) {
  auto image =
      merged({Archive().file("usr/lib/os-release", kDebian12).symlink("etc/os-release", "../usr/lib/os-release")});
  ASSERT_TRUE(image.distribution);
  EXPECT_EQ(image.distribution->stream(), "debian:12");
}
TEST(Merge, FallsBackToTheOneLineFiles) {
  EXPECT_EQ(merged({Archive().file("etc/alpine-release", "3.10.9\n")}).distribution->stream(), "alpine:3.10");
  EXPECT_EQ(merged({Archive().file("etc/debian_version", "12.5\n")}).distribution->stream(), "debian:12");
  EXPECT_EQ(merged({Archive().file("etc/debian_version", "trixie/sid\n")}).distribution->stream(), "debian:13");
}
TEST(Merge, ReportsDatabasesNobodyReads) {
  for (const auto* path : {"var/lib/rpm/rpmdb.sqlite", "usr/share/rpm/Packages", "usr/share/rpm/Packages.db",
                           "var/lib/opkg/status", "nix/var/nix/db/db.sqlite"})
    EXPECT_EQ(codes(merged({Archive().file(path, "x")}).gaps), "unsupported-database") << path;
}
TEST(Merge, StopsAtNamesThatTakeMoreWorkThanAnyHonestImages) {
  std::string deep;
  for (int i = 0; i < 2'000; ++i) deep += "d/";
  LayerInventory layer{.blob = digest_of("deep")};
  for (int i = 0; i < 2'000; ++i)
    layer.files.push_back({.path = deep + std::to_string(i % 2) + "/" + std::to_string(i)});
  layer.files.push_back({.path = "last"});
  auto image = merge({layer});
  EXPECT_LT(image.files, 1'000u);
  EXPECT_NE(codes(image.gaps).find("limit"), std::string::npos) << codes(image.gaps);
}
TEST(Merge, ForgetsBrokenPlacesOfHiddenDatabases) {
  auto image =
      merged({Archive().file(kStatus, "Package broken\n"), Archive().file(kStatus, dpkg_status({{"bash", "5.1"}}))});
  EXPECT_EQ(codes(image.gaps), "");
}
TEST(Merge, CountsVisibleFilesAndBytes) {
  auto image = merged({Archive().file("a", "12345").file("b", "1"), Archive().file("a", "12").hardlink("c", "a")});
  EXPECT_EQ(image.files, 3u);
  EXPECT_EQ(image.bytes, 5u);
}

}  // namespace
}  // namespace pratique::scan
