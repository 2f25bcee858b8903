#include "run/cgroup.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/format.h"
#include "base/text.h"
#include "os/file.h"
#include "os/owner.h"

namespace pratique::run {

namespace {

constexpr std::string_view kParent = "pratique";
constexpr std::uint64_t kCpuPeriodMicros = 100'000;
constexpr std::uint64_t kCpuQuotaMicrosMin = 1'000;  // the kernel takes no less
// The runtime itself waits inside the group until the job ends, with up to two helpers while it starts.
constexpr std::uint32_t kRuntimeProcesses = 3;
// A killed process leaves its group when it is torn down, which takes long only for huge ones: two seconds in all.
constexpr int kRemovalAttempts = 1000;
constexpr int kRemovalPauseMillis = 2;
constexpr std::size_t kControlFileBytesMax = 1 << 20;

Status write_control(const std::string& path, const std::string& value) {
  os::Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.is_open()) return from_errno("opening " + path, errno);
  return os::write_all(file, as_bytes(value)).with_context("setting " + path);
}

std::string read_control(const std::string& path) {
  auto text = os::read_file(path, kControlFileBytesMax);
  return text ? *text : std::string();
}

std::vector<pid_t> processes_in(const std::string& group) {
  std::vector<pid_t> pids;
  auto text = read_control(group + "/cgroup.procs");
  for (auto line : split(text, '\n')) {
    if (auto pid = parse_decimal(line)) pids.push_back(static_cast<pid_t>(*pid));
  }
  return pids;
}

void kill_group(const std::string& group) {
  if (write_control(group + "/cgroup.kill", "1").ok()) return;  // version 2, and no race with forks
  for (pid_t pid : processes_in(group)) ::kill(pid, SIGKILL);
}

void remove_group(const std::string& group) {
  for (int attempt = 0; attempt < kRemovalAttempts; ++attempt) {
    kill_group(group);
    if (::rmdir(group.c_str()) == 0 || errno == ENOENT) return;
    ::poll(nullptr, 0, kRemovalPauseMillis);
  }
}

// The parent is removed by whoever finds it empty, which may be between our two calls.
bool make_below(const std::string& parent, const std::string& group) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (::mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST) return false;
    if (::mkdir(group.c_str(), 0755) == 0) return true;
    if (errno != ENOENT) return false;
  }
  return false;
}

std::vector<CgroupMount> cgroup_mounts() {
  auto text = os::read_file("/proc/thread-self/mountinfo", 16 << 20);
  auto mounts = text ? parse_cgroup_mounts(*text) : std::vector<CgroupMount>();
  for (auto& mount : mounts) {
    if (!mount.is_v2) continue;
    auto offered = read_control(mount.directory + "/cgroup.controllers");
    for (auto name : split(trim(offered), ' ')) mount.controllers.emplace_back(name);
  }
  return mounts;
}

bool offers(const CgroupMount& mount, const std::string& controller) {
  return std::ranges::find(mount.controllers, controller) != mount.controllers.end();
}

// v1 first: a controller that is bound to a v1 hierarchy is not on offer in v2 anyway.
const CgroupMount* find_mount(const std::vector<CgroupMount>& mounts, const std::string& controller) {
  for (bool v2 : {false, true}) {
    for (const auto& mount : mounts) {
      if (mount.is_v2 == v2 && offers(mount, controller)) return &mount;
    }
  }
  return nullptr;
}

// mountinfo writes space, tab, newline and backslash as \ooo.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool escaped = text[i] == '\\' && i + 3 < text.size() &&
                   std::ranges::all_of(text.substr(i + 1, 3), [](char c) { return c >= '0' && c <= '7'; });
    if (!escaped) {
      out.push_back(text[i]);
      continue;
    }
    out.push_back(static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')));
    i += 3;
  }
  return out;
}

std::uint64_t counter(const std::string& text, std::string_view name) {
  for (auto line : split(text, '\n')) {
    auto parts = cut(line, " ");
    if (parts && parts->first == name) return parse_decimal(parts->second).value_or(0);
  }
  return 0;
}

}  // namespace

// "36 35 98:0 /root /mount/point options optional… - type source superoptions"
std::vector<CgroupMount> parse_cgroup_mounts(std::string_view text) {
  std::vector<CgroupMount> mounts;
  for (auto line : split(text, '\n')) {
    auto halves = cut(line, " - ");
    if (!halves) continue;
    auto before = split(halves->first, ' '), after = split(halves->second, ' ');
    if (before.size() < 5 || after.size() < 3) continue;
    if (after[0] != "cgroup" && after[0] != "cgroup2") continue;
    CgroupMount mount{.directory = unescape(before[4]), .is_v2 = after[0] == "cgroup2", .controllers = {}};
    if (!mount.is_v2) {
      for (auto option : split(after[2], ',')) mount.controllers.emplace_back(option);
    }
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

JobCgroups JobCgroups::create(const std::string& job, const JobSpec& spec) {
  JobCgroups groups;
  auto mounts = cgroup_mounts();
  auto memory = std::to_string(spec.memory_bytes);
  auto processes = std::to_string(std::uint64_t{spec.processes_max} + kRuntimeProcesses);
  auto quota =
      std::max(static_cast<std::uint64_t>(spec.cores * static_cast<double>(kCpuPeriodMicros)), kCpuQuotaMicrosMin);
  auto note = [&](const Status& status, std::string_view what) {
    if (!status.ok())
      groups.notes_.push_back(format("the limit on {} is not enforced: {}", what, status.error().message()));
  };
  note(groups.limit(mounts, job, "memory", {{"memory.limit_in_bytes", memory}}, {{"memory.max", memory}}), "memory");
  note(groups.limit(mounts, job, "memory", {{"memory.memsw.limit_in_bytes", memory}}, {{"memory.swap.max", "0"}}),
       "swap");
  note(groups.limit(mounts, job, "pids", {{"pids.max", processes}}, {{"pids.max", processes}}), "processes");
  note(groups.limit(
           mounts, job, "cpu",
           {{"cpu.cfs_period_us", std::to_string(kCpuPeriodMicros)}, {"cpu.cfs_quota_us", std::to_string(quota)}},
           {{"cpu.max", format("{} {}", quota, kCpuPeriodMicros)}}),
       "processor time");
  // Counts and limits nothing; where it is a hierarchy of its own, the job has to be in it to be counted.
  (void)groups.limit(mounts, job, "cpuacct", {}, {});
  return groups;
}

JobCgroups::~JobCgroups() {
  for (const auto& group : groups_) {
    remove_group(group.directory);
    ::rmdir(group.directory.substr(0, group.directory.rfind('/')).c_str());
  }
}

std::vector<int> JobCgroups::entrances() const {
  std::vector<int> fds;
  for (const auto& group : groups_) fds.push_back(group.entrance.get());
  return fds;
}

std::uint64_t JobCgroups::out_of_memory_kills() const {
  std::uint64_t kills = 0;
  for (const auto& group : groups_) {
    kills += counter(read_control(group.directory + "/memory.oom_control"), "oom_kill");
    kills += counter(read_control(group.directory + "/memory.events"), "oom_kill");
  }
  return kills;
}

JobCgroups::Usage JobCgroups::usage() const {
  Usage usage;
  for (const auto& group : groups_) {
    auto number = [&](std::string_view file) {
      return parse_decimal(trim(read_control(format("{}/{}", group.directory, file)))).value_or(0);
    };
    usage.memory_peak = std::max({usage.memory_peak, number("memory.max_usage_in_bytes"), number("memory.peak")});
    auto v2 = static_cast<double>(counter(read_control(group.directory + "/cpu.stat"), "usage_usec")) / 1e6;
    usage.cpu_seconds = std::max({usage.cpu_seconds, v2, static_cast<double>(number("cpuacct.usage")) / 1e9});
  }
  return usage;
}

void JobCgroups::kill_all() const {
  for (const auto& group : groups_) kill_group(group.directory);
}

Status JobCgroups::limit(const std::vector<CgroupMount>& mounts, const std::string& job, const std::string& controller,
                         const std::vector<std::pair<std::string, std::string>>& v1,
                         const std::vector<std::pair<std::string, std::string>>& v2) {
  const auto* mount = find_mount(mounts, controller);
  if (!mount) return unavailable(format("no control group hierarchy has the controller {}", controller));
  auto group = TRY(make_group(*mount, job, controller));
  for (const auto& [file, value] : mount->is_v2 ? v2 : v1) TRY(write_control(format("{}/{}", group, file), value));
  return {};
}

Result<std::string> JobCgroups::make_group(const CgroupMount& mount, const std::string& job,
                                           const std::string& controller) {
  auto parent = format("{}/{}", mount.directory, kParent);
  auto group = format("{}/{}", parent, job);
  bool known = std::ranges::any_of(groups_, [&](const Group& other) { return other.directory == group; });
  if (!known && !make_below(parent, group)) return from_errno("making " + group, errno);
  if (mount.is_v2) {
    for (const auto& above : {mount.directory, parent}) {
      TRY(write_control(above + "/cgroup.subtree_control", "+" + controller));
    }
  }
  if (known) return group;
  os::Fd entrance(::open((group + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  int error = errno;
  groups_.push_back({group, std::move(entrance)});
  if (!groups_.back().entrance.is_open()) return from_errno("opening cgroup.procs of " + group, error);
  return group;
}

void sweep_cgroups() {
  for (const auto& mount : cgroup_mounts()) {
    auto parent = format("{}/{}", mount.directory, kParent);
    for (const auto& name : os::list_directory(parent)) {
      auto group = format("{}/{}", parent, name);
      struct stat info;
      if (::stat(group.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && !os::owner_is_alive(name)) remove_group(group);
    }
    ::rmdir(parent.c_str());
  }
}

}  // namespace pratique::run
