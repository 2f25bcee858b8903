// The advisory database: feeds in, one checksummed memory-mapped file out, lookups in microseconds.
//
// build() compiles feed files; update() fetches feeds first; Database answers. What it does not cover it says so: no
// data for a distribution means "not judged", never "clean". Format: docs/formats/advisory-database.md.
// Database is immutable and thread-safe; processes share its pages.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "http/http.h"
#include "vuln/vuln.h"

namespace pratique::advisory {

enum class SourceKind {
  Osv,
  DebianTracker,
  DebianSecurityList,
  AlpineSecdb,
  DebianSecurityArchive,
  DebianChangelog,
  KnownExploited,
  Starter
};
std::string_view to_string(SourceKind kind);  // "osv", "debian-tracker", …

struct SourceInfo {
  SourceKind kind;
  std::string origin;  // file or URL
  std::uint64_t records = 0;
  Time newest;         // date of the newest record it holds
  std::string sha256;  // of the feed as read
};

struct DatabaseInfo {
  Time built;
  Time newest;  // over all sources
  std::uint64_t advisories = 0;
  std::vector<SourceInfo> sources;
  std::vector<std::string> streams;  // what it covers, sorted: "alpine:3.19", "debian:12"
  std::string digest;                // hex sha256 of the content: what a report names
};

class Database {
 public:
  // O(1) in the size of the file, plus one pass over it for the checksum at first open (`verify`). Corrupt when it is
  // damaged or of another format version.
  enum class Verify { Checksum, HeaderOnly };
  static Result<std::unique_ptr<Database>> open(const std::string& path, Verify verify = Verify::Checksum);
  // The facts embedded in the program: enough to judge a Debian 12 or Alpine image on a first run without network.
  static std::unique_ptr<Database> starter();
  ~Database();

  const DatabaseInfo& info() const;
  bool covers(std::string_view stream) const;
  // Every advisory for that package in that stream: O(log packages + advisories found). Corrupt on a damaged record.
  Result<std::vector<vuln::Advisory>> lookup(std::string_view stream, std::string_view package) const;
  // Every advisory, in key order.
  Status for_each(const std::function<Status(const vuln::Advisory&)>& visit) const;

  struct Impl;
  explicit Database(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

// What a set of packages is affected by, one finding a vulnerability and package: aliases merged, the distribution's
// own word preferred, not-affected statements honoured.
struct Matches {
  std::vector<vuln::Finding> findings;  // in ranks_before order
  struct Unjudged {
    vuln::Package package;
    std::string reason;  // "version does not parse", …
  };
  std::vector<Unjudged> unjudged;
  bool is_covered = false;  // the database has data for this distribution
};
Matches match(const Database& database, const vuln::Distribution& distribution,
              const std::vector<vuln::Package>& packages);

// How far something has come; `total` 0 where nobody knows. `unit` is what is counted, such as "packages"; "": bytes.
struct Progress {
  std::string_view what;
  std::uint64_t done = 0, total = 0;
  std::string_view unit = {};
};
using ProgressCallback = std::function<void(const Progress& progress)>;

struct BuildInput {
  SourceKind kind;
  std::string path;    // file or directory; gzip, xz and zip are unpacked whatever the name says
  std::string stream;  // where the feed does not say: "alpine:3.19" for a secdb, "debian:12" for an archive index
  std::optional<Time> as_of;  // for feeds without dates of their own: when the publisher last changed them
};
// The feeds in a file or directory, by name and content: OSV zip or records, secdb, DSA/DLA list, tracker JSON,
// Sources/Packages of a security archive, KEV. NotFound when there is none; unknown files in a directory are passed
// over.
Result<std::vector<BuildInput>> recognise(const std::string& path);

struct BuildReport {
  DatabaseInfo info;
  std::uint64_t skipped = 0;          // records that could not be read
  std::vector<std::string> problems;  // the first hundred, with file and reason
};
// Compiles inputs (with the starter set unless told otherwise) into `output`, atomically.
struct BuildOptions {
  std::vector<BuildInput> inputs;
  std::string output;
  bool with_starter = true;
  ProgressCallback progress;
};
Result<BuildReport> build(const BuildOptions& options, const Clock& clock);

// Where feeds are fetched from; every URL may be a mirror's.
struct Feed {
  std::string name;  // "debian-tracker", "osv-PyPI", "alpine-3.19", "debian-archive-bookworm"
  SourceKind kind;
  std::string url;
  std::string stream;
};
std::vector<Feed> default_feeds();

// Which source packages of the Debian security archives are fetched to read in their changelogs which CVEs they fix.
// None fetches none; what is in the cache counts in any case.
struct Changelogs {
  enum class Scope { All, None, Only };
  Scope scope = Scope::All;
  std::vector<std::string> sources;  // for Only: "openssl"
};

struct UpdateOptions {
  std::string cache_directory;  // feeds as fetched, with validators: conditional and resumable
  std::string output;
  std::vector<Feed> feeds;
  std::string mirror;  // "" : upstream; else a prefix under which feeds lie as <mirror>/<name>, and no packages
  Changelogs changelogs;
  ProgressCallback progress;
};
struct ChangelogReport {
  std::size_t packages = 0;  // asked for
  std::size_t read = 0;      // whose changelog is known; of them ...
  std::size_t fetched = 0;   // ... so many came now
  // The others, by reason. Their findings stay without names; nothing is lost.
  struct LeftOut {
    std::string reason;
    std::vector<std::string> packages;
  };
  std::vector<LeftOut> left_out;
};

struct UpdateReport {
  BuildReport build;
  std::size_t fetched = 0, unchanged = 0;
  std::vector<std::string> failed;  // "debian-tracker: connection refused": the last good copy is used, if any
  ChangelogReport changelogs;
};
// Unavailable when nothing at all could be had; otherwise builds from what there is and says what failed.
Result<UpdateReport> update(const UpdateOptions& options, http::Client& client, const Clock& clock);

}  // namespace pratique::advisory
