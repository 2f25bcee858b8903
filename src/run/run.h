// Isolated jobs: an admitted image under an OCI runtime with no network, no capabilities and three directories.
//
// start() takes an AdmittedImage, so running what the gate has not passed does not compile. Layers are unpacked once
// into a shared read-only store; the container's own file system, its scratch and its network namespace end with it.
// First version: root, crun. Thread rule: one Job, one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "gate/gate.h"
#include "oci/oci.h"

namespace pratique::run {

// Where the image's verified bytes come from: an OCI layout on disk, or a pull in progress.
using BlobOpener = std::function<Result<os::Fd>(const oci::Descriptor&)>;

enum class DataAccess { ReadOnly, ReadWrite };

struct JobSpec {
  std::vector<std::string> args;        // after the image's entrypoint; empty: the image's cmd
  std::optional<std::string> entrypoint;
  std::vector<std::string> env;         // "K=V"
  std::string safe_data;                // host directory → /safe_data; "" : an empty one
  DataAccess data_access = DataAccess::ReadOnly;
  std::string safe_outputs;             // host directory → /safe_outputs; created 0700
  std::uint64_t memory_bytes = 4ull << 30;
  double cores = 1;
  std::uint32_t processes_max = 4'096;
  std::uint64_t scratch_bytes = 8ull << 30;
  std::optional<std::chrono::seconds> time_limit;
  bool read_only_root = false;
};

struct JobResult {
  std::string id;
  int exit_code = 0;
  bool out_of_memory = false;
  bool timed_out = false;
  std::string outputs;               // host directory with the results
  std::chrono::milliseconds unpack{0}, start{0}, total{0};
  std::vector<std::string> notes;    // limits that could not be enforced, and why
};

struct Options {
  std::string directory;  // layers, bundles, scratch
  std::string runtime = "crun";
};

// Runs to the end with our stdin (closed), stdout and stderr. Everything but `outputs` is gone on return, also after an
// error. Denied when the manifest's digest is not the admitted one.
Result<JobResult> start(const gate::AdmittedImage& image, const std::string& manifest_bytes, const BlobOpener& blobs, const JobSpec& spec,
                        const Options& options);
// Removes what a crash left: mounts, scratch directories, cgroups of jobs whose process is gone.
Status sweep(const Options& options);
// What this machine lacks for run(): empty when nothing.
std::vector<std::string> missing_prerequisites(const Options& options);

// The OCI runtime configuration (config.json) for a job; pure, so that tests can read every line of it.
struct BundleInput {
  oci::ImageConfig config;
  JobSpec spec;
  std::string root, safe_data, safe_outputs, scratch, hostname, user_database;
};
Result<std::string> bundle_config(const BundleInput& input);

}  // namespace pratique::run
