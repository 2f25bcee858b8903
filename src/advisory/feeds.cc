// Where the feeds are published. Every address may be a mirror's: UpdateOptions::mirror, or a list of one's own.
#include "advisory/advisory.h"
#include "advisory/debian_releases.h"
#include "base/format.h"

namespace pratique::advisory {

namespace {

// Branches that Alpine still writes to, or did within the last years.
constexpr int kAlpineFirst = 15;
constexpr int kAlpineLast = 24;

constexpr std::string_view kDebianCodenames[] = {"bullseye", "bookworm", "trixie"};

}  // namespace

std::vector<Feed> default_feeds() {
  std::vector<Feed> feeds;
  for (auto codename : kDebianCodenames) {
    feeds.push_back(
        {format("debian-archive-{}", codename), SourceKind::DebianSecurityArchive,
         format("https://deb.debian.org/debian-security/dists/{}-security/main/source/Sources.xz", codename),
         debian_stream(codename)});
  }
  feeds.push_back(
      {"debian-tracker", SourceKind::DebianTracker, "https://security-tracker.debian.org/tracker/data/json", ""});
  feeds.push_back({"debian-dsa", SourceKind::DebianSecurityList,
                   "https://salsa.debian.org/security-tracker-team/security-tracker/-/raw/master/data/DSA/list", ""});
  feeds.push_back({"debian-dla", SourceKind::DebianSecurityList,
                   "https://salsa.debian.org/security-tracker-team/security-tracker/-/raw/master/data/DLA/list", ""});
  for (std::string_view ecosystem : {"Debian", "Alpine"}) {
    feeds.push_back({format("osv-{}", ecosystem), SourceKind::Osv,
                     format("https://osv-vulnerabilities.storage.googleapis.com/{}/all.zip", ecosystem), ""});
  }
  for (int minor = kAlpineFirst; minor <= kAlpineLast; ++minor) {
    for (std::string_view repository : {"main", "community"}) {
      feeds.push_back({format("alpine-3.{}-{}", minor, repository), SourceKind::AlpineSecdb,
                       format("https://secdb.alpinelinux.org/v3.{}/{}.json", minor, repository),
                       format("alpine:3.{}", minor)});
    }
  }
  feeds.push_back({"known-exploited", SourceKind::KnownExploited,
                   "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json", ""});
  return feeds;
}

}  // namespace pratique::advisory
