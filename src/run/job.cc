#include "run/job.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
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
#include "run/changes.h"
#include "run/extract.h"
#include "run/helper_process.h"
#include "run/job_directory.h"
#include "run/mounts.h"
#include "run/output_relay.h"
#include "run/outputs.h"
#include "run/port_relay.h"
#include "run/user.h"
#include "run/watch.h"

namespace pratique::run {

namespace {

using SteadyClock = std::chrono::steady_clock;

// Inside the job thread's own mount namespace everything is mounted below here. The place has to exist everywhere and
// be open to the job's host ids, which the state directory above our layers must not be.
const std::string kStage = "/tmp";
const std::string kPidFile = kStage + "/pid";
constexpr std::uint64_t kStageBytes = 16 << 20;  // config.json, the runtime's state and its log
constexpr std::uint32_t kHostIds = 65'536;
constexpr std::uint64_t kOpenFilesMax = 16'384;
constexpr std::size_t kDatabaseBytesMax = 4 << 20;  // /etc/passwd and /etc/group of real images are some KiB
constexpr std::size_t kLogBytesMax = 1 << 20;
// Shared memory is charged to the job's memory like everything else; half of it is what the kernel gives a machine.
constexpr std::uint64_t kSharedMemoryShare = 2;
// How often shared memory is looked at and the container's process waited for.
constexpr int kGlanceMillis = 100, kQuickGlanceMillis = 5;
constexpr std::size_t kBindsMax = 1'000;

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
  std::vector<SharedDirectory> binds;
  std::optional<OutputRelay> output;
  std::optional<PortRelay> ports;
  Watch* watch = nullptr;
};

Result<SharedDirectory> open_for_caller(const Options& options, const std::string& path, DataAccess access) {
  if (!options.open_for_caller) return open_shared(path);
  return shared_from(TRY(options.open_for_caller(path, access)), path);
}

// Runs on a thread of its own, whose mount namespace ends with it.
class IsolatedJob {
 public:
  IsolatedJob(const PreparedImage& image, const JobSpec& spec, const Options& options, Sources& sources,
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
    for (std::size_t i = 0; i < image_.layers.size(); ++i) {
      const auto& layer = image_.layers[i];
      // The same layer twice cannot be stacked and need not be: the upper one says all the lower one says.
      if (std::find(image_.layers.begin() + static_cast<long>(i) + 1, image_.layers.end(), layer) !=
          image_.layers.end()) {
        continue;
      }
      layer_trees_.push_back(TRY(clone_tree(TRY(open_directory(layer)), {.read_only = true})));
    }
    bool writable = spec_.data_access == DataAccess::ReadWrite;
    if (sources_.data) data_tree_ = TRY(clone_tree(sources_.data->fd, {.read_only = !writable, .no_execution = true}));
    outputs_tree_ = TRY(clone_tree(sources_.outputs.fd, {.no_execution = true}));
    for (std::size_t i = 0; i < spec_.binds.size(); ++i) {
      bool read_only = spec_.binds[i].access == DataAccess::ReadOnly;
      bind_trees_.push_back(TRY(clone_tree(sources_.binds[i].fd, {.read_only = read_only})));
    }
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
    const auto& place = options_.scratch_directory.empty() ? directory_.path() : options_.scratch_directory;
    auto disk = make_loop_disk(place, spec_.scratch_bytes);
    if (disk) {
      disk_ = std::move(*disk);
    } else {
      result_.notes.push_back(format("scratch is in memory and counts as such: {}", disk.error().message()));
    }
    return {};
  }

  Status set_the_stage() {
    TRY(mount_tmpfs(kStage, kStageBytes, 0755));
    for (auto name : {"/layers", "/scratch", "/root", "/data", "/outputs", "/bundle", "/state", "/shm", "/binds"}) {
      TRY(make_directory(kStage + name, 0755));
    }
    auto at = kStage + "/scratch";
    if (disk_) {
      TRY(mount_disk(*disk_, at));
      disk_.reset();
    } else {
      TRY(mount_tmpfs(at, spec_.scratch_bytes, 0755));
    }
    TRY(mount_tmpfs(kStage + "/shm", shared_memory_bytes(), 01777));
    // /scratch belongs to no user in particular, like /tmp.
    TRY(make_directory(at + "/free", 01777, options_.first_host_id));
    TRY(make_directory(at + "/changes", 0755, options_.first_host_id));
    TRY(make_directory(at + "/work", 0755));
    scratch_before_ = used_bytes(at);
    return {};
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
    user_ = TRY(resolve_user(spec_.user ? *spec_.user : image_.config.user, passwd_, group_));
    for (auto path : {"safe_data", "safe_outputs", "scratch"}) TRY(open_directory_in(root, path));
    return make_working_directory(root);
  }

  // Engines make the working directory when the image lacks it; a program expects to be able to write there.
  Status make_working_directory(const os::Fd& root) {
    const auto& path = spec_.working_directory.empty() ? image_.config.working_dir : spec_.working_directory;
    if (path.empty()) return {};
    auto directory = TRY(open_directory_in(root, path));
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
    TRY(attach_binds());
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

  Status attach_binds() {
    for (std::size_t i = 0; i < spec_.binds.size(); ++i) {
      const auto& bind = spec_.binds[i];
      if (auto mapped = bind.map_owner ? map_owner(bind_trees_[i], sources_.binds[i]) : Status(); !mapped.ok()) {
        result_.notes.push_back(format("{} shows its host owners: {}", bind.target, mapped.error().message()));
      }
      auto at = format("{}/binds/{}", kStage, i);
      if (sources_.binds[i].is_directory) {
        TRY(make_directory(at, 0755));
      } else {
        TRY(os::write_file(at, ""));
      }
      TRY(attach_tree(bind_trees_[i], at));
      binds_.push_back(at);
    }
    bind_trees_.clear();
    return {};
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
                      .shared_memory = kStage + "/shm",
                      .binds = binds_,
                      .watch_socket = sources_.watch ? kStage + "/watch" : "",
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
    for (const auto& word : {std::string("run"), std::string("--pid-file"), kPidFile, std::string("--bundle"),
                             kStage + "/bundle", container()}) {
      command.args.push_back(word);
    }
    command.in_calling_thread = true;
    // Ctrl-C on a terminal reaches us alone, and the job hears of it once, from us.
    command.new_session = true;
    if (spec_.input >= 0) command.fd_map.emplace_back(spec_.input, STDIN_FILENO);
    if (sources_.output) {
      command.fd_map.emplace_back(sources_.output->out().get(), STDOUT_FILENO);
      command.fd_map.emplace_back(sources_.output->err().get(), STDERR_FILENO);
    }
    return command;
  }

  bool is_runc() const { return options_.runtime == "runc" || options_.runtime.ends_with("/runc"); }
  std::string container() const { return "pratique-" + directory_.id(); }

  Status run_and_wait(SteadyClock::time_point started) {
    auto groups = JobCgroups::create(directory_.name(), spec_);
    result_.notes.insert(result_.notes.end(), groups.notes().begin(), groups.notes().end());
    if (sources_.watch) TRY(sources_.watch->listen_at(kStage + "/watch"));
    // Last of all preparations: from here on /proc is the job's.
    auto first = TRY(enter_process_namespace());
    auto command = runtime_command();
    command.cgroups = groups.entrances();
    auto process = TRY(os::Process::start(command));
    result_.start = since(started);
    auto exit = attend(process, first);
    groups.kill_all();
    result_.exit_code = exit.code;
    auto usage = groups.usage();
    result_.memory_peak = usage.memory_peak;
    result_.cpu_seconds = usage.cpu_seconds;
    look_at_files();
    auto kills = groups.out_of_memory_kills();
    result_.out_of_memory = kills > 0 && exit.code != 0;
    if (kills > 0 && exit.code == 0) {
      result_.notes.push_back(format("{} of its processes were killed for memory, but the job succeeded", kills));
    }
    return check_runtime_log(exit);
  }

  // Until the job's end, which time and signals may bring about: first politely, after the time of grace at once.
  os::ExitState attend(os::Process& process, const HelperProcess& first) {
    std::optional<SteadyClock::time_point> deadline;
    if (spec_.time_limit) deadline = SteadyClock::now() + *spec_.time_limit;
    bool is_ending = false;
    for (;;) {
      glance();
      struct pollfd waits[2] = {{process.pidfd().get(), POLLIN, 0}, {spec_.attendant.signals, POLLIN, 0}};
      ::poll(waits, 2, pause_until(deadline));
      if (waits[0].revents != 0) return *process.wait();
      int signal = waits[1].revents != 0 ? take_signal() : 0;
      bool is_late = deadline && SteadyClock::now() >= *deadline;
      if (signal == 0 && !is_late) continue;
      if (signal != 0 && !is_end(signal)) {
        process.signal(signal);
        continue;
      }
      if (signal != 0 && !is_ending) result_.stopped_by = signal;
      if (signal == 0 && !is_ending) result_.timed_out = true;
      bool may_listen = !is_ending && is_heard(signal != 0 ? signal : SIGTERM);
      if (!may_listen) {
        // When the first process of the namespace goes, the kernel ends all of them.
        first.kill();
        return *process.wait();
      }
      process.signal(signal != 0 ? signal : SIGTERM);
      is_ending = true;
      deadline = SteadyClock::now() + spec_.grace;
    }
  }

  static bool is_end(int signal) {
    return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT || signal == SIGHUP;
  }

  int take_signal() const {
    struct signalfd_siginfo info = {};
    return ::read(spec_.attendant.signals, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
  }

  int pause_until(const std::optional<SteadyClock::time_point>& deadline) const {
    int pause = sources_.ports && !is_network_open_ ? kQuickGlanceMillis : kGlanceMillis;
    if (!deadline) return pause;
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*deadline - SteadyClock::now()).count() + 1;
    return static_cast<int>(std::clamp<long long>(left, 0, pause));
  }

  // The first process of a container does not even die of a signal it has no handler for: waiting for it is idle.
  bool is_heard(int signal) const {
    auto pid = os::read_file(kPidFile, 64);
    if (!pid) return true;
    auto status = os::read_file(format("/proc/{}/status", trim(*pid)), 1 << 16);
    if (!status) return true;
    for (auto line : split(*status, '\n')) {
      if (!line.starts_with("SigCgt:")) continue;
      auto caught = std::strtoull(std::string(trim(line.substr(7))).c_str(), nullptr, 16);
      return (caught >> (signal - 1) & 1) != 0;
    }
    return true;
  }

  void glance() {
    result_.shared_memory_peak = std::max(result_.shared_memory_peak, used_bytes(kStage + "/shm"));
    if (!sources_.ports || is_network_open_) return;
    auto pid = os::read_file(kPidFile, 64);
    if (!pid) return;
    os::Fd network(::open(format("/proc/{}/ns/net", trim(*pid)).c_str(), O_RDONLY | O_CLOEXEC));
    if (network.is_open()) is_network_open_ = sources_.ports->open_into(std::move(network)).ok();
  }

  // Before the mounts vanish.
  void look_at_files() {
    result_.changed_files = list_changes(kStage + "/scratch/changes");
    auto scratch = used_bytes(kStage + "/scratch");
    result_.output_bytes = tree_bytes(kStage + "/outputs");
    result_.written_bytes = scratch - std::min(scratch, scratch_before_) + result_.output_bytes;
  }

  std::uint64_t shared_memory_bytes() const {
    auto asked = spec_.shared_memory_bytes != 0 ? spec_.shared_memory_bytes : spec_.memory_bytes / kSharedMemoryShare;
    return std::max<std::uint64_t>(asked, 4096);
  }

  // A runtime that cannot start a job exits with 1, as a job may: only its log tells them apart.
  Status check_runtime_log(const os::ExitState& exit) const {
    if (exit.code == 0 || result_.timed_out || result_.out_of_memory || result_.stopped_by != 0) return {};
    auto log = os::read_file(kStage + "/log", kLogBytesMax);
    if (!log || trim(*log).empty()) return {};
    return invalid(format("the job could not be started: {}", printable(trim(*log), 500)));
  }

  const PreparedImage& image_;
  const JobSpec& spec_;
  const Options& options_;
  Sources& sources_;
  JobDirectory& directory_;

  std::vector<os::Fd> layer_trees_;
  os::Fd data_tree_, outputs_tree_;
  std::vector<os::Fd> bind_trees_;
  std::vector<std::string> binds_;
  bool is_network_open_ = false;
  std::uint64_t scratch_before_ = 0;
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
  if (spec.binds.size() > kBindsMax) return over_limit("there are too many directories to show to the job");
  if (spec.time_limit && spec.time_limit->count() <= 0) return invalid("the time limit is not positive");
  return {};
}

Result<Sources> open_sources(const JobSpec& spec, const Options& options) {
  Sources sources;
  if (!spec.safe_data.empty()) {
    sources.data = TRY(open_for_caller(options, spec.safe_data, spec.data_access).with_context("safe_data"));
    if (!sources.data->is_directory) return invalid("safe_data: " + spec.safe_data + " is no directory");
  }
  if (!options.open_for_caller) TRY(os::make_directories(spec.safe_outputs).with_context("safe_outputs"));
  sources.outputs =
      TRY(open_for_caller(options, spec.safe_outputs, DataAccess::ReadWrite).with_context("safe_outputs"));
  if (!sources.outputs.is_directory) return invalid("safe_outputs: " + spec.safe_outputs + " is no directory");
  for (const auto& bind : spec.binds) {
    sources.binds.push_back(TRY(open_for_caller(options, bind.source, bind.access).with_context(bind.target)));
  }
  if (!spec.attendant.log.empty())
    sources.output.emplace(TRY(OutputRelay::start(spec.attendant.log, spec.attendant.out, spec.attendant.err)));
  if (!spec.ports.empty()) sources.ports.emplace(TRY(PortRelay::listen(spec.ports)));
  return sources;
}

}  // namespace

Result<JobResult> run_job(const PreparedImage& image, const JobSpec& spec, const Options& options, Watch* watch) {
  TRY(check_spec(spec));
  auto sources = TRY(open_sources(spec, options));
  sources.watch = watch;
  auto directory = TRY(JobDirectory::create(options, spec.id));
  if (sources.ports && spec.attendant.listening) spec.attendant.listening(sources.ports->host_ports());
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
