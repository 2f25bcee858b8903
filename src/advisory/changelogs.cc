#include "advisory/changelogs.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>
#include <unordered_map>

#include "advisory/changelog_list.h"
#include "advisory/collector.h"
#include "advisory/feed_file.h"
#include "advisory/sources/archive_index.h"
#include "base/format.h"
#include "base/guarded.h"
#include "base/hash.h"
#include "base/text.h"
#include "os/file.h"

namespace pratique::advisory {

namespace {

// Enough to hide round trips; mirrors are run by volunteers.
constexpr std::size_t kTransfersMax = 4;
// An interruption costs at most so many packages fetched anew.
constexpr std::size_t kSaveEvery = 64;
// A mirror may lack a package for a while when it is being synchronised, or for ever.
constexpr Duration kAskAgainAfter = hours(24);
// One transfer may break; a mirror that gives no answer so often is gone.
constexpr std::size_t kSilencesMax = 4;
constexpr std::size_t kPathBytesMax = 500;
constexpr std::string_view kSuffix = ".changelogs";

constexpr std::string_view kNotThere = "the mirror does not have the package";

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

// Names from the index become part of an address and must not lead elsewhere on the host.
bool is_plain_path(std::string_view path) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+~_-/";
  if (path.empty() || path.size() > kPathBytesMax || path.find_first_not_of(kPlain) != path.npos) return false;
  auto segments = split(path, '/');
  return std::none_of(segments.begin(), segments.end(), [](auto s) { return s.empty() || s.front() == '.'; });
}

// The file of a package that holds debian/changelog: Debian's part, or all of it where it is Debian's own.
const ArchiveFile* changelog_file(const ArchivePackage& package) {
  const ArchiveFile* native = nullptr;
  for (const auto& file : package.files) {
    if (contains(file.name, ".debian.tar.") || file.name.ends_with(".diff.gz")) return &file;
    bool is_part = contains(file.name, ".orig.tar.") || contains(file.name, ".orig-") || file.name.ends_with(".asc");
    if (contains(file.name, ".tar.") && !is_part) native = &file;
  }
  return native;
}

struct Wanted {
  const ArchivePackage* package;
  const ArchiveFile* file;
};

class Update {
 public:
  Update(const ChangelogsRequest& request, http::Client& client, ChangelogReport& report)
      : request_(request), client_(client), report_(report) {}

  Status run() {
    base_ = request_.archive.url.substr(0, request_.archive.url.find("/dists/"));
    path_ = request_.options.cache_directory + "/" + changelogs_name(request_.archive);
    Collector collector(nullptr, request_.archive.kind, request_.archive.name, request_.now);
    index_ = TRY(read_feed(request_.options.cache_directory + "/" + request_.archive.name, collector));
    packages_ = read_archive_index(index_, [](auto, auto) {});
    load();
    for (const auto& package : packages_) plan(package);
    fetch_all();
    return finish();
  }

 private:
  struct State {
    std::vector<ListedPackage> listed;
    std::map<std::string, std::vector<std::string>> left_out;
    std::size_t fetched = 0;
    std::size_t unsaved = 0;
    std::size_t done = 0;
    std::size_t silences = 0;
    Status saved;
  };

  void load() {
    auto text = os::read_file(path_, kFeedBytesMax);
    if (!text.ok()) return;
    // A damaged list costs fetching anew, no more.
    auto list = parse_changelog_list(*text, [](auto, auto) {});
    if (!list.ok()) return;
    for (auto& package : list->packages) known_.insert_or_assign(package.sha256, std::move(package));
  }

  bool is_asked_for(std::string_view name) const {
    const auto& only = request_.options.changelogs;
    if (only.scope == Changelogs::Scope::All) return true;
    return std::find(only.sources.begin(), only.sources.end(), name) != only.sources.end();
  }

  // Keeps what is known, and queues or leaves out the rest.
  void plan(const ArchivePackage& package) {
    const ArchiveFile* file = changelog_file(package);
    auto known = file == nullptr ? known_.end() : known_.find(std::string(file->sha256));
    bool is_known = known != known_.end() && known->second.name == package.name &&
                    known->second.version == package.version && !is_worth_asking_again(known->second);
    auto state = state_.lock();
    if (is_known) state->listed.push_back(known->second);
    if (!is_asked_for(package.name)) return;
    ++asked_for_;
    if (is_known) {
      if (!known->second.without.empty()) state->left_out[known->second.without].emplace_back(package.name);
      return;
    }
    std::string obstacle = obstacle_of(package, file);
    if (obstacle.empty()) {
      wanted_.push_back({&package, file});
    } else {
      state->left_out[obstacle].emplace_back(package.name);
    }
  }

  bool is_worth_asking_again(const ListedPackage& listed) const {
    return listed.without == kNotThere && request_.now - listed.asked >= kAskAgainAfter;
  }

  std::string obstacle_of(const ArchivePackage& package, const ArchiveFile* file) const {
    if (file == nullptr) return "the index names no file that holds the changelog";
    if (base_.size() == request_.archive.url.size()) return "the feed's address does not tell where packages are";
    if (!is_plain_path(package.name) || !is_plain_path(package.directory) || !is_plain_path(file->name) ||
        !is_sha256(file->sha256)) {
      return "the index has no usable path or checksum";
    }
    if (file->bytes > kSourcePackageBytesMax) return format("larger than {}", human_bytes(kSourcePackageBytesMax));
    return "";
  }

  void fetch_all() {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < std::min(kTransfersMax, wanted_.size()); ++i) {
      threads.emplace_back([this] {
        for (std::size_t n = next_++; n < wanted_.size(); n = next_++) fetch_one(wanted_[n]);
      });
    }
  }

  void fetch_one(const Wanted& wanted) {
    if (state_.lock()->silences >= kSilencesMax) return leave_out(wanted, unavailable("the mirror does not answer"));
    auto packed = receive(wanted);
    if (!packed.ok()) return leave_out(wanted, packed.error());
    ListedPackage listed = listed_of(wanted);
    auto fixes = read_changelog(wanted, *packed);
    if (fixes.ok()) {
      listed.fixes = std::move(*fixes);
    } else {
      // These very bytes will never say more.
      listed.without = one_line(fixes.error().message());
      listed.asked = request_.now;
    }
    add(wanted, std::move(listed), fixes.ok());
  }

  ListedPackage listed_of(const Wanted& wanted) const {
    ListedPackage listed;
    listed.name = wanted.package->name;
    listed.version = wanted.package->version;
    listed.sha256 = wanted.file->sha256;
    return listed;
  }

  Result<std::string> receive(const Wanted& wanted) {
    std::string packed;
    http::ClientRequest get{.url = format("{}/{}/{}", base_, wanted.package->directory, wanted.file->name)};
    get.sink = [&](Bytes bytes) -> Status {
      if (packed.size() + bytes.size() > wanted.file->bytes) return corrupt("larger than the index says");
      packed.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return {};
    };
    auto answer = TRY(client_.send(get));
    if (answer.status == 404 || answer.status == 410) return not_found(std::string(kNotThere));
    if (answer.status != 200) return conflict(format("the mirror answered {}", answer.status));
    if (packed.size() != wanted.file->bytes || sha256_hex(packed) != wanted.file->sha256) {
      return corrupt("not the file that the index describes");
    }
    return packed;
  }

  static Result<std::vector<NamedFix>> read_changelog(const Wanted& wanted, std::string_view packed) {
    std::string changelog = TRY(extract_changelog(wanted.file->name, packed));
    return parse_changelog(changelog, wanted.package->name, wanted.package->version);
  }

  void leave_out(const Wanted& wanted, const Error& error) {
    if (error.kind() == ErrorKind::NotFound) {
      ListedPackage listed = listed_of(wanted);
      listed.without = kNotThere;
      listed.asked = request_.now;
      return add(wanted, std::move(listed), false);
    }
    auto state = state_.lock();
    if (error.kind() == ErrorKind::Unavailable) ++state->silences;
    state->left_out[one_line(error.message())].emplace_back(wanted.package->name);
    step(*state);
  }

  void add(const Wanted& wanted, ListedPackage listed, bool is_read) {
    auto state = state_.lock();
    if (!is_read) state->left_out[listed.without].emplace_back(wanted.package->name);
    if (is_read) ++state->fetched;
    state->listed.push_back(std::move(listed));
    if (++state->unsaved >= kSaveEvery) save(*state);
    step(*state);
  }

  void step(State& state) {
    ++state.done;
    if (request_.progress) {
      std::string what = "changelogs of " + request_.archive.name;
      request_.progress({what, state.done, wanted_.size(), "packages"});
    }
  }

  void save(State& state) {
    auto& listed = state.listed;
    std::sort(listed.begin(), listed.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    state.saved = os::write_file(path_, encode_changelog_list({request_.archive.stream, listed}));
    state.unsaved = 0;
  }

  Status finish() {
    auto state = state_.lock();
    // Packages that left the index leave the list, too.
    bool is_shorter = state->listed.size() < known_.size();
    if (state->unsaved > 0 || is_shorter) save(*state);
    report_.packages += asked_for_;
    report_.read += asked_for_;
    report_.fetched += state->fetched;
    for (auto& [reason, packages] : state->left_out) {
      report_.read -= packages.size();
      note(reason, packages);
    }
    return state->saved;
  }

  // Archives of several releases lack packages for the same reasons.
  void note(const std::string& reason, const std::vector<std::string>& packages) {
    auto& all = report_.left_out;
    auto row = std::find_if(all.begin(), all.end(), [&](const auto& known) { return known.reason == reason; });
    if (row == all.end()) row = all.insert(all.end(), {reason, {}});
    row->packages.insert(row->packages.end(), packages.begin(), packages.end());
    std::sort(row->packages.begin(), row->packages.end());
  }

  const ChangelogsRequest& request_;
  http::Client& client_;
  ChangelogReport& report_;
  std::string base_;   // what paths in the index count from
  std::string path_;   // of the list
  std::string index_;  // what packages_ points into
  std::vector<ArchivePackage> packages_;
  std::unordered_map<std::string, ListedPackage> known_;
  std::vector<Wanted> wanted_;
  std::size_t asked_for_ = 0;
  std::atomic<std::size_t> next_ = 0;
  Guarded<State> state_;
};

}  // namespace

std::string changelogs_name(const Feed& archive) {
  return format("{}{}", archive.name, kSuffix);
}

std::string archive_name(std::string_view changelogs) {
  if (changelogs.ends_with(kSuffix)) changelogs.remove_suffix(kSuffix.size());
  return std::string(changelogs);
}

Status update_changelogs(const ChangelogsRequest& request, http::Client& client, ChangelogReport& report) {
  return Update(request, client, report).run();
}

}  // namespace pratique::advisory
