// What a person may ask of a machine that runs images, and what is kept of each run.
//
// The rules of the host (who, which project directory, which limits), the options of other engines sorted into taken
// and refused, and one record a run. Runs nothing itself: that is `run`. Everything but Records and the loaders is
// pure. Thread rule: a Records belongs to one thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "os/fd.h"

namespace pratique::jobs {

// -- who asks ---------------------------------------------------------------------------------------------------------

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name, home;
  std::vector<std::string> groups;  // names
  std::vector<gid_t> group_ids;
  bool through_sudo = false;  // this process is root for somebody else
};
// Who started this program. Under sudo that is the person who typed it, never root.
Result<User> current_user();

// While it lives, this thread opens and makes files as that user: what a user names must not be opened with our
// rights. Nothing for a process that is that user anyway.
class ActingAs {
 public:
  static Result<ActingAs> begin(const User& user);
  ~ActingAs();
  ActingAs(ActingAs&& other) noexcept;
  ActingAs& operator=(ActingAs&&) = delete;

 private:
  explicit ActingAs(bool active) : active_(active) {}
  bool active_;
  std::vector<gid_t> groups_before_;
};

// A new, empty directory 0700 of the user's. Conflict when the name is taken: outputs are never mixed.
Status make_new_directory(const User& user, const std::string& path);

// -- the rules of the host (docs/formats/run-rules.md) ----------------------------------------------------------------

enum class Sealing { Open, ReadOnly };
enum class Writing { Refused, Allowed };

struct ProjectRules {
  Writing data = Writing::Refused;
  Sealing outputs_at_exit = Sealing::Open;
};

struct HostRules {
  std::string projects_directory;  // "/safe_data": project P is the directory P in it; "": none on this host
  std::map<std::string, ProjectRules> projects;
  ProjectRules other_projects;
  bool directories_are_fixed = false;              // refuse --data, --data-writable and --outputs
  std::string outputs_directory;                   // "": the user's home
  std::string scratch_directory;                   // a fast disk; "": the state directory
  std::vector<std::string> workflow_directories;   // where the docker front may bind from; "~" is the user's home
  std::optional<std::vector<std::string>> users;   // absent: everybody
  std::optional<std::vector<std::string>> hosts;   // absent: every host this file is on
  std::optional<std::vector<std::string>> groups;  // a user in one of these is enabled, too
  bool keep_images = false;
  bool read_only_root = false;
  std::optional<std::uint64_t> memory_bytes_max, scratch_bytes_max;
  std::optional<double> cores_max;
  std::optional<std::chrono::seconds> time_max;

  const ProjectRules& rules_of(const std::string& project) const;
};
// Invalid with the line for a key nobody knows: a rule that is misspelt must not be a rule that is absent.
Result<HostRules> parse_host_rules(std::string_view yaml);
// /etc/pratique/run.yaml, or what $PRATIQUE_RUN_RULES names for a process that is not root for somebody else. The
// default rules when there is no file.
Result<HostRules> load_host_rules(const User& user);
// Denied with whom to ask.
Status check_enabled(const HostRules& rules, const User& user, const std::string& host);

// Project P is for the members of a group P or ANYTHING-P. NotFound when no directory fits the groups; Denied for a
// `wanted` project of others; Conflict when several fit and none is wanted.
Result<std::string> choose_project(const std::vector<std::string>& directories, const std::vector<std::string>& groups,
                                   const std::string& wanted);

// -- options of other engines -----------------------------------------------------------------------------------------

struct BindRequest {
  std::string source, target;
  bool read_only = false;
};
struct PortRequest {
  std::uint16_t host = 0;  // 0: any free one
  std::uint16_t container = 0;
};

// What option words of docker and podman ask for.
struct EngineOptions {
  std::vector<std::string> env, env_files;
  std::vector<BindRequest> binds;
  std::vector<PortRequest> ports;
  std::optional<std::string> entrypoint, name, user, working_directory, container_id_file;
  std::optional<std::uint64_t> memory_bytes, shared_memory_bytes;
  std::optional<double> cores;
  std::optional<std::uint32_t> processes_max;
  bool interactive = false, read_only_root = false, remove_record = false, gpu = false, detach = false;
  struct Refusal {
    std::string option, reason;
  };
  std::vector<Refusal> refused;
  std::vector<std::string> unneeded;  // accepted and without effect, because it is so anyway
  std::size_t used = 0;               // how many words were options: the image comes next
};
// Reads options up to the first word that is none. Invalid for an option without its value.
Result<EngineOptions> read_engine_options(const std::vector<std::string>& words);
// A file with one option a line, as `ces-run --opt-file` takes it: "#" lines are comments, quotes hold spaces.
Result<EngineOptions> read_option_file(std::string_view text);
// The lines of an arguments file: one line a word unless quoted words share it, as a shell would split them.
// Expansions are not done.
Result<std::vector<std::string>> read_argument_file(std::string_view text);
// NAME=value lines taken literally; a bare NAME takes its value from `lookup` when that knows it, as in other engines.
Result<std::vector<std::string>> read_environment_file(
    std::string_view text, const std::function<std::optional<std::string>(const std::string&)>& lookup);
// "512M", "4G", "4" with a default unit: `unit` bytes. Invalid otherwise.
Result<std::uint64_t> parse_size(std::string_view text, std::uint64_t unit = 1);

// -- records (docs/formats/run-record.md) -----------------------------------------------------------------------------

enum class State { Running, Succeeded, Failed, Stopped, TimedOut, OutOfMemory, NotStarted, Lost };
std::string_view to_string(State state);  // "out-of-memory"
std::optional<State> parse_state(std::string_view text);

struct Record {
  std::string id, name;
  State state = State::Running;
  std::string runner;  // os::owned_name of the process that attends it
  std::string user, host;
  uid_t uid = 0;
  std::string image, digest;   // as asked for; what ran
  std::string approved_until;  // RFC 3339
  std::vector<std::string> command;
  std::string project, data, data_mode;  // "read-only", "read-write", "none"
  std::string outputs;
  std::uint64_t memory_limit = 0;
  double cores_limit = 0;
  Time started;
  std::optional<Time> ended;
  std::optional<int> exit_code;  // absent until it ended by itself or by us: never a made-up 0
  std::uint64_t memory_peak = 0, written_bytes = 0;
  double cpu_seconds = 0;
  std::vector<std::string> notes, lost_files;
  std::vector<std::string> ports;  // "http://127.0.0.1:40123/?token=…" without the token
};
Json to_json(const Record& record);
Result<Record> record_from_json(const Json& json);

class Records {
 public:
  // `reader` sees its own runs; real root sees all.
  Records(std::string directory, const User& reader) : directory_(std::move(directory)), reader_(reader) {}

  Status write(const Record& record);
  Result<std::vector<Record>> list() const;  // newest first; what cannot be read is left out
  // By id, the beginning of one, or the name of the newest run called so. NotFound, Conflict where several fit.
  Result<Record> find(const std::string& text) const;
  Status remove(const Record& record);
  // Runs whose attendant died are Lost from now on.
  Status settle(const Clock& clock);
  // Sends a signal to the attending process. NotFound when it is gone.
  static Status signal(const Record& record, int number);
  std::string log_path(const Record& record, std::string_view stream) const;  // "out", "err"

 private:
  bool may_see(const Record& record) const;
  std::string directory_;
  const User& reader_;
};

}  // namespace pratique::jobs
