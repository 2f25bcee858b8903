// config.json of the runtime specification (1.0.2), for one job. What is not written here a container does not get.
#include <algorithm>

#include "base/format.h"
#include "base/json.h"
#include "base/text.h"
#include "run/run.h"
#include "run/seccomp_profile.h"
#include "run/user.h"

namespace pratique::run {

namespace {

constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::uint32_t kHostIds = 65'536;
// execve refuses more anyway; a bound keeps config.json readable by the runtime.
constexpr std::size_t kWordsMax = 16'384;

Json strings(const std::vector<std::string>& values) {
  Json list = Json::array();
  for (const auto& value : values) list.push(value);
  return list;
}

Status check_word(const std::string& word, std::string_view what) {
  if (word.find('\0') != std::string::npos) return invalid(format("{} holds a NUL byte", what));
  return {};
}

Result<std::vector<std::string>> words_of(const oci::ImageConfig& config, const JobSpec& spec) {
  std::vector<std::string> words = config.entrypoint;
  // As with the other engines: a new entrypoint does not inherit arguments written for the old one.
  if (spec.entrypoint) words = {*spec.entrypoint};
  const auto& tail = spec.args.empty() && !spec.entrypoint ? config.cmd : spec.args;
  words.insert(words.end(), tail.begin(), tail.end());
  if (words.empty() || words.front().empty()) {
    return invalid("the image names no program to run; name one after the image");
  }
  if (words.size() > kWordsMax) return over_limit("the command has too many words");
  for (const auto& word : words) TRY(check_word(word, "an argument"));
  return words;
}

// Later settings of a name replace earlier ones in place, so that each name occurs once: which of two a program reads
// differs between languages.
class Environment {
 public:
  Status set(std::string_view setting) {
    auto parts = cut(setting, "=");
    if (!parts || parts->first.empty()) return invalid(format("the variable {} is not NAME=value", printable(setting)));
    TRY(check_word(std::string(setting), "a variable"));
    auto same = std::ranges::find_if(settings_,
                                     [&](const std::string& known) { return cut(known, "=")->first == parts->first; });
    if (same != settings_.end()) {
      *same = setting;
    } else {
      settings_.emplace_back(setting);
    }
    if (settings_.size() > kWordsMax) return over_limit("there are too many environment variables");
    return {};
  }
  bool has(std::string_view name) const {
    return std::ranges::any_of(settings_, [&](const std::string& known) { return cut(known, "=")->first == name; });
  }
  Json json() const { return strings(settings_); }

 private:
  std::vector<std::string> settings_;
};

Result<Json> environment_of(const BundleInput& input, const JobUser& user) {
  Environment environment;
  TRY(environment.set(format("PATH={}", kDefaultPath)));
  for (const auto& setting : input.config.env) {
    // An image may carry a malformed variable and run elsewhere all the same.
    if (cut(setting, "=") && !setting.starts_with('=')) TRY(environment.set(setting));
  }
  // Temporary files belong where there is room and where they end with the job.
  for (auto name : {"TMPDIR", "TMP", "TEMP"}) TRY(environment.set(format("{}=/scratch", name)));
  // Without these the model libraries wait minutes for a network that is not there.
  for (auto name : {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}) TRY(environment.set(format("{}=1", name)));
  for (const auto& setting : input.spec.env) TRY(environment.set(setting));
  if (!environment.has("HOME")) {
    bool writable = !input.spec.read_only_root && !user.home.empty();
    TRY(environment.set(format("HOME={}", writable ? user.home : "/scratch")));
  }
  return environment.json();
}

std::string user_of(const oci::ImageConfig& config, const JobSpec& spec) {
  return spec.user ? *spec.user : config.user;
}

Json user_json(const JobUser& user) {
  Json json = Json::object();
  json.set("uid", user.uid).set("gid", user.gid).set("umask", 022);
  Json groups = Json::array();
  for (auto group : user.groups) groups.push(group);
  json.set("additionalGids", std::move(groups));
  return json;
}

Json no_capabilities() {
  Json json = Json::object();
  for (auto set : {"bounding", "effective", "inheritable", "permitted", "ambient"}) json.set(set, Json::array());
  return json;
}

Json rlimit(std::string_view type, std::uint64_t limit) {
  return Json::object({{"type", type}, {"hard", limit}, {"soft", limit}});
}

std::string working_directory_of(const oci::ImageConfig& config, const JobSpec& spec) {
  const auto& asked = spec.working_directory.empty() ? config.working_dir : spec.working_directory;
  return asked.empty() ? "/" : asked;
}

Result<Json> process_json(const BundleInput& input) {
  auto user = TRY(resolve_user(user_of(input.config, input.spec), input.user_database, input.group_database));
  auto directory = working_directory_of(input.config, input.spec);
  if (!directory.starts_with('/')) return invalid("the working directory is not absolute");
  Json process = Json::object();
  process.set("terminal", false).set("user", user_json(user));
  process.set("args", strings(TRY(words_of(input.config, input.spec))));
  process.set("env", TRY(environment_of(input, user)));
  process.set("cwd", directory);
  process.set("capabilities", no_capabilities());
  // A core file would carry the data out of the job's control.
  process.set("rlimits", Json::array({rlimit("RLIMIT_CORE", 0), rlimit("RLIMIT_NOFILE", input.open_files_max)}));
  process.set("noNewPrivileges", true);
  return process;
}

Json mount(std::string_view destination, std::string_view type, std::string_view source,
           std::vector<std::string> options) {
  return Json::object(
      {{"destination", destination}, {"type", type}, {"source", source}, {"options", strings(options)}});
}

Json mounts_json(const BundleInput& input) {
  auto data_access = input.spec.data_access == DataAccess::ReadOnly ? "ro" : "rw";
  Json mounts = Json::array();
  mounts.push(mount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}));
  mounts.push(mount("/dev", "tmpfs", "tmpfs", {"nosuid", "noexec", "mode=755", "size=64k"}));
  mounts.push(mount("/dev/pts", "devpts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}));
  mounts.push(mount("/dev/shm", "bind", input.shared_memory, {"bind", "rw", "nosuid", "noexec", "nodev"}));
  mounts.push(mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}));
  mounts.push(mount("/safe_data", "bind", input.safe_data, {"bind", data_access, "nosuid", "nodev", "noexec"}));
  mounts.push(mount("/safe_outputs", "bind", input.safe_outputs, {"bind", "rw", "nosuid", "nodev", "noexec"}));
  // Programs may be started from scratch: compilers and just-in-time libraries put them there.
  mounts.push(mount("/scratch", "bind", input.scratch, {"bind", "rw", "nosuid", "nodev"}));
  for (std::size_t i = 0; i < input.binds.size(); ++i) {
    const auto& bind = input.spec.binds[i];
    // Scripts of workflow engines lie in these, so they may be executed.
    auto access = bind.access == DataAccess::ReadOnly ? "ro" : "rw";
    mounts.push(mount(bind.target, "bind", input.binds[i], {"bind", access, "nosuid", "nodev"}));
  }
  return mounts;
}

Json id_mapping(std::uint32_t first_host_id) {
  return Json::array({Json::object({{"containerID", 0}, {"hostID", first_host_id}, {"size", kHostIds}})});
}

Json linux_json(const BundleInput& input) {
  Json namespaces = Json::array();
  // A network namespace of its own without any interface but loopback is what "no network" means.
  for (auto type : {"pid", "network", "ipc", "uts", "mount", "cgroup", "user"}) {
    namespaces.push(Json::object({{"type", type}}));
  }
  Json json = Json::object();
  json.set("namespaces", std::move(namespaces));
  json.set("uidMappings", id_mapping(input.first_host_id)).set("gidMappings", id_mapping(input.first_host_id));
  json.set("rootfsPropagation", "rprivate");
  json.set("seccomp", seccomp_profile(input.watch_socket));
  // Kernel memory, keys, other processes' timers and firmware: nothing a job needs to read.
  json.set("maskedPaths", strings({"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                                   "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
                                   "/sys/firmware", "/sys/devices/virtual/powercap", "/sys/fs/cgroup"}));
  json.set("readonlyPaths", strings({"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}));
  return json;
}

}  // namespace

Result<std::string> bundle_config(const BundleInput& input) {
  Json config = Json::object();
  config.set("ociVersion", "1.0.2");
  config.set("process", TRY(process_json(input)));
  config.set("root", Json::object({{"path", input.root}, {"readonly", input.spec.read_only_root}}));
  config.set("hostname", input.hostname);
  config.set("mounts", mounts_json(input));
  config.set("linux", linux_json(input));
  return config.dump_pretty();
}

}  // namespace pratique::run
