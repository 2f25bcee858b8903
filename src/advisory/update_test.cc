// Fetching, against the real HTTP server on loopback.
#include <gmock/gmock.h>

#include <map>
#include <mutex>

#include "advisory/fetch.h"
#include "advisory/test_feeds.h"
#include "base/guarded.h"

namespace pratique::advisory {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string secdb(std::string_view branch, std::string_view version) {
  return format(R"({{"distroversion":"{}","packages":[{{"pkg":{{"name":"a",)"
                R"("secfixes":{{"{}":["CVE-2019-0001"]}}}}}}]}})",
                branch, version);
}

// A publisher: files with validators, and a way to break off.
class Publisher {
 public:
  struct File {
    std::string content;
    std::string etag;
    std::string last_modified;
    int status = 200;
    std::size_t break_after = std::string::npos;  // the connection is cut after so many bytes, once
  };

  Publisher() {
    server_ = *http::Server::start({}, [this](http::Request& request) { return answer(request); });
  }
  std::string url() const { return format("http://127.0.0.1:{}", server_->port()); }
  void put(const std::string& name, File file) { (*files_.lock())[name] = std::move(file); }
  // "GET secdb bytes=3-" for each request so far.
  std::vector<std::string> requests() { return std::exchange(*log_.lock(), {}); }
  void stop() { server_->stop(std::chrono::milliseconds(0)); }

 private:
  http::Response answer(http::Request& request) {
    std::string name = request.path.substr(1);
    std::string range = request.headers.find("Range").value_or("");
    log_.lock()->push_back(range.empty() ? format("{} {}", request.method, name)
                                         : format("{} {} {}", request.method, name, range));
    auto files = files_.lock();
    auto found = files->find(name);
    if (found == files->end()) return http::Response::text(404, "none");
    File& file = found->second;
    if (file.status != 200) return http::Response::text(file.status, "no");
    if (!file.etag.empty() && request.headers.find("If-None-Match") == file.etag) return http::Response{.status = 304};
    http::Response response;
    std::string body = file.content;
    bool may_continue = !range.empty() && request.headers.find("If-Range") == file.etag;
    if (may_continue) {
      auto first = *parse_decimal(cut(range.substr(6), "-")->first);
      response.status = 206;
      response.headers.set("Content-Range", format("bytes {}-{}/{}", first, body.size() - 1, body.size()));
      body = body.substr(first);
    }
    if (!file.etag.empty()) response.headers.set("ETag", file.etag);
    if (!file.last_modified.empty()) response.headers.set("Last-Modified", file.last_modified);
    if (request.method == "HEAD") {
      response.content_length = body.size();
    } else if (file.break_after != std::string::npos) {
      response.body = broken(body.substr(0, std::exchange(file.break_after, std::string::npos)));
    } else {
      response.body = std::move(body);
    }
    return response;
  }

  static http::StreamBody broken(std::string first) {
    return [first = std::move(first), sent = false]() mutable -> Result<std::string> {
      if (std::exchange(sent, true)) return unavailable("cut");
      return first;
    };
  }

  Guarded<std::map<std::string, File>> files_;
  Guarded<std::vector<std::string>> log_;
  std::unique_ptr<http::Server> server_;
};

class Update : public FeedTest {
 protected:
  Result<UpdateReport> run(std::vector<std::string> names) {
    UpdateOptions options{.cache_directory = path("cache"), .output = path("db")};
    for (const auto& name : names)
      options.feeds.push_back(
          {.name = name, .kind = SourceKind::AlpineSecdb, .url = publisher_.url() + "/" + name, .stream = ""});
    return update(options, client_, clock_);
  }
  // The fix of CVE-2019-0001 in the built database.
  std::string fix(const std::string& stream) {
    auto found = *(*Database::open(path("db")))->lookup(stream, "a");
    return found.empty() ? "" : found[0].ranges.at(0).fixed;
  }

  Publisher publisher_;
  http::Client client_;
  ManualClock clock_{kNow};
};

TEST_F(Update, fetches_and_builds) {
  publisher_.put("main", {secdb("v3.19", "1-r0"), "\"e1\"", "Fri, 20 Mar 2026 15:38:00 GMT"});
  auto report = run({"main"});
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->fetched, 1u);
  EXPECT_THAT(report->failed, IsEmpty());
  EXPECT_EQ(fix("alpine:3.19"), "1-r0");
  EXPECT_EQ(report->build.info.sources.back().newest.to_rfc3339(), "2026-03-20T15:38:00Z");
  EXPECT_EQ(report->build.info.sources.front().kind, SourceKind::Starter);
}

TEST_F(Update, asks_only_for_the_head_of_what_did_not_change) {
  publisher_.put("main", {secdb("v3.19", "1-r0"), "\"e1\""});
  ASSERT_TRUE(run({"main"}).ok());
  publisher_.requests();
  auto report = run({"main"});
  EXPECT_EQ(report->unchanged, 1u);
  EXPECT_EQ(report->fetched, 0u);
  EXPECT_THAT(publisher_.requests(), ElementsAre("HEAD main"));
  publisher_.put("main", {secdb("v3.19", "2-r0"), "\"e2\""});
  EXPECT_EQ(run({"main"})->fetched, 1u);
  EXPECT_EQ(fix("alpine:3.19"), "2-r0");
}

TEST_F(Update, knows_an_unchanged_file_by_its_content_where_there_is_no_validator) {
  publisher_.put("main", {secdb("v3.19", "1-r0")});
  ASSERT_TRUE(run({"main"}).ok());
  EXPECT_EQ(run({"main"})->unchanged, 1u);
}

TEST_F(Update, dates_a_feed_without_dates_by_when_the_publisher_last_had_it) {
  publisher_.put("main", {secdb("v3.19", "1-r0"), "\"e1\""});
  EXPECT_EQ(run({"main"})->build.info.sources.back().newest, kNow);
  clock_.advance(hours(5));
  EXPECT_EQ(run({"main"})->build.info.sources.back().newest, kNow + hours(5));
  publisher_.stop();
  clock_.advance(hours(5));
  EXPECT_EQ(run({"main"})->build.info.sources.back().newest, kNow + hours(5));
}

TEST_F(Update, continues_an_interrupted_transfer) {
  std::string content = secdb("v3.19", "1-r0");
  publisher_.put("main", {.content = content, .etag = "\"e1\"", .break_after = 30});
  EXPECT_EQ(run({"main"}).error().kind(), ErrorKind::Unavailable);
  publisher_.requests();
  auto report = run({"main"});
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->fetched, 1u);
  EXPECT_THAT(publisher_.requests(), ElementsAre("HEAD main", "GET main bytes=30-"));
  EXPECT_EQ(*os::read_file(path("cache/main"), 10'000), content);
  EXPECT_FALSE(os::exists(path("cache/main.part")));
}

TEST_F(Update, begins_again_when_the_file_changed_after_an_interruption) {
  publisher_.put("main", {.content = secdb("v3.19", "1-r0"), .etag = "\"e1\"", .break_after = 30});
  EXPECT_FALSE(run({"main"}).ok());
  publisher_.put("main", {secdb("v3.19", "22-r0"), "\"e2\""});
  publisher_.requests();
  ASSERT_TRUE(run({"main"}).ok());
  EXPECT_THAT(publisher_.requests(), ElementsAre("HEAD main", "GET main"));
  EXPECT_EQ(fix("alpine:3.19"), "22-r0");
}

TEST_F(Update, keeps_the_last_good_copy_of_a_failing_feed_and_says_so) {
  publisher_.put("main", {secdb("v3.19", "1-r0"), "\"e1\""});
  ASSERT_TRUE(run({"main"}).ok());
  struct Failure {
    Publisher::File file;
    const char* says;
  };
  const Failure failures[] = {
      {{.content = "", .status = 503}, "main: the server answered 503"},
      {{.content = "", .status = 404}, "main: the server answered 404"},
      {{.content = R"({"not":"a secdb"})", .etag = "\"e3\""}, "does not name its branch"},
      {{.content = R"({"distroversion":"v3.19","packages":[]})", .etag = "\"e4\""}, "no record"},
  };
  for (const auto& [file, says] : failures) {
    publisher_.put("main", file);
    auto report = run({"main"});
    ASSERT_TRUE(report.ok()) << says;
    ASSERT_EQ(report->failed.size(), 1u) << says;
    EXPECT_THAT(report->failed[0], HasSubstr(says));
    EXPECT_EQ(fix("alpine:3.19"), "1-r0");
  }
}

TEST_F(Update, builds_from_what_there_is) {
  publisher_.put("good", {secdb("v3.19", "1-r0"), "\"e1\""});
  auto report = run({"bad", "good", "../escape"});
  ASSERT_TRUE(report.ok());
  EXPECT_THAT(report->failed, ElementsAre(HasSubstr("../escape: a feed's name"), "bad: the server answered 404"));
  EXPECT_EQ(fix("alpine:3.19"), "1-r0");
}

TEST_F(Update, is_unavailable_when_nothing_can_be_had) {
  EXPECT_EQ(run({"none"}).error().kind(), ErrorKind::Unavailable);
  EXPECT_FALSE(os::exists(path("db")));
  publisher_.stop();
  auto report = run({"a", "b", "c", "d", "e", "f"});
  EXPECT_EQ(report.error().kind(), ErrorKind::Unavailable);
}

TEST_F(Update, works_on_without_a_network_from_the_cache) {
  publisher_.put("main", {secdb("v3.19", "1-r0"), "\"e1\""});
  ASSERT_TRUE(run({"main"}).ok());
  publisher_.stop();
  auto report = run({"main"});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->failed.size(), 1u);
  EXPECT_EQ(fix("alpine:3.19"), "1-r0");
}

TEST_F(Update, names_and_leaves_out_a_copy_that_went_bad_on_disk) {
  publisher_.put("a", {secdb("v3.19", "1-r0"), "\"e1\""});
  publisher_.put("b", {secdb("v3.18", "1-r0"), "\"e1\""});
  ASSERT_TRUE(run({"a", "b"}).ok());
  publisher_.stop();
  write("cache/a", "{");
  auto report = run({"a", "b"});
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_THAT(report->failed, testing::Contains(HasSubstr("a: the copy in the cache")));
  EXPECT_EQ(fix("alpine:3.18"), "1-r0");
}

TEST_F(Update, fetches_a_damaged_copy_anew) {
  publisher_.put("main", {secdb("v3.19", "1-r0"), "\"e1\""});
  ASSERT_TRUE(run({"main"}).ok());
  write("cache/main", "{");
  EXPECT_EQ(run({"main"})->fetched, 1u);
  EXPECT_EQ(fix("alpine:3.19"), "1-r0");
}

TEST_F(Update, asks_a_mirror_by_the_feeds_name) {
  publisher_.put("mirror/main", {secdb("v3.19", "1-r0"), "\"e1\""});
  UpdateOptions options{.cache_directory = path("cache"), .output = path("db"), .mirror = publisher_.url() + "/mirror"};
  options.feeds.push_back(
      {.name = "main", .kind = SourceKind::AlpineSecdb, .url = "http://192.0.2.1/none", .stream = ""});
  ASSERT_TRUE(update(options, client_, clock_).ok());
  EXPECT_EQ(fix("alpine:3.19"), "1-r0");
}

TEST_F(Update, shows_its_progress) {
  publisher_.put("main", {secdb("v3.19", "1-r0"), "\"e1\""});
  std::map<std::string, std::uint64_t> seen;
  UpdateOptions options{.cache_directory = path("cache"), .output = path("db")};
  options.feeds.push_back(
      {.name = "main", .kind = SourceKind::AlpineSecdb, .url = publisher_.url() + "/main", .stream = ""});
  options.progress = [&](const Progress& now) { seen[std::string(now.what)] = now.done; };
  ASSERT_TRUE(update(options, client_, clock_).ok());
  EXPECT_EQ(seen["main"], secdb("v3.19", "1-r0").size());
}

TEST(DefaultFeeds, have_distinct_names_and_secure_addresses) {
  std::map<std::string, int> names;
  for (const auto& feed : default_feeds()) {
    EXPECT_EQ(++names[feed.name], 1) << feed.name;
    EXPECT_TRUE(feed.url.starts_with("https://")) << feed.url;
  }
  EXPECT_GE(names.size(), 20u);
}

TEST(HttpDate, is_read_in_its_one_form) {
  EXPECT_EQ(parse_http_date("Fri, 20 Nov 2026 15:38:00 GMT")->to_rfc3339(), "2026-11-20T15:38:00Z");
  for (auto text : {"", "20 Nov 2026", "Fri, 20 Nov 2026 15:38:00 CET", "Fri, 20 Foo 2026 15:38:00 GMT",
                    "Fri, 20 anF 2026 15:38:00 GMT", "Fri, 99 Nov 2026 15:38:00 GMT", "Friday, 20-Nov-26 15:38:00 GMT"})
    EXPECT_FALSE(parse_http_date(text)) << text;
}

}  // namespace
}  // namespace pratique::advisory
