#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "advisory/advisory.h"
#include "advisory/changelogs.h"
#include "advisory/fetch.h"
#include "advisory/sources/source.h"
#include "base/format.h"
#include "base/guarded.h"
#include "base/text.h"
#include "os/file.h"

namespace pratique::advisory {

namespace {

// Enough to hide round trips; more would only burden the publishers.
constexpr std::size_t kTransfersMax = 4;

std::string host_of(std::string_view url) {
  auto scheme_and_rest = cut(url, "://");
  std::string_view rest = scheme_and_rest ? scheme_and_rest->second : url;
  return std::string(rest.substr(0, rest.find('/')));
}

// A name becomes a file in the cache and must stay in it.
bool is_feed_name(std::string_view name) {
  return !name.empty() && name.size() <= 100 && name.front() != '.' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == name.npos;
}

// Reads the file as the feed it should be, keeping nothing.
Status check_feed(const Feed& feed, const std::string& path, Time now) {
  const Source* source = source_of(feed.kind);
  if (source == nullptr) return invalid("the starter set is no feed");
  Collector collector(nullptr, feed.kind, feed.name, now);
  TRY(source->import({.kind = feed.kind, .path = path, .stream = feed.stream}, collector));
  if (collector.info().records == 0) return corrupt("it holds no record of this kind of feed");
  return {};
}

// The state that transfers share.
class Fetcher {
 public:
  Fetcher(const UpdateOptions& options, http::Client& client, Time now)
      : options_(options), client_(client), now_(now) {}

  void run() {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < std::min(kTransfersMax, options_.feeds.size()); ++i) {
      threads.emplace_back([this] {
        for (std::size_t n = next_++; n < options_.feeds.size(); n = next_++) fetch_one(options_.feeds[n]);
      });
    }
  }

  void report(UpdateReport& report) {
    auto state = state_.lock();
    report.fetched = state->fetched;
    report.unchanged = state->unchanged;
    report.failed = state->failed;
    std::sort(report.failed.begin(), report.failed.end());
  }

 private:
  struct State {
    std::size_t fetched = 0;
    std::size_t unchanged = 0;
    std::vector<std::string> failed;
    std::set<std::string> silent_hosts;  // those that gave no answer at all
  };

  void fetch_one(const Feed& feed) {
    auto outcome = attempt(feed);
    auto state = state_.lock();
    if (!outcome.ok()) {
      state->failed.push_back(format("{}: {}", feed.name, outcome.error().message()));
    } else if (*outcome == FetchOutcome::Fetched) {
      ++state->fetched;
    } else {
      ++state->unchanged;
    }
  }

  Result<FetchOutcome> attempt(const Feed& feed) {
    if (!is_feed_name(feed.name)) return invalid("a feed's name is letters, digits and \".-_\"");
    std::string url = options_.mirror.empty() ? feed.url : options_.mirror + "/" + feed.name;
    std::string host = host_of(url);
    // A host that did not answer once is not waited for twenty times.
    if (state_.lock()->silent_hosts.contains(host)) return unavailable(format("{} does not answer", host));
    FetchRequest request{.url = url, .path = options_.cache_directory + "/" + feed.name, .now = now_};
    request.check = [&](const std::string& path) { return check_feed(feed, path, now_); };
    request.progress = [&](std::uint64_t done, std::uint64_t total) {
      report_progress({.what = feed.name, .done = done, .total = total});
    };
    auto outcome = fetch(request, client_);
    if (!outcome.ok() && outcome.error().kind() == ErrorKind::Unavailable) state_.lock()->silent_hosts.insert(host);
    return outcome;
  }

  void report_progress(const Progress& progress) {
    if (!options_.progress) return;
    std::lock_guard lock(progress_mutex_);
    options_.progress(progress);
  }

  const UpdateOptions& options_;
  http::Client& client_;
  Time now_;
  std::atomic<std::size_t> next_ = 0;
  Guarded<State> state_;
  std::mutex progress_mutex_;
};

bool is_cached(const std::string& name, const UpdateOptions& options) {
  return is_feed_name(name) && os::exists(options.cache_directory + "/" + name);
}

// A mirror of feeds has no packages beside them. Whatever fails leaves findings without names, so it is reported and
// holds nothing up.
void update_all_changelogs(const UpdateOptions& options, http::Client& client, Time now, UpdateReport& report) {
  if (options.changelogs.scope == Changelogs::Scope::None || !options.mirror.empty()) return;
  for (const auto& feed : options.feeds) {
    if (feed.kind != SourceKind::DebianSecurityArchive || !is_cached(feed.name, options)) continue;
    ChangelogsRequest request{.archive = feed, .options = options, .now = now, .progress = options.progress};
    Status status = update_changelogs(request, client, report.changelogs);
    if (!status.ok()) report.failed.push_back(format("{}: {}", changelogs_name(feed), status.error().message()));
  }
}

// The feeds of which there is a copy, whether it came now or before, and what was read in an archive's changelogs.
std::vector<Feed> cached_feeds(const UpdateOptions& options) {
  std::vector<Feed> cached;
  for (const auto& feed : options.feeds) {
    if (is_cached(feed.name, options)) cached.push_back(feed);
    Feed changelogs{.name = changelogs_name(feed), .kind = SourceKind::DebianChangelog, .url = "", .stream = ""};
    if (feed.kind == SourceKind::DebianSecurityArchive && is_cached(changelogs.name, options)) {
      cached.push_back(std::move(changelogs));
    }
  }
  return cached;
}

Result<BuildReport> build_from(const std::vector<Feed>& feeds, const UpdateOptions& options, const Clock& clock) {
  BuildOptions build_options{.output = options.output, .progress = options.progress};
  for (const auto& feed : feeds) {
    std::string path = options.cache_directory + "/" + feed.name;
    // Changelogs are as new as the index that names their packages.
    std::string dated = feed.kind == SourceKind::DebianChangelog ? archive_name(path) : path;
    build_options.inputs.push_back(
        {.kind = feed.kind, .path = path, .stream = feed.stream, .as_of = cached_as_of(dated)});
  }
  return build(build_options, clock);
}

// Copies that went bad on disk since they were checked; they are named and left out.
std::vector<std::string> drop_damaged(std::vector<Feed>& feeds, const UpdateOptions& options, Time now) {
  std::vector<std::string> dropped;
  std::erase_if(feeds, [&](const Feed& feed) {
    Status status = check_feed(feed, options.cache_directory + "/" + feed.name, now);
    if (!status.ok()) dropped.push_back(format("{}: the copy in the cache: {}", feed.name, status.error().message()));
    return !status.ok();
  });
  return dropped;
}

}  // namespace

Result<UpdateReport> update(const UpdateOptions& options, http::Client& client, const Clock& clock) {
  TRY(os::make_directories(options.cache_directory));
  UpdateReport report;
  Fetcher fetcher(options, client, clock.now());
  fetcher.run();
  fetcher.report(report);
  update_all_changelogs(options, client, clock.now(), report);
  auto feeds = cached_feeds(options);
  if (feeds.empty()) {
    return unavailable(format("no advisory feed could be had: {}",
                              report.failed.empty() ? "none was asked for" : report.failed.front()));
  }
  auto built = build_from(feeds, options, clock);
  if (!built.ok()) {
    auto dropped = drop_damaged(feeds, options, clock.now());
    if (dropped.empty() || feeds.empty()) return built.error();
    report.failed.insert(report.failed.end(), dropped.begin(), dropped.end());
    built = build_from(feeds, options, clock);
  }
  report.build = TRY(std::move(built));
  return report;
}

}  // namespace pratique::advisory
