// What a gate does for itself while it serves: collects garbage and re-reads what it keeps, on schedule and when asked.
//
// Two threads, each of which does one bounded step of the registry's at a time and then rests for as long as the step
// took, or as the byte rate says, so that upkeep never has more than half of one processor and never holds the
// database's writer for longer than a push does. Not here: what may go and why (registry/collect.cc). Thread-safe;
// destruction stops both within a step.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "registry/registry.h"

namespace pratique::upkeep {

struct Options {
  seconds collect_every{3'600};  // 0: only when asked
  seconds scrub_every{604'800};  // from the end of one walk to the begin of the next; 0: only when asked
  // A terabyte in six hours, and a disk that has most of its time for others. 0: no limit.
  std::uint64_t scrub_bytes_per_second = 50 << 20;
};

// A run that goes on, or the last one.
struct Job {
  bool is_running = false;
  std::optional<Time> started;  // none: there was no run since the start of the program
  std::optional<Time> ended;
  std::string problem;  // why it stopped early
};
struct CollectionJob : Job {
  registry::Collection run;
};
struct ScrubJob : Job {
  registry::Scrub run;
};

// Since the start of the program, for metrics.
struct Totals {
  std::uint64_t collections = 0, blobs_freed = 0, bytes_freed = 0;
  std::uint64_t scrubs = 0, blobs_read = 0, bytes_read = 0, blobs_damaged = 0;
};

class Upkeep {
 public:
  Upkeep(registry::Registry& registry, const Clock& clock, Options options);
  ~Upkeep();

  // Conflict while a run goes on.
  Status start_collection(bool is_dry_run);
  Status start_scrub();
  // How it stands; waits up to `patience` for the end of the run.
  CollectionJob collection(milliseconds patience = milliseconds(0));
  ScrubJob scrub(milliseconds patience = milliseconds(0));

  Totals totals() const;
  const Options& options() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pratique::upkeep
