// Packages of a security archive fetched for their changelogs, against the real HTTP server on loopback.
#include "advisory/changelogs.h"

#include <gmock/gmock.h>

#include <map>

#include "advisory/test_feeds.h"
#include "advisory/test_packages.h"
#include "base/guarded.h"
#include "base/hash.h"

namespace pratique::advisory {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::string_view kIndexPath = "/dists/bullseye-security/main/source/Sources.xz";

// An archive on loopback, the database made of it, and what it finds.
class ChangelogUpdate : public FeedTest {
 public:
  ChangelogUpdate() {
    server_ = *http::Server::start({}, [this](http::Request& request) { return answer(request); });
  }

  // A package whose changelog has that item for its newest version.
  ChangelogUpdate& add(std::string_view name, std::string_view version, std::string_view item) {
    std::string changelog = entry(version, format("  * {}", item), name);
    return add_file(name, version, xz(tar({{"debian/changelog", changelog}})),
                    format("{}_{}.debian.tar.xz", name, version));
  }
  ChangelogUpdate& add_file(std::string_view name, std::string_view version, std::string packed, std::string file,
                            std::string directory = "pool/a") {
    stanza(name, version, sha256_hex(packed), packed.size(), file, directory);
    (*files_.lock())[format("/{}/{}", directory, file)] = std::move(packed);
    return *this;
  }
  ChangelogUpdate& stanza(std::string_view name, std::string_view version, std::string_view sum, std::uint64_t bytes,
                          std::string_view file, std::string_view directory = "pool/a") {
    index_ +=
        format("Package: {}\nVersion: {}\nChecksums-Sha256:\n {} 7 {}_1.orig.tar.xz\n {} {} {}\nDirectory: {}\n\n",
               name, version, sha256_hex(""), name, sum, bytes, file, directory);
    (*files_.lock())[std::string(kIndexPath)] = xz(index_);
    return *this;
  }

  void run(Changelogs changelogs = {}, std::string mirror = "") {
    UpdateOptions options{.cache_directory = path("cache"), .output = path("db"), .mirror = std::move(mirror)};
    options.changelogs = std::move(changelogs);
    options.progress = [this](const Progress& progress) {
      progress_.push_back(format("{} {}/{} {}", progress.what, progress.done, progress.total, progress.unit));
      bool is_saved = os::exists(path("cache/archive.changelogs"));
      if (is_saved && saved_at_ == 0) saved_at_ = progress.done;
    };
    options.feeds = {{.name = "archive",
                      .kind = SourceKind::DebianSecurityArchive,
                      .url = format("http://127.0.0.1:{}{}", server_->port(), index_path_),
                      .stream = "debian:11"}};
    auto report = update(options, client_, clock_);
    EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.error().message());
    if (!report.ok()) return;
    changelogs_ = report->changelogs;
    failed_ = report->failed;
  }
  std::vector<std::string> found(std::string_view text) {
    return lines_of(match(**Database::open(path("db")), distribution("debian", "11"), {deb(text)}));
  }
  // "/pool/a/x" for each package asked for so far.
  std::vector<std::string> requests() { return std::exchange(*log_.lock(), {}); }
  // "why: a b" for what was left out.
  std::vector<std::string> left_out() const {
    std::vector<std::string> lines;
    for (const auto& row : changelogs_.left_out) lines.push_back(row.reason + ": " + join(row.packages, " "));
    return lines;
  }

  http::Response answer(http::Request& request) {
    if (request.path != kIndexPath) log_.lock()->push_back(request.path);
    auto files = files_.lock();
    auto file = files->find(request.path);
    if (file == files->end()) return http::Response::text(404, "none");
    if (file->second == "busy") return http::Response::text(503, "busy");
    return http::Response{.status = 200, .headers = {}, .body = file->second, .content_length = {}};
  }

  Guarded<std::map<std::string, std::string>> files_;
  Guarded<std::vector<std::string>> log_;
  std::string index_;
  std::unique_ptr<http::Server> server_;
  http::Client client_;
  ManualClock clock_{kNow};
  ChangelogReport changelogs_;
  std::vector<std::string> failed_;
  std::string_view index_path_ = kIndexPath;
  std::uint64_t saved_at_ = 0;  // the number of packages done when the list was first there
  std::vector<std::string> progress_;
};

TEST_F(ChangelogUpdate, puts_names_in_place_of_the_floor) {
  add("a", "1.2", "CVE-2024-0001: a heap overflow");
  run();
  EXPECT_THAT(failed_, IsEmpty());
  EXPECT_THAT(found("a 1.1"), ElementsAre("CVE-2024-0001 a unknown fixed->1.2"));
  EXPECT_THAT(found("a 1.2"), IsEmpty());
  EXPECT_EQ(changelogs_.packages, 1u);
  EXPECT_EQ(changelogs_.read, 1u);
  EXPECT_EQ(changelogs_.fetched, 1u);
  EXPECT_THAT(progress_, Contains("changelogs of archive 1/1 packages"));
}

TEST_F(ChangelogUpdate, keeps_the_floor_where_the_newest_entry_names_nothing) {
  add("a", "1.2", "Repair a regression");
  run();
  EXPECT_THAT(found("a 1.1"), ElementsAre("DEBIAN-SECURITY-a-1.2 a unknown fixed->1.2"));
}

TEST_F(ChangelogUpdate, fetches_a_package_once) {
  add("a", "1.2", "CVE-2024-0001").add("b", "1", "CVE-2024-0002");
  run();
  EXPECT_THAT(requests(), UnorderedElementsAre("/pool/a/a_1.2.debian.tar.xz", "/pool/a/b_1.debian.tar.xz"));
  index_.clear();
  add("a", "1.2", "CVE-2024-0001").add("b", "2", "CVE-2024-0003");
  run();
  EXPECT_THAT(requests(), ElementsAre("/pool/a/b_2.debian.tar.xz"));
  EXPECT_EQ(changelogs_.read, 2u);
  EXPECT_EQ(changelogs_.fetched, 1u);
  EXPECT_THAT(found("a 1.1"), ElementsAre("CVE-2024-0001 a unknown fixed->1.2"));
  EXPECT_THAT(found("b 1"), ElementsAre("CVE-2024-0003 b unknown fixed->2"));
}

TEST_F(ChangelogUpdate, asks_again_after_a_day_for_what_the_mirror_lacked) {
  add("a", "1.2", "CVE-2024-0001");
  std::string packed = std::exchange((*files_.lock())["/pool/a/a_1.2.debian.tar.xz"], "");
  files_.lock()->erase("/pool/a/a_1.2.debian.tar.xz");
  run();
  EXPECT_THAT(left_out(), ElementsAre("the mirror does not have the package: a"));
  EXPECT_THAT(found("a 1.1"), ElementsAre("DEBIAN-SECURITY-a-1.2 a unknown fixed->1.2"));
  (*files_.lock())["/pool/a/a_1.2.debian.tar.xz"] = packed;
  requests();
  run();
  EXPECT_THAT(requests(), IsEmpty());
  EXPECT_EQ(changelogs_.read, 0u);
  clock_.advance(hours(24));
  run();
  EXPECT_THAT(found("a 1.1"), ElementsAre("CVE-2024-0001 a unknown fixed->1.2"));
}

TEST_F(ChangelogUpdate, believes_only_the_bytes_that_the_index_describes) {
  add("a", "1.2", "CVE-2024-0001").add("b", "1.2", "CVE-2024-0001").add("c", "1.2", "CVE-2024-0001");
  (*files_.lock())["/pool/a/a_1.2.debian.tar.xz"].back() ^= 1;
  (*files_.lock())["/pool/a/b_1.2.debian.tar.xz"] += "x";
  (*files_.lock())["/pool/a/c_1.2.debian.tar.xz"].pop_back();
  run();
  EXPECT_EQ(changelogs_.read, 0u);
  EXPECT_THAT(left_out(), Contains("not the file that the index describes: a c"));
  EXPECT_THAT(found("b 1.1"), ElementsAre("DEBIAN-SECURITY-b-1.2 b unknown fixed->1.2"));
}

TEST_F(ChangelogUpdate, does_not_ask_for_what_it_could_not_use) {
  const std::string sum = sha256_hex("x");
  stanza("big", "1", sum, (8 << 20) + 1, "big_1.debian.tar.xz");
  stanza("up", "1", sum, 1, "up_1.debian.tar.xz", "pool/../../up");
  stanza("root", "1", sum, 1, "root_1.debian.tar.xz", "/pool");
  stanza("query", "1", sum, 1, "query_1.debian.tar.xz?x");
  stanza("sum", "1", "junk", 1, "sum_1.debian.tar.xz");
  stanza("none", "1", sum, 1, "none_1.dsc");
  run();
  EXPECT_THAT(requests(), IsEmpty());
  EXPECT_THAT(left_out(), UnorderedElementsAre("larger than 8.0 MiB: big",
                                               "the index has no usable path or checksum: query root sum up",
                                               "the index names no file that holds the changelog: none"));
}

TEST_F(ChangelogUpdate, remembers_packages_without_a_readable_changelog) {
  add_file("a", "1.2", xz(tar({{"debian/changelog", entry("9", "  * CVE-2024-0001")}})), "a_1.debian.tar.xz");
  add_file("b", "1.2", "junk", "b_1.tar.xz");
  run();
  EXPECT_THAT(left_out(), UnorderedElementsAre("the changelog is of a 9: a", HasSubstr("xz stream is damaged")));
  requests();
  run();
  EXPECT_THAT(requests(), IsEmpty());
  EXPECT_THAT(found("a 1.1"), ElementsAre("DEBIAN-SECURITY-a-1.2 a unknown fixed->1.2"));
}

TEST_F(ChangelogUpdate, tries_again_at_once_where_the_mirror_was_busy) {
  add("a", "1.2", "CVE-2024-0001");
  std::string packed = std::exchange((*files_.lock())["/pool/a/a_1.2.debian.tar.xz"], "busy");
  run();
  EXPECT_THAT(left_out(), ElementsAre("the mirror answered 503: a"));
  (*files_.lock())["/pool/a/a_1.2.debian.tar.xz"] = packed;
  run();
  EXPECT_EQ(changelogs_.read, 1u);
}

TEST_F(ChangelogUpdate, keeps_to_the_packages_it_is_told) {
  add("a", "1.2", "CVE-2024-0001").add("b", "1.2", "CVE-2024-0002");
  run({.scope = Changelogs::Scope::None, .sources = {}});
  EXPECT_THAT(requests(), IsEmpty());
  EXPECT_EQ(changelogs_.packages, 0u);
  run({.scope = Changelogs::Scope::Only, .sources = {"b", "other"}});
  EXPECT_THAT(requests(), ElementsAre("/pool/a/b_1.2.debian.tar.xz"));
  EXPECT_EQ(changelogs_.packages, 1u);
  run({.scope = Changelogs::Scope::Only, .sources = {"a"}});
  EXPECT_THAT(requests(), ElementsAre("/pool/a/a_1.2.debian.tar.xz"));
  EXPECT_THAT(found("b 1.1"), ElementsAre("CVE-2024-0002 b unknown fixed->1.2"));
}

TEST_F(ChangelogUpdate, keeps_what_it_has_read_while_it_goes_on) {
  for (int i = 0; i < 65; ++i) add(format("a{}", i), "1.2", "CVE-2024-0001");
  run();
  EXPECT_EQ(saved_at_, 64u);
}

TEST_F(ChangelogUpdate, needs_an_address_that_tells_where_packages_are) {
  add("a", "1.2", "CVE-2024-0001");
  (*files_.lock())["/Sources"] = xz(index_);
  index_path_ = "/Sources";
  run();
  EXPECT_THAT(left_out(), ElementsAre("the feed's address does not tell where packages are: a"));
}

TEST_F(ChangelogUpdate, names_what_it_knows_without_a_network) {
  add("a", "1.2", "CVE-2024-0001");
  run();
  server_->stop(std::chrono::milliseconds(0));
  run();
  EXPECT_THAT(found("a 1.1"), ElementsAre("CVE-2024-0001 a unknown fixed->1.2"));
}

TEST_F(ChangelogUpdate, gives_a_silent_mirror_up) {
  for (char name = 'a'; name <= 'p'; ++name) add(std::string(1, name), "1.2", "CVE-2024-0001");
  run({.scope = Changelogs::Scope::None, .sources = {}});
  server_->stop(std::chrono::milliseconds(0));
  run();
  EXPECT_THAT(left_out(), Contains(HasSubstr("the mirror does not answer")));
  EXPECT_THAT(found("a 1.1"), ElementsAre("DEBIAN-SECURITY-a-1.2 a unknown fixed->1.2"));
}

TEST_F(ChangelogUpdate, fetches_anew_after_its_list_was_damaged) {
  add("a", "1.2", "CVE-2024-0001");
  run();
  write("cache/archive.changelogs", "junk");
  run();
  EXPECT_EQ(changelogs_.fetched, 1u);
  EXPECT_THAT(found("a 1.1"), ElementsAre("CVE-2024-0001 a unknown fixed->1.2"));
}

TEST_F(ChangelogUpdate, asks_a_mirror_of_feeds_for_no_packages) {
  add("a", "1.2", "CVE-2024-0001");
  (*files_.lock())["/feeds/archive"] = xz(index_);
  run({}, format("http://127.0.0.1:{}/feeds", server_->port()));
  EXPECT_THAT(requests(), testing::Each("/feeds/archive"));
  EXPECT_THAT(found("a 1.1"), ElementsAre("DEBIAN-SECURITY-a-1.2 a unknown fixed->1.2"));
}

}  // namespace
}  // namespace pratique::advisory
