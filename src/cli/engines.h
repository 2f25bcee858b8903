// The same job elsewhere: a Slurm batch script and a Kubernetes manifest. The texts are pure.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "cli/arguments.h"
#include "cli/running.h"

namespace pratique::cli {

struct SlurmJob {
  std::string name;
  double cores = 1;
  std::uint64_t memory_bytes = 0;
  std::optional<std::chrono::seconds> time;
  std::string array;               // "0-9%4"; "": one job
  std::string log;                 // with Slurm's %j and %a
  std::vector<std::string> words;  // what the node runs
};
// A batch script in which nothing of the words is seen by the shell but as itself.
std::string slurm_script(const SlurmJob& job);
// In the form the GPU cluster accepts: generated name, queue label, requests and limits, nobody's root.
Json kubernetes_job(const RunRequest& request, const std::string& haven, std::uint64_t gpus);
// "0-9", "1,3,5-7", "0-99%4" and nothing else.
Status check_array(const std::string& text);

// Submits, shows what the job prints, and ends as it ends; Ctrl-C cancels it.
Result<int> run_on_slurm(const Arguments& arguments, const RunRequest& request);

}  // namespace pratique::cli
