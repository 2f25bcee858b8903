// Changelogs: found in a package, read, kept in a list.
#include "advisory/changelog.h"

#include <gmock/gmock.h>

#include "advisory/changelog_list.h"
#include "advisory/test_feeds.h"
#include "advisory/test_packages.h"

namespace pratique::advisory {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// "CVE-2024-0001 <1.2 what it says" for each name.
std::vector<std::string> fixes(std::string_view text, std::string_view version = "1.2", std::string_view name = "a") {
  auto parsed = parse_changelog(text, name, version);
  if (!parsed.ok()) return {parsed.error().message()};
  std::vector<std::string> lines;
  for (const auto& fix : *parsed)
    lines.push_back(fix.cve + " <" + fix.version + (fix.summary.empty() ? "" : " " + fix.summary));
  return lines;
}

TEST(Changelog, names_what_each_entry_fixes) {
  EXPECT_THAT(
      fixes(entry("1.2", "  * CVE-2024-0002: a heap overflow\n") + entry("1.1", "  * Fix a leak, (CVE-2024-0001)")),
      ElementsAre("CVE-2024-0001 <1.1 Fix a leak, (CVE-2024-0001)",
                  "CVE-2024-0002 <1.2 CVE-2024-0002: a heap overflow"));
}

TEST(Changelog, joins_the_lines_of_an_item_and_keeps_items_apart) {
  EXPECT_THAT(fixes(entry("1.2",
                          "  * Fix two flaws:\n    - a stray pointer\n      (CVE-2024-0001)\n    - a loop\n"
                          "\n  [ Ann ]\n  * Unrelated words\n  + An overflow, CVE-2024-0002")),
              ElementsAre("CVE-2024-0001 <1.2 a stray pointer (CVE-2024-0001)",
                          "CVE-2024-0002 <1.2 An overflow, CVE-2024-0002"));
}

TEST(Changelog, leaves_out_a_summary_that_tells_nothing) {
  EXPECT_THAT(fixes(entry("1.2", "  * Fixes: CVE-2024-0001, CVE-2024-0002")),
              ElementsAre("CVE-2024-0001 <1.2", "CVE-2024-0002 <1.2"));
}

TEST(Changelog, takes_the_first_fix_of_a_cve_that_is_mentioned_again) {
  EXPECT_THAT(fixes(entry("1.2", "  * CVE-2024-0001: repair the regression") +
                    entry("1.1", "  * CVE-2024-0001: a fix at first")),
              ElementsAre("CVE-2024-0001 <1.1 CVE-2024-0001: a fix at first"));
}

TEST(Changelog, holds_a_rebuild_for_fixed_although_it_sorts_below_what_it_is_built_from) {
  EXPECT_THAT(fixes(entry("25-1~deb12u1", "  * Rebuild") + entry("25-1", "  * CVE-2024-0001") +
                        entry("24-9", "  * CVE-2024-0002"),
                    "25-1~deb12u1"),
              ElementsAre("CVE-2024-0001 <25-1~deb12u1", "CVE-2024-0002 <24-9"));
}

TEST(Changelog, passes_over_entries_from_under_another_name) {
  EXPECT_THAT(
      fixes(entry("1.2", "  * Rename") + entry("9", "  * CVE-2024-0001", "b") + entry("1.0", "  * CVE-2024-0002")),
      ElementsAre("CVE-2024-0002 <1.0"));
}

TEST(Changelog, ignores_what_stands_outside_of_entries) {
  EXPECT_THAT(fixes("CVE-2024-0003 before\n" + entry("1.2", "  * CVE-2024-0001") +
                    "  CVE-2024-0004 after\nOld log:\n"
                    "  CVE-2024-0005\n"),
              ElementsAre("CVE-2024-0001 <1.2"));
}

TEST(Changelog, takes_only_names_that_are_names) {
  EXPECT_THAT(
      fixes(entry("1.2", "  * CVE-2024-1 CVE-24-0001 CVE-2024-00011 CVE-2024-0002.patch CVE-xxxx-0003 CVE-")),
      ElementsAre("CVE-2024-00011 <1.2 CVE-2024-1 CVE-24-0001 CVE-2024-00011 CVE-2024-0002.patch CVE-xxxx-0003 CVE-",
                  testing::StartsWith("CVE-2024-0002 <1.2")));
}

TEST(Changelog, must_be_of_the_version_that_was_asked_for) {
  EXPECT_THAT(fixes(entry("1.1", "  * x")), ElementsAre("the changelog is of a 1.1"));
  EXPECT_THAT(fixes(entry("1.2", "  * x", "b")), ElementsAre("the changelog is of b 1.2"));
  EXPECT_THAT(fixes(entry("junk!", "  * x")), ElementsAre("the changelog is of a junk!"));
  EXPECT_THAT(fixes("  no entry\n"), ElementsAre("the changelog has no entry"));
  EXPECT_THAT(fixes(""), ElementsAre("the changelog has no entry"));
  EXPECT_THAT(fixes(entry("1.2", "  * nothing to name")), IsEmpty());
}

TEST(ChangelogArchive, is_read_out_of_every_packing) {
  std::string ours = tar({{"debian/", "", '5'}, {"debian/control", "x"}, {"debian/changelog", "text"}});
  std::string native = tar({{"a-1/", "", '5'}, {"a-1/x", std::string(1500, 'x')}, {"a-1/debian/changelog", "text"}});
  std::string diff =
      "--- a-1.orig/x\n+++ a-1/x\n@@ -1 +1 @@\n-a\n+b\n--- a-1.orig/debian/changelog\n"
      "+++ a-1/debian/changelog\n@@ -0,0 +1,2 @@\n+te\n+xt\n--- a-1.orig/y\n+++ a-1/y\n@@ -0,0 +1 @@\n+z\n";
  EXPECT_EQ(*extract_changelog("a_1-1.debian.tar.xz", xz(ours)), "text");
  EXPECT_EQ(*extract_changelog("a_1-1.debian.tar.gz", gzip(ours)), "text");
  EXPECT_EQ(*extract_changelog("a_1.tar.xz", xz(native)), "text");
  EXPECT_EQ(*extract_changelog("a_1.tar.gz", gzip(native)), "text");
  EXPECT_EQ(*extract_changelog("a_1-1.diff.gz", gzip(diff)), "te\nxt\n");
}

TEST(ChangelogArchive, may_begin_its_names_with_a_dot_and_be_empty) {
  EXPECT_EQ(*extract_changelog("a.debian.tar.xz", xz(tar({{"./debian/changelog", ""}}))), "");
}

TEST(ChangelogArchive, refuses_what_it_cannot_read) {
  std::string good = tar({{"debian/changelog", std::string(3000, 'x')}});
  std::string bad_sum = good;
  bad_sum[0] = 'e';
  std::string bad_size = tar({{"debian/changelog", "x"}});
  bad_size[124] = '9';
  std::string endless = tar({{"debian/changelog", ""}});
  set_tar_size(endless, 17u << 20);
  struct Row {
    const char* name;
    std::string packed;
    ErrorKind kind;
    const char* says;
  };
  const Row rows[] = {
      {"a.debian.tar.bz2", "", ErrorKind::Invalid, "neither"},
      {"a.debian.tar.xz", "", ErrorKind::Corrupt, "xz stream is damaged"},
      {"a.debian.tar.xz", "junk", ErrorKind::Corrupt, "xz stream is damaged"},
      {"a.debian.tar.gz", "junk", ErrorKind::Corrupt, "gzip stream is damaged"},
      {"a.debian.tar.xz", xz(bad_sum), ErrorKind::Corrupt, "archive is damaged"},
      {"a.debian.tar.xz", xz(bad_size), ErrorKind::Corrupt, "archive is damaged"},
      {"a.debian.tar.xz", xz(good.substr(0, 2000)), ErrorKind::Corrupt, "ends within"},
      {"a.debian.tar.xz", xz(endless), ErrorKind::Limit, "changelog is larger"},
      {"a.debian.tar.xz", xz(tar({})), ErrorKind::NotFound, "no debian/changelog"},
      {"a.debian.tar.xz", xz(""), ErrorKind::NotFound, "no debian/changelog"},
      {"a.debian.tar.xz", xz(tar({{"x/debian/changelog", "x"}})), ErrorKind::NotFound, "no debian/changelog"},
      {"a.tar.xz", xz(tar({{"debian/changelog", "x"}})), ErrorKind::NotFound, "no debian/changelog"},
      {"a.tar.xz", xz(tar({{"x/y/debian/changelog", "x"}})), ErrorKind::NotFound, "no debian/changelog"},
      {"a.debian.tar.xz", xz(tar({{"debian/changelog", "", '2'}})), ErrorKind::NotFound, "no debian/changelog"},
      {"a.diff.gz", gzip("--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+y\n"), ErrorKind::NotFound, "diff has no"},
      {"a.diff.gz", gzip("--- a/x\n+++ a/debian/changelog\n@@ -1 +1 @@\n+y\n"), ErrorKind::NotFound, "of its own"},
      {"a.diff.gz", "junk", ErrorKind::Corrupt, "gzip"},
      {"a.tar.xz", std::string(kSourcePackageBytesMax + 1, 'x'), ErrorKind::Limit, "package is larger"},
  };
  for (const auto& row : rows) {
    auto text = extract_changelog(row.name, row.packed);
    ASSERT_FALSE(text.ok()) << row.name << row.says;
    EXPECT_EQ(text.error().kind(), row.kind) << row.name << row.says;
    EXPECT_THAT(text.error().message(), HasSubstr(row.says));
  }
}

TEST(ChangelogArchive, stops_a_bomb) {
  std::string zeros = tar({{"debian/x", ""}});
  set_tar_size(zeros, 1u << 30);
  std::string bomb = xz(zeros);
  std::string step = xz(std::string(1u << 20, 'x'));
  for (int i = 0; i < 257; ++i) bomb += step;
  EXPECT_EQ(extract_changelog("a.debian.tar.xz", bomb).error().kind(), ErrorKind::Limit);
}

const std::string kSum(64, 'a');

TEST(ChangelogList, reads_what_it_writes) {
  ListedPackage read{"a", "1.2", kSum, {{"CVE-2024-0001", "1.1", "a flaw"}, {"CVE-2024-0002", "1.2", ""}}, "", {}};
  ListedPackage without{"b", "3:1", kSum, {}, "there is none", kNow};
  std::string text = encode_changelog_list({"debian:12", {read, without}});
  auto list = parse_changelog_list(text, [](auto line, auto) { FAIL() << line; });
  ASSERT_TRUE(list.ok());
  ASSERT_EQ(list->packages.size(), 2u);
  EXPECT_EQ(list->packages[0].fixes, read.fixes);
  EXPECT_EQ(list->packages[1].asked, kNow);
  EXPECT_EQ(encode_changelog_list(*list), text);
}

TEST(ChangelogList, passes_over_lines_of_no_use_and_says_so) {
  std::vector<std::string> skipped;
  std::string text = "pratique-debian-changelogs 1 debian:12\nCVE-2024-0001 1 orphan\npackage a 1\npackage a junk! " +
                     kSum + "\nCVE-2024-0001 1 orphan\nwithout a 1 " + kSum + " x none\nwithout a 1 " + kSum +
                     " 7\npackage a 1 " + kSum + " more\npackage a 1 " + kSum + "\nCVE-1 1\nCVE-2024-0001 junk!\nx\n";
  auto list = parse_changelog_list(text, [&](auto line, auto) { skipped.emplace_back(line); });
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(skipped.size(), 10u);
  EXPECT_EQ(list->packages.back().fixes.size(), 0u);
}

TEST(ChangelogList, refuses_another_file) {
  auto ignore = [](auto, auto) {};
  for (auto text : {"", "junk\n", "pratique-debian-changelogs 2 debian:12\n", "pratique-debian-changelogs 1 debian:12"})
    EXPECT_EQ(parse_changelog_list(text, ignore).error().kind(), ErrorKind::Corrupt) << text;
}

class ChangelogFeed : public FeedTest {
 protected:
  std::vector<std::string> of(std::string_view text) {
    feed(SourceKind::DebianChangelog, text);
    return advisories();
  }
};

TEST_F(ChangelogFeed, becomes_advisories) {
  EXPECT_THAT(of("pratique-debian-changelogs 1 debian:11\npackage a 1.2 " + kSum +
                 "\nCVE-2024-0001 1.2 a flaw\nwithout b 1 " + kSum + " 0 none\n"),
              ElementsAre("debian:11 a CVE-2024-0001 fixed <1.2"));
  EXPECT_EQ(report_.info.sources.at(0).records, 1u);
}

TEST_F(ChangelogFeed, is_recognised_by_its_first_line_and_must_be_of_a_known_release) {
  std::string file = write("x", "pratique-debian-changelogs 1 debian:99\n");
  EXPECT_EQ(recognise(file)->at(0).kind, SourceKind::DebianChangelog);
  feed(SourceKind::DebianChangelog, "pratique-debian-changelogs 1 debian:99\n");
  EXPECT_EQ(try_build().error().kind(), ErrorKind::Invalid);
}

}  // namespace
}  // namespace pratique::advisory
