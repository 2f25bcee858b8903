#include "cli/engines.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <map>

#include "base/format.h"
#include "base/random.h"
#include "base/text.h"
#include "cli/output.h"
#include "os/file.h"
#include "os/process.h"

namespace pratique::cli {

namespace {

constexpr std::uint64_t kMegabyte = 1ull << 20;
// The runner itself needs room beside the job's own limit.
constexpr std::uint64_t kRunnerBytes = 256ull << 20;
constexpr int kLookAgainMillis = 1'000;
constexpr std::int64_t kDeadlineSeconds = 432'000, kKeptSeconds = 604'800;  // the cluster's own defaults
constexpr std::size_t kLabelMax = 63;

std::string in_quotes(std::string_view word) {
  return "'" + replace_all(std::string(word), "'", "'\\''") + "'";
}

// Letters, digits and "-": what both schedulers take as a name.
std::string plain_name(std::string_view text) {
  std::string name;
  for (char c : to_lower(text.substr(text.rfind('/') + 1))) {
    bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    name += is_plain ? c : '-';
  }
  while (name.starts_with('-')) name.erase(0, 1);
  name.resize(std::min<std::size_t>(name.size(), kLabelMax / 2));
  while (name.ends_with('-')) name.pop_back();
  return name.empty() ? "job" : name;
}

// Everything that was typed but what chooses the engine.
std::vector<std::string> words_for_the_node(const Arguments& arguments) {
  std::vector<std::string> words{"/proc/self/exe"};
  std::array<char, 4096> path{};
  if (::readlink("/proc/self/exe", path.data(), path.size() - 1) > 0) words[0] = path.data();
  words.emplace_back("run");
  for (auto key :
       {"--project", "--data", "--outputs", "--cores", "--memory", "--shm-size", "--scratch", "--time", "--name",
        "--env", "--env-file", "--opt-file", "--arg-file", "--inputs", "--entrypoint", "--server", "--user"}) {
    for (const auto& value : arguments.values(key)) words.insert(words.end(), {key, value});
  }
  for (auto key : {"--data-writable", "--read-only", "--keep", "--verbose"})
    if (arguments.has(key)) words.emplace_back(key);
  words.push_back(arguments.operands()[0]);
  return words;
}

// What Slurm knows of each task: "12_3" → {state, exit code}.
struct Task {
  std::string state;
  int code = 0;
};

std::map<std::string, Task> tasks_of(const std::string& id) {
  std::map<std::string, Task> tasks;
  auto output = os::run({.program = "scontrol", .args = {"-o", "show", "job", id}});
  if (!output || !output->exit.ok()) return tasks;
  for (auto line : split(output->out, '\n')) {
    std::map<std::string, std::string, std::less<>> fields;
    for (auto word : split(line, ' '))
      if (auto pair = cut(word, "=")) fields.emplace(pair->first, pair->second);
    if (!fields.contains("JobId")) continue;
    auto exit = split(fields["ExitCode"], ':');
    auto code = parse_decimal(exit[0]).value_or(1);
    auto signal = exit.size() > 1 ? parse_decimal(exit[1]).value_or(0) : 0;
    tasks[fields["JobId"]] = {fields["JobState"], static_cast<int>(signal != 0 ? 128 + signal : code)};
  }
  return tasks;
}

bool has_ended(const Task& task) {
  constexpr std::string_view kGoingOn[] = {"PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "REQUEUED"};
  return std::ranges::find(kGoingOn, task.state) == std::end(kGoingOn);
}

// Shows what log files have gained.
class Followed {
 public:
  explicit Followed(std::string directory) : directory_(std::move(directory)) {}
  void show() {
    for (const auto& name : os::list_directory(directory_)) {
      if (!name.ends_with(".log")) continue;
      auto file = os::open_for_reading(format("{}/{}", directory_, name));
      std::array<std::byte, 65'536> buffer;
      while (file) {
        auto count = os::read_at(*file, buffer, offsets_[name]);
        if (!count || *count == 0) break;
        std::fwrite(buffer.data(), 1, *count, stdout);
        offsets_[name] += *count;
      }
    }
    std::fflush(stdout);
  }

 private:
  std::string directory_;
  std::map<std::string, std::uint64_t> offsets_;
};

Result<os::Fd> read_interrupts() {
  sigset_t set;
  ::sigemptyset(&set);
  for (int signal : {SIGINT, SIGTERM}) ::sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  os::Fd fd(::signalfd(-1, &set, SFD_CLOEXEC));
  if (!fd.is_open()) return from_errno("reading signals", errno);
  return fd;
}

Result<int> follow(const std::string& id, const std::string& logs) {
  auto interrupts = TRY(read_interrupts());
  Followed followed(logs);
  for (;;) {
    auto tasks = tasks_of(id);
    followed.show();
    bool all_ended =
        !tasks.empty() && std::ranges::all_of(tasks, [](const auto& task) { return has_ended(task.second); });
    if (all_ended) {
      int worst = 0;
      for (const auto& [name, task] : tasks) {
        int code = task.state == "COMPLETED" ? 0 : std::max(task.code, 1);
        print_note(format("pratique run: Slurm job {} {} (exit code {})\n", name, to_lower(task.state), code));
        worst = std::max(worst, code);
      }
      followed.show();
      return worst;
    }
    struct pollfd wait = {interrupts.get(), POLLIN, 0};
    if (::poll(&wait, 1, kLookAgainMillis) <= 0) continue;
    struct signalfd_siginfo info;
    (void)!::read(interrupts.get(), &info, sizeof info);
    print_note(format("pratique run: cancelling Slurm job {}\n", id));
    TRY(os::run({.program = "scancel", .args = {id}}));
  }
}

}  // namespace

Status check_array(const std::string& text) {
  bool is_good =
      !text.empty() && text.size() < 200 &&
      std::ranges::all_of(
          text, [](char c) { return (c >= '0' && c <= '9') || c == '-' || c == ',' || c == '%' || c == ':'; });
  if (!is_good) return invalid(format("--array is a list such as 0-9, 1,3,5 or 0-99%4, not \"{}\"", printable(text)));
  return {};
}

std::string slurm_script(const SlurmJob& job) {
  auto script =
      format("#!/bin/sh\n#SBATCH --job-name={}\n#SBATCH --cpus-per-task={}\n#SBATCH --mem={}M\n", plain_name(job.name),
             static_cast<std::uint64_t>(std::ceil(job.cores)), (job.memory_bytes + kRunnerBytes) / kMegabyte);
  if (job.time) script += format("#SBATCH --time={}\n", (job.time->count() + 119) / 60);  // Slurm counts minutes
  if (!job.array.empty()) script += format("#SBATCH --array={}\n", job.array);
  script += format("#SBATCH --output={}\n#SBATCH --open-mode=append\n", job.log);
  script += "exec";
  for (const auto& word : job.words) script += " " + in_quotes(word);
  return script + "\n";
}

Json kubernetes_job(const RunRequest& request, const std::string& haven, std::uint64_t gpus) {
  const auto& job = request.job;
  auto cpu = format("{}m", static_cast<std::uint64_t>(job.cores * 1000)),
       memory = format("{}Mi", job.memory_bytes / kMegabyte);
  Json requests = Json::object({{"cpu", cpu}, {"memory", memory}}), limits = requests;
  if (gpus > 0) limits.set("nvidia.com/gpu", gpus);
  auto mount = [](std::string_view name, std::string_view path, bool read_only) {
    return Json::object({{"name", name}, {"mountPath", path}, {"readOnly", read_only}});
  };
  auto shared = format("/mnt/beegfs/{}/{}", haven, request.project);
  bool is_read_only = job.data_access == run::DataAccess::ReadOnly;
  Json env = Json::array();
  for (auto name : {"TMP", "TMPDIR", "TEMP"}) env.push(Json::object({{"name", name}, {"value", "/scratch"}}));
  for (auto name : {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}) env.push(Json::object({{"name", name}, {"value", "1"}}));
  for (const auto& setting : job.env)
    if (auto pair = cut(setting, "=")) env.push(Json::object({{"name", pair->first}, {"value", pair->second}}));
  Json container = Json::object();
  container.set("name", "job").set("image", request.image);
  if (job.entrypoint) container.set("command", Json::array({*job.entrypoint}));
  Json args = Json::array();
  for (const auto& word : job.args) args.push(word);
  container.set("args", std::move(args)).set("env", std::move(env));
  container.set("resources", Json::object({{"requests", requests}, {"limits", limits}}));
  container.set("securityContext", Json::object({{"allowPrivilegeEscalation", false},
                                                 {"runAsNonRoot", true},
                                                 {"capabilities", Json::object({{"drop", Json::array({"ALL"})}})},
                                                 {"seccompProfile", Json::object({{"type", "RuntimeDefault"}})}}));
  container.set("volumeMounts", Json::array({mount("safe-data", "/safe_data", is_read_only),
                                             mount("safe-outputs", "/safe_outputs", false),
                                             mount("scratch", "/scratch", false), mount("shm", "/dev/shm", false)}));
  Json volumes = Json::array();
  volumes.push(Json::object(
      {{"name", "safe-data"}, {"hostPath", Json::object({{"path", shared + "/shared"}, {"type", "Directory"}})}}));
  volumes.push(Json::object(
      {{"name", "safe-outputs"},
       {"hostPath", Json::object({{"path", format("{}/users/{}", shared, request.name)}, {"type", "Directory"}})}}));
  volumes.push(
      Json::object({{"name", "scratch"},
                    {"emptyDir", Json::object({{"sizeLimit", format("{}Mi", job.scratch_bytes / kMegabyte)}})}}));
  volumes.push(Json::object({{"name", "shm"}, {"emptyDir", Json::object({{"medium", "Memory"}})}}));
  Json pod = Json::object();
  pod.set("restartPolicy", "Never").set("automountServiceAccountToken", false).set("enableServiceLinks", false);
  pod.set("containers", Json::array({std::move(container)})).set("volumes", std::move(volumes));
  Json spec = Json::object();
  spec.set("backoffLimit", 0)
      .set("activeDeadlineSeconds", job.time_limit ? std::int64_t{job.time_limit->count()} : kDeadlineSeconds);
  spec.set("ttlSecondsAfterFinished", kKeptSeconds).set("template", Json::object({{"spec", std::move(pod)}}));
  auto queue = format("{}-{}-ns-user-queue", haven, request.project);
  Json metadata = Json::object();
  metadata.set("generateName", plain_name(request.image.substr(0, request.image.find_last_of(":@"))) + "-");
  metadata.set("labels", Json::object({{"kueue.x-k8s.io/queue-name", queue}}));
  return Json::object(
      {{"apiVersion", "batch/v1"}, {"kind", "Job"}, {"metadata", std::move(metadata)}, {"spec", std::move(spec)}});
}

Result<int> run_on_slurm(const Arguments& arguments, const RunRequest& request) {
  if (!os::find_program("sbatch")) return unavailable("--engine slurm needs sbatch, and this machine has none");
  std::string here(4096, '\0');
  if (!::getcwd(here.data(), here.size())) return from_errno("asking where we are", errno);
  here.resize(here.find('\0'));
  auto logs = format("{}/pratique-slurm-{}", here, random_hex(4));
  SlurmJob job{.name = request.name.empty() ? request.image : request.name,
               .cores = request.job.cores,
               .memory_bytes = request.job.memory_bytes,
               .time = request.job.time_limit,
               .array = arguments.value("--array"),
               .log = logs + "/%A_%a.log",
               .words = words_for_the_node(arguments)};
  if (job.array.empty()) job.log = logs + "/%j.log";
  if (!job.array.empty()) {
    TRY(check_array(job.array));
    // A bare name takes its value on the node: the number of the task.
    auto image = job.words.back();
    job.words.pop_back();
    job.words.insert(job.words.end(), {"--env-file", logs + "/task.env", image});
  }
  const auto& typed = arguments.passthrough();
  if (!typed.empty()) job.words.emplace_back("--");
  job.words.insert(job.words.end(), typed.begin(), typed.end());
  auto script = slurm_script(job);
  if (request.dry_run) return print(script), kDone;
  TRY(os::make_directories(logs));
  TRY(os::write_file(logs + "/task.env", "SLURM_ARRAY_TASK_ID\nSLURM_ARRAY_JOB_ID\nSLURM_JOB_ID\n"));
  auto output = TRY(os::run({.program = "sbatch", .args = {"--parsable"}}, script));
  if (!output.exit.ok()) return invalid("sbatch: " + printable(trim(output.err), 500));
  auto id = std::string(trim(output.out).substr(0, trim(output.out).find(';')));
  print_note(format("pratique run: Slurm job {}; logs are in {}\n", id, logs));
  return follow(id, logs);
}

}  // namespace pratique::cli
