// From a request to a run: rules, directories, admission, signals, record. What `run`, `ces run` and `docker run`
// share.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/remote.h"
#include "jobs/jobs.h"
#include "oci/oci.h"
#include "run/run.h"

namespace pratique::cli {

struct RunRequest {
  std::string image;
  run::JobSpec job;  // what it is to do and its limits; the directories are chosen here
  std::string name, project;
  std::optional<std::string> data, outputs;  // where the rules leave it open
  bool data_writable = false;
  bool keep_image = false, dry_run = false, verbose = false, quiet = false;
  bool drops_empty_outputs = false;
  std::string ready_path;                         // of the address to show, with the token: "/lab?token=…"
  std::vector<std::string> notes;                 // for the person and the record
  std::function<void(const std::string&)> named;  // told the run's id before it starts
};

// Who asks, on which host, under which rules.
struct Site {
  jobs::User user;
  jobs::HostRules rules;
  std::string host;
  std::string state_directory;  // ends in /run

  static Result<Site> here();
  jobs::Records records() const { return {state_directory + "/records", user}; }
};

// Adds what an option file or another engine's command line asked for. Refused with every refusal and its reason.
Status apply_engine_options(const jobs::EngineOptions& options, const Site& site, RunRequest& request);
// Runs it and gives its exit code.
Result<int> run_request(Remote& remote, const Site& site, const Clock& clock, RunRequest request);
// The job's own, but never 0 for one that was ended before it was done: then 124 (its time) or 128 + the signal.
int exit_code_of(const run::JobResult& result);
inline constexpr int kTimedOutCode = 124;  // as timeout(1) says it
// A file the caller named, read with the caller's rights.
Result<std::string> read_for(const jobs::User& user, const std::string& path);
Result<std::vector<std::string>> read_environment(const jobs::User& user, const std::vector<std::string>& files);
// "90s", "30m", "6h", "2d", "120".
Result<std::chrono::seconds> parse_time(std::string_view text);
Result<double> parse_cores(std::string_view text);
constexpr std::uint64_t kMemoryUnit = 1ull << 30;  // `-m 4` has always meant gigabytes here

}  // namespace pratique::cli
