#include "run/job.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>

#include "base/format.h"
#include "base/random.h"
#include "base/text.h"
#include "os/file.h"
#include "os/process.h"
#include "run/cgroup.h"
#include "run/extract.h"
#include "run/helper_process.h"
#include "run/job_directory.h"
#include "run/mounts.h"
#include "run/outputs.h"
#include "run/user.h"

namespace pratique::run {

namespace {

using SteadyClock = std::chrono::steady_clock;

// Inside the job thread's own mount namespace everything is mounted below here. The place has to exist everywhere and
// be open to the job's host ids, which the state directory above our layers must not be.
const std::string kStage = "/tmp";
constexpr std::uint64_t kStageBytes = 16 << 20;  // config.json, the runtime's state and its log
constexpr std::uint32_t kHostIds = 65'536;
constexpr std::uint64_t kOpenFilesMax = 16'384;
constexpr std::size_t kDatabaseBytesMax = 4 << 20;  // /etc/passwd and /etc/group of real images are some KiB
constexpr std::size_t kLogBytesMax = 1 << 20;

std::chrono::milliseconds since(SteadyClock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - start);
}

Result<os::Fd> open_directory(const std::string& path) {
  os::Fd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open()) return from_errno("opening " + path, errno);
  return fd;
}

Status make_directory(const std::string& path, unsigned mode, std::uint32_t owner = 0) {
  if (::mkdir(path.c_str(), 0700) != 0) return from_errno("making " + path, errno);
  if (::chown(path.c_str(), owner, owner) != 0 || ::chmod(path.c_str(), mode) != 0) {
    return from_errno("preparing " + path, errno);
  }
  return {};
}

struct Sources {
  std::optional<SharedDirectory> data;
  SharedDirectory outputs;
};

// Runs on a thread of its own, whose mount namespace ends with it.
class IsolatedJob {
 public:
  IsolatedJob(const PreparedImage& image, const JobSpec& spec, const Options& options, const Sources& sources,
              JobDirectory& directory)
      : image_(image), spec_(spec), options_(options), sources_(sources), directory_(directory) {}

  Result<JobResult> run() {
    Status ended = run_on_stage();
    // Also after an error: what was lent is the caller's.
    Status returned = lent_ ? give_back(sources_.outputs, options_.first_host_id) : Status();
    TRY(ended);
    TRY(returned);
    return std::move(result_);
  }

 private:
  Status run_on_stage() {
    auto started = SteadyClock::now();
    TRY(copy_trees());
    TRY(choose_scratch());
    TRY(enter_private_mounts());
    TRY(set_the_stage());
    TRY(stack_layers());
    TRY(attach_directories());
    TRY(write_bundle());
    return run_and_wait(started);
  }

  // Before the namespace changes: a mount can only be copied from the namespace it is in.
  Status copy_trees() {
    for (const auto& layer : image_.layers) {
      layer_trees_.push_back(TRY(clone_tree(TRY(open_directory(layer)), {.read_only = true})));
    }
    bool writable = spec_.data_access == DataAccess::ReadWrite;
    if (sources_.data) data_tree_ = TRY(clone_tree(sources_.data->fd, {.read_only = !writable, .no_execution = true}));
    outputs_tree_ = TRY(clone_tree(sources_.outputs.fd, {.no_execution = true}));
    return map_layers();
  }

  // On disk the files carry the image's ids; through these mounts they carry the job's.
  Status map_layers() {
    if (layer_trees_.empty()) return {};
    IdMap shift{.inside = 0, .outside = options_.first_host_id, .count = kHostIds};
    auto users = TRY(make_user_namespace(shift, shift));
    for (const auto& tree : layer_trees_) {
      auto mapped = map_ids(tree, users);
      if (mapped.ok()) continue;
      result_.notes.push_back(format("the image's files belong to nobody inside: {}", mapped.error().message()));
      return {};
    }
    return {};
  }

  // A file on disk where possible: memory would be charged to the job's own limit.
  Status choose_scratch() {
    auto disk = make_loop_disk(directory_.path(), spec_.scratch_bytes);
    if (disk) {
      disk_ = std::move(*disk);
    } else {
      result_.notes.push_back(format("scratch is in memory and counts as such: {}", disk.error().message()));
    }
    return {};
  }

  Status set_the_stage() {
    TRY(mount_tmpfs(kStage, kStageBytes, 0755));
    for (auto name : {"/layers", "/scratch", "/root", "/data", "/outputs", "/bundle", "/state"}) {
      TRY(make_directory(kStage + name, 0755));
    }
    auto at = kStage + "/scratch";
    if (disk_) {
      TRY(mount_disk(*disk_, at));
      disk_.reset();
    } else {
      TRY(mount_tmpfs(at, spec_.scratch_bytes, 0755));
    }
    // /scratch belongs to no user in particular, like /tmp.
    TRY(make_directory(at + "/free", 01777, options_.first_host_id));
    TRY(make_directory(at + "/changes", 0755, options_.first_host_id));
    return make_directory(at + "/work", 0755);
  }

  Status stack_layers() {
    Overlay overlay{.lower_directory = kStage + "/layers",
                    .lower_names = {},
                    .upper = kStage + "/scratch/changes",
                    .work = kStage + "/scratch/work"};
    for (std::size_t i = 0; i < layer_trees_.size(); ++i) {
      overlay.lower_names.push_back(std::to_string(i));
      auto at = format("{}/{}", overlay.lower_directory, i);
      TRY(make_directory(at, 0755));
      TRY(attach_tree(layer_trees_[i], at));
    }
    layer_trees_.clear();
    if (overlay.lower_names.empty()) {
      // Overlay insists on a lower layer.
      overlay.lower_names.emplace_back("none");
      TRY(make_directory(overlay.lower_directory + "/none", 0755));
    }
    TRY(mount_overlay(kStage + "/root", overlay));
    return read_users();
  }

  Status read_users() {
    auto root = TRY(open_directory(kStage + "/root"));
    passwd_ = TRY(read_file_in(root, "etc/passwd", kDatabaseBytesMax));
    group_ = TRY(read_file_in(root, "etc/group", kDatabaseBytesMax));
    user_ = TRY(resolve_user(image_.config.user, passwd_, group_));
    for (auto path : {"safe_data", "safe_outputs", "scratch"}) TRY(open_directory_in(root, path));
    return make_working_directory(root);
  }

  // Engines make the working directory when the image lacks it; a program expects to be able to write there.
  Status make_working_directory(const os::Fd& root) {
    if (image_.config.working_dir.empty()) return {};
    auto directory = TRY(open_directory_in(root, image_.config.working_dir));
    struct stat info;
    if (::fstat(directory.get(), &info) != 0) return from_errno("looking at the working directory", errno);
    bool is_from_image = info.st_uid >= options_.first_host_id;
    if (is_from_image) return {};
    auto first = options_.first_host_id;
    if (::fchownat(directory.get(), "", first + user_.uid, first + user_.gid, AT_EMPTY_PATH) != 0) {
      return from_errno("giving the job its working directory", errno);
    }
    return {};
  }

  Status attach_directories() {
    TRY(attach_outputs());
    if (!sources_.data) return {};
    auto mapped = map_owner(data_tree_, *sources_.data);
    if (!mapped.ok()) {
      result_.notes.push_back(format("/safe_data shows its host owners: {}", mapped.error().message()));
    }
    return attach_tree(data_tree_, kStage + "/data");
  }

  Status attach_outputs() {
    if (!map_owner(outputs_tree_, sources_.outputs).ok()) {
      TRY(directory_.record_loan(sources_.outputs));
      TRY(lend(sources_.outputs, options_.first_host_id + user_.uid, options_.first_host_id + user_.gid));
      lent_ = true;
    }
    return attach_tree(outputs_tree_, kStage + "/outputs");
  }

  Status map_owner(const os::Fd& tree, const SharedDirectory& directory) const {
    auto first = options_.first_host_id;
    auto users = TRY(make_user_namespace({directory.uid, first + user_.uid, 1}, {directory.gid, first + user_.gid, 1}));
    return map_ids(tree, users);
  }

  Status write_bundle() {
    struct rlimit files = {};
    ::getrlimit(RLIMIT_NOFILE, &files);
    BundleInput input{.config = image_.config,
                      .spec = spec_,
                      .root = kStage + "/root",
                      .safe_data = kStage + "/data",
                      .safe_outputs = kStage + "/outputs",
                      .scratch = kStage + "/scratch/free",
                      .hostname = "job-" + directory_.id(),
                      .user_database = passwd_,
                      .group_database = group_,
                      .first_host_id = options_.first_host_id,
                      .open_files_max = std::min<std::uint64_t>(files.rlim_max, kOpenFilesMax)};
    return os::write_file(kStage + "/bundle/config.json", TRY(bundle_config(input)));
  }

  os::Command runtime_command() const {
    os::Command command{.program = options_.runtime, .args = {"--root", kStage + "/state", "--log", kStage + "/log"}};
    // crun alone would go looking for a version 2 hierarchy; runc makes its own groups below ours.
    if (!is_runc()) command.args.emplace_back("--cgroup-manager=disabled");
    for (const auto& word : {std::string("run"), std::string("--bundle"), kStage + "/bundle", container()}) {
      command.args.push_back(word);
    }
    command.in_calling_thread = true;
    return command;
  }

  bool is_runc() const { return options_.runtime == "runc" || options_.runtime.ends_with("/runc"); }
  std::string container() const { return "pratique-" + directory_.id(); }

  Status run_and_wait(SteadyClock::time_point started) {
    auto groups = JobCgroups::create(directory_.name(), spec_);
    result_.notes.insert(result_.notes.end(), groups.notes().begin(), groups.notes().end());
    // Last of all preparations: from here on /proc is the job's.
    auto first = TRY(enter_process_namespace());
    auto command = runtime_command();
    command.cgroups = groups.entrances();
    auto process = TRY(os::Process::start(command));
    result_.start = since(started);
    auto exit =
        process.wait(spec_.time_limit ? std::optional<std::chrono::milliseconds>(*spec_.time_limit) : std::nullopt);
    if (!exit) {
      result_.timed_out = true;
      exit = end_in_time(process, first);
    }
    groups.kill_all();
    result_.exit_code = exit->code;
    auto kills = groups.out_of_memory_kills();
    result_.out_of_memory = kills > 0 && exit->code != 0;
    if (kills > 0 && exit->code == 0) {
      result_.notes.push_back(format("{} of its processes were killed for memory, but the job succeeded", kills));
    }
    return check_runtime_log(*exit);
  }

  // The runtime passes TERM on. When the first process of the namespace goes, the kernel ends all of them.
  os::ExitState end_in_time(os::Process& process, const HelperProcess& first) const {
    process.signal(SIGTERM);
    if (auto exit = process.wait(spec_.grace)) return *exit;
    first.kill();
    return *process.wait();
  }

  // A runtime that cannot start a job exits with 1, as a job may: only its log tells them apart.
  Status check_runtime_log(const os::ExitState& exit) const {
    if (exit.code == 0 || result_.timed_out || result_.out_of_memory) return {};
    auto log = os::read_file(kStage + "/log", kLogBytesMax);
    if (!log || trim(*log).empty()) return {};
    return invalid(format("the job could not be started: {}", printable(trim(*log), 500)));
  }

  const PreparedImage& image_;
  const JobSpec& spec_;
  const Options& options_;
  const Sources& sources_;
  JobDirectory& directory_;

  std::vector<os::Fd> layer_trees_;
  os::Fd data_tree_, outputs_tree_;
  std::optional<LoopDisk> disk_;
  std::string passwd_, group_;
  JobUser user_;
  bool lent_ = false;
  JobResult result_;
};

Status check_spec(const JobSpec& spec) {
  if (spec.safe_outputs.empty()) return invalid("a job needs a directory for its outputs");
  if (spec.memory_bytes < (8u << 20)) return invalid("a job needs at least 8 MiB of memory");
  if (spec.scratch_bytes < (8u << 20)) return invalid("a job needs at least 8 MiB of scratch");
  if (!(spec.cores > 0) || spec.cores > 4096) return invalid("a job needs more than 0 and at most 4096 cores");
  if (spec.processes_max == 0) return invalid("a job needs at least one process");
  if (spec.time_limit && spec.time_limit->count() <= 0) return invalid("the time limit is not positive");
  return {};
}

}  // namespace

Result<JobResult> run_job(const PreparedImage& image, const JobSpec& spec, const Options& options) {
  TRY(check_spec(spec));
  Sources sources;
  if (!spec.safe_data.empty()) sources.data = TRY(open_shared_directory(spec.safe_data).with_context("safe_data"));
  TRY(os::make_directories(spec.safe_outputs).with_context("safe_outputs"));
  sources.outputs = TRY(open_shared_directory(spec.safe_outputs).with_context("safe_outputs"));
  auto directory = TRY(JobDirectory::create(options));
  auto started = SteadyClock::now();
  Result<JobResult> result = unavailable("the job's thread did not run");
  try {
    std::thread([&] { result = IsolatedJob(image, spec, options, sources, directory).run(); }).join();
  } catch (const std::system_error& error) {
    return unavailable(format("starting a thread: {}", error.what()));
  }
  auto done = TRY(std::move(result));
  done.id = directory.id();
  done.outputs = sources.outputs.path;
  done.total = since(started);
  return done;
}

}  // namespace pratique::run
