// Where an importer puts what it reads: advisories, counts and complaints. Private to advisory.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "advisory/advisory.h"
#include "advisory/writer.h"
#include "base/hash.h"

namespace pratique::advisory {

class Collector {
 public:
  // Without a writer the feed is only read through, to see whether it is one.
  Collector(Writer* writer, SourceKind kind, std::string origin, Time now);

  // A record of the feed, with its date if it has one. Dates beyond today are ignored: they would make old data look
  // fresh for ever.
  void record(std::optional<Time> dated = std::nullopt);
  // A record that cannot be used, and why.
  void skip(std::string_view what, std::string_view why);
  // Puts an advisory in order (texts trimmed, ranges without bounds kept) and keeps it; skips one without id, stream or
  // package.
  Status add(vuln::Advisory advisory);
  void mark_exploited(std::string_view id);
  // The bytes of the feed as they lie on disk.
  void hash(std::string_view bytes) { sum_.update(as_bytes(bytes)); }
  void progress(std::uint64_t done, std::uint64_t total) const;

  SourceInfo info() const;
  std::uint64_t skipped() const { return skipped_; }
  std::uint64_t advisories() const { return advisories_; }
  const std::vector<std::string>& problems() const { return problems_; }
  void set_progress(const ProgressCallback* callback) { progress_ = callback; }

 private:
  Writer* writer_;
  SourceInfo info_;
  Time now_;
  Sha256 sum_;
  std::uint64_t skipped_ = 0;
  std::uint64_t advisories_ = 0;
  std::vector<std::string> problems_;
  const ProgressCallback* progress_ = nullptr;
};

// One line, at most 240 bytes: what fits a report.
std::string one_line(std::string_view text);

}  // namespace pratique::advisory
