#include <gmock/gmock.h>

#include "advisory/image.h"
#include "advisory/test_feeds.h"

namespace pratique::advisory {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kSecdb =
    R"({"distroversion":"v3.19","packages":[{"pkg":{"name":"curl","secfixes":{"8.4.0-r0":["CVE-2023-38545"],)"
    R"("0":["CVE-2021-22897"]}}},)"
    R"({"pkg":{"name":"zlib","secfixes":{"1.3-r0":["CVE-2023-45853"]}}}]})";
constexpr std::string_view kList =
    "[01 Apr 2023] DLA-3377-1 systemd - security update\n\t{CVE-2023-26604}\n\t[buster] - systemd 241-7~deb10u9\n";

class DatabaseFile : public FeedTest {
 protected:
  void SetUp() override { feed(SourceKind::AlpineSecdb, kSecdb).feed(SourceKind::DebianSecurityList, kList); }
  std::string bytes() { return *os::read_file(path("db"), 1 << 20); }
  // What opening such bytes and reading all of them gives.
  static Status read_all(std::string_view content, Database::Verify verify) {
    auto image = Image::parse(content, verify);
    if (!image.ok()) return image.error();
    (void)image->lookup("alpine:3.19", "curl");
    return image->for_each([](const vuln::Advisory&) { return Status(); });
  }
};

TEST_F(DatabaseFile, finds_what_was_put_in) {
  auto db = database();
  auto found = *db->lookup("alpine:3.19", "curl");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(line(found[0]), "alpine:3.19 curl CVE-2021-22897 not-affected");
  EXPECT_EQ(line(found[1]), "alpine:3.19 curl CVE-2023-38545 fixed <8.4.0-r0");
  EXPECT_EQ(found[1].source, "alpine-secdb");
  EXPECT_EQ(found[1].url, "https://security.alpinelinux.org/vuln/CVE-2023-38545");
}

TEST_F(DatabaseFile, finds_nothing_where_nothing_is) {
  auto db = database();
  for (auto [stream, package] : {std::pair{"alpine:3.19", "curl2"},
                                 {"alpine:3.19", "cur"},
                                 {"alpine:3.19", ""},
                                 {"alpine:3.1", "curl"},
                                 {"", ""},
                                 {"zzz", "zzz"},
                                 {"debian:10", "curl"}})
    EXPECT_THAT(*db->lookup(stream, package), IsEmpty()) << stream << " " << package;
}

TEST_F(DatabaseFile, says_what_it_covers) {
  auto db = database();
  EXPECT_THAT(db->info().streams, ElementsAre("alpine:3.19", "debian:10"));
  EXPECT_TRUE(db->covers("debian:10"));
  EXPECT_FALSE(db->covers("debian:1"));
  EXPECT_FALSE(db->covers("debian:11"));
}

TEST_F(DatabaseFile, describes_itself) {
  auto db = database();
  const auto& info = db->info();
  EXPECT_EQ(info.built, kNow);
  EXPECT_EQ(info.advisories, 4u);
  EXPECT_EQ(info.newest.to_date(), "2023-04-01");
  ASSERT_EQ(info.sources.size(), 2u);
  EXPECT_EQ(info.sources[0].kind, SourceKind::AlpineSecdb);
  EXPECT_EQ(info.sources[0].records, 3u);
  EXPECT_EQ(info.sources[0].newest, Time());
  EXPECT_EQ(info.sources[1].sha256.size(), 64u);
  EXPECT_EQ(info.digest.size(), 64u);
  EXPECT_EQ(info.digest, report_.info.digest);
}

TEST_F(DatabaseFile, is_the_same_bytes_for_the_same_inputs_but_for_the_build_time) {
  database();
  std::string first = bytes();
  ManualClock later(kNow + hours(3));
  ASSERT_TRUE(build({.inputs = inputs_, .output = path("db"), .with_starter = false}, later).ok());
  std::string second = bytes();
  EXPECT_NE(first, second);
  EXPECT_EQ(first.substr(kHeaderBytes), second.substr(kHeaderBytes));
  database();
  EXPECT_EQ(bytes(), first);
}

TEST_F(DatabaseFile, keeps_one_of_equal_advisories) {
  feed(SourceKind::AlpineSecdb, kSecdb);
  database();
  EXPECT_EQ(report_.info.advisories, 4u);
}

TEST_F(DatabaseFile, stays_readable_while_it_is_replaced) {
  auto db = database();
  inputs_.pop_back();
  database();
  EXPECT_TRUE(db->covers("debian:10"));
  EXPECT_EQ(db->lookup("debian:10", "systemd")->size(), 1u);
}

TEST_F(DatabaseFile, is_corrupt_when_any_byte_is_changed) {
  database();
  std::string good = bytes();
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x41);
    Status status = read_all(bad, Database::Verify::Checksum);
    ASSERT_FALSE(status.ok()) << "byte " << i;
    ASSERT_EQ(status.error().kind(), ErrorKind::Corrupt);
  }
}

TEST_F(DatabaseFile, survives_any_changed_byte_without_the_checksum) {
  database();
  std::string good = bytes();
  for (std::size_t i = kHeaderBytes; i < good.size(); ++i) {
    for (char change : {'\x01', '\x80', '\xff'}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ change);
      Status status = read_all(bad, Database::Verify::HeaderOnly);
      ASSERT_TRUE(status.ok() || status.error().kind() == ErrorKind::Corrupt) << status.error().message();
    }
  }
}

TEST_F(DatabaseFile, is_corrupt_when_cut_off_anywhere) {
  database();
  std::string good = bytes();
  for (std::size_t length = 0; length < good.size(); length += 7)
    ASSERT_EQ(read_all(good.substr(0, length), Database::Verify::HeaderOnly).error().kind(), ErrorKind::Corrupt)
        << length;
  EXPECT_EQ(read_all(good + "x", Database::Verify::HeaderOnly).error().kind(), ErrorKind::Corrupt);
}

TEST_F(DatabaseFile, names_a_format_it_does_not_read) {
  database();
  std::string other = bytes();
  other[8] = 9;
  EXPECT_THAT(read_all(other, Database::Verify::Checksum).error().message(),
              HasSubstr("has format 9, this program reads 1"));
  EXPECT_THAT(read_all(std::string(500, 'x'), Database::Verify::Checksum).error().message(),
              HasSubstr("no advisory database"));
}

TEST_F(DatabaseFile, is_not_found_where_there_is_none) {
  EXPECT_EQ(Database::open(path("none")).error().kind(), ErrorKind::NotFound);
}

TEST_F(DatabaseFile, leaves_the_old_file_when_an_input_is_no_feed) {
  database();
  std::string before = bytes();
  feed(SourceKind::AlpineSecdb, "{");
  auto failed = try_build();
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(failed.error().message(), HasSubstr("reading "));
  EXPECT_EQ(bytes(), before);
}

TEST_F(DatabaseFile, stops_a_walk_with_the_visitors_error) {
  auto db = database();
  int seen = 0;
  Status status = db->for_each([&](const vuln::Advisory&) -> Status {
    ++seen;
    return refused("enough");
  });
  EXPECT_EQ(status.error().message(), "enough");
  EXPECT_EQ(seen, 1);
}

TEST_F(FeedTest, building_from_nothing_is_refused) {
  EXPECT_EQ(try_build().error().kind(), ErrorKind::Invalid);
}

TEST_F(FeedTest, a_missing_input_is_named) {
  inputs_.push_back({.kind = SourceKind::Osv, .path = path("nowhere"), .stream = ""});
  EXPECT_THAT(try_build().error().message(), HasSubstr("nowhere"));
}

TEST_F(FeedTest, texts_of_a_feed_cannot_act_on_a_terminal) {
  feed(SourceKind::Osv, R"({"id":"X-1","summary":"a\u001b[31m\n\n b",)"
                        R"("affected":[{"package":{"ecosystem":"npm","name":"a"}}],)"
                        R"("references":[{"type":"ADVISORY","url":"javascript:alert"}]})");
  feed(SourceKind::Osv, R"({"id":"X\u001b1","affected":[{"package":{"ecosystem":"npm","name":"a"}}]})");
  feed(SourceKind::Osv, R"({"id":"X-2","affected":[{"package":{"ecosystem":"npm","name":"a\u001b"}}]})");
  auto found = *database()->lookup("npm", "a");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].summary, "a\\x1b[31m b");
  EXPECT_EQ(found[0].url, "");
  EXPECT_EQ(report_.skipped, 2u);
}

}  // namespace
}  // namespace pratique::advisory
