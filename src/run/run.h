// Isolated jobs: an admitted image under an OCI runtime with no network, no capabilities and three directories.
//
// start() takes an AdmittedImage, so running what the gate has not passed does not compile. Layers are unpacked once
// into a shared read-only store; the container's own file system, its scratch and its network namespace end with it.
// Root inside is an ordinary user outside. First version: needs root and crun (or runc). Thread rule: one job, one
// thread.
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
#include "os/fd.h"

namespace pratique::run {

// Where the image's verified bytes come from: an OCI layout on disk, or a pull in progress. Read once, to the end;
// what arrives is checked against the descriptor again.
using BlobOpener = std::function<Result<os::Fd>(const oci::Descriptor&)>;

enum class DataAccess { ReadOnly, ReadWrite };

// A directory or file of the caller that the job sees besides its three directories: for workflow engines.
struct Bind {
  std::string source, target;
  DataAccess access = DataAccess::ReadOnly;
  // Its owner appears as the job's user, as with /safe_outputs. Only for what the caller owns.
  bool map_owner = false;
};

// TCP port `container` of the job's loopback is reached at 127.0.0.1:`host` by processes of user `allowed_uid` only.
struct Port {
  std::uint16_t host = 0;  // 0: a free one, see Attendant::listening
  std::uint16_t container = 0;
  std::uint32_t allowed_uid = 0;
};

// What goes on around a job while it runs. Descriptors are borrowed.
struct Attendant {
  // A signalfd: what arrives is passed on to the job, which then has `grace` to end; a second signal ends it at once.
  int signals = -1;
  // stdout and stderr are copied to <log>.out and <log>.err, each bounded. "": no copies.
  std::string log;
  int out = 1, err = 2;  // where its output is shown, when it is copied; -1: nowhere
  // The host port of each of JobSpec::ports, before the job's program starts.
  std::function<void(const std::vector<std::uint16_t>&)> listening;
};

struct JobSpec {
  std::string id;                         // 12 hex digits, names everything of this job; "": made here
  std::vector<std::string> args;          // after the image's entrypoint; empty: the image's cmd
  std::optional<std::string> entrypoint;  // instead of the image's entrypoint and cmd
  std::vector<std::string> env;           // "K=V"
  std::string safe_data;                  // host directory → /safe_data; "" : an empty one
  DataAccess data_access = DataAccess::ReadOnly;
  // Host directory → /safe_outputs; created 0700 where absent. What the job writes belongs to the directory's owner.
  std::string safe_outputs;
  std::uint64_t memory_bytes = 4ull << 30;
  double cores = 1;
  std::uint32_t processes_max = 4'096;
  std::uint64_t scratch_bytes = 8ull << 30;        // /scratch and every change to the root file system together
  std::optional<std::chrono::seconds> time_limit;  // then TERM, and KILL after `grace`
  std::chrono::seconds grace{10};                  // the engines' habit; programs that save their work count on it
  bool read_only_root = false;
  std::vector<Bind> binds;
  std::vector<Port> ports;
  std::optional<std::string> user;        // instead of the image's; never more than that user inside
  std::string working_directory;          // instead of the image's
  std::uint64_t shared_memory_bytes = 0;  // /dev/shm; 0: half of the memory
  int input = -1;                         // its standard input, borrowed; -1: empty
  Attendant attendant;
};

struct ChangedFile {
  std::string path;  // inside the container
  std::uint64_t bytes = 0;
};

struct JobResult {
  std::string id;
  int exit_code = 0;  // 128 + signal where a signal ended it
  bool out_of_memory = false;
  bool timed_out = false;
  int stopped_by = 0;  // the signal that asked for its end; 0: nobody did
  std::uint64_t memory_peak = 0, shared_memory_peak = 0;
  std::uint64_t written_bytes = 0;  // scratch and changes to the root when it ended, and its outputs
  std::uint64_t output_bytes = 0;   // of these, what is left in /safe_outputs
  double cpu_seconds = 0;
  std::vector<ChangedFile> changed_files;  // outside the kept directories: gone now. At most kChangedFilesMax
  std::string outputs;                     // host directory with the results
  std::chrono::milliseconds unpack{0}, start{0}, total{0};
  std::vector<std::string> notes;  // limits that could not be enforced, and why; what unpacking left out
};

struct Options {
  std::string directory;  // layers and jobs
  std::string runtime = "crun";
  // Ids 0 to 65535 of a job are these on the host: nobody's, so that an escape owns nothing.
  std::uint32_t first_host_id = 100'000;
  std::string scratch_directory;  // a fast disk for scratch; "": `directory`
  bool keep_image = true;         // else layers no other job uses are removed at the end
  // Opens what the caller named with the caller's rights; empty: with ours.
  std::function<Result<os::Fd>(const std::string&, DataAccess)> open_for_caller;
};
inline constexpr std::size_t kChangedFilesMax = 10'000;  // a report nobody reads to the end helps nobody

// Runs to the end with our stdout and stderr; its stdin is empty. Everything but `outputs` is gone on return, also
// after an error. Denied when the manifest's digest is not the admitted one; Corrupt when a blob is not what it is
// named; Invalid for an image that cannot be run here; Unavailable where this machine lacks something.
Result<JobResult> start(const gate::AdmittedImage& image, const std::string& manifest_bytes, const BlobOpener& blobs,
                        const JobSpec& spec, const Options& options);
// Removes what a crash left: scratch, cgroups and processes of jobs whose runner is gone.
Status sweep(const Options& options);
// Takes the write permission from everything in a directory of outputs, and its owner's place where `owner` is another.
Status seal_outputs(const std::string& directory, std::uint32_t owner);
// What this machine lacks for run(), one sentence each: empty when nothing.
std::vector<std::string> missing_prerequisites(const Options& options);

// -- rehearsal: an image nobody has admitted, under the same conditions, with example data, watched
// --------------------

// What its programs tried, as the kernel told us of their system calls. Lists are bounded.
struct Observed {
  struct Try {
    std::string what;     // "pypi.org", "93.184.216.34:443 (tcp)", "/safe_data/in.csv"
    std::string program;  // the first that tried
    std::uint64_t times = 0;
  };
  std::vector<Try> lookups, connections;       // names asked for; addresses tried outside its own loopback
  std::vector<Try> missing_data, data_writes;  // below /safe_data: opened and not there; opened for writing
  std::vector<Try> missing_gpu;                // driver libraries and devices
  std::vector<Try> input_reads;                // reads of standard input
  std::vector<Try> root_needs;                 // low ports, other owners, other users
  std::vector<Try> refused_calls;              // system calls no job may make
  std::vector<Try> listens;                    // "8888": ports bound
};

struct Rehearsal {
  JobResult result;
  Observed observed;
  std::string user;                          // the image's, as configured
  bool is_root = false;                      // who it ran as
  std::optional<int> exit_as_ordinary_user;  // of a second try, where there was one
  std::vector<std::string> env;              // the image's
  std::vector<std::string> command;
};

// Runs it once, watched. `options.first_host_id` and everything else as for start().
Result<Rehearsal> rehearse(const std::string& manifest_bytes, const BlobOpener& blobs, const JobSpec& spec,
                           const Options& options);

enum class Severity { Good, Hint, Warns, Blocks };
std::string_view to_string(Severity severity);  // "blocks"
struct RehearsalFinding {
  Severity severity;
  std::string id;     // "network", "missing-data", …: stable
  std::string title;  // one sentence: what happened
  std::vector<std::string> evidence;
  std::string fix;  // what to do about it; "" where it is good
};
// Pure: the same rehearsal, the same findings, most severe first.
std::vector<RehearsalFinding> judge_rehearsal(const Rehearsal& rehearsal, const JobSpec& spec);

// The OCI runtime configuration (config.json) for a job; pure, so that tests can read every line of it. Invalid when
// image and job together name no program, or the image's user does not exist.
struct BundleInput {
  oci::ImageConfig config;
  JobSpec spec;
  std::string root, safe_data, safe_outputs, scratch;  // prepared host directories
  std::string shared_memory;                           // a file system of its own
  std::vector<std::string> binds;                      // one for each of spec.binds
  std::string watch_socket;                            // rehearsals: where the runtime tells of system calls
  std::string hostname;
  std::string user_database, group_database;  // the image's /etc/passwd and /etc/group
  std::uint32_t first_host_id = 100'000;
  std::uint64_t open_files_max = 16'384;
};
Result<std::string> bundle_config(const BundleInput& input);

}  // namespace pratique::run
