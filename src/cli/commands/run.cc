// run: an approved image, isolated, with three directories.
#include "run/run.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/format.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/engines.h"
#include "cli/output.h"
#include "cli/running.h"
#include "cli/services.h"

namespace pratique::cli {

namespace {

constexpr const char* kInputsPath = "/run/pratique/inputs";

Result<run::Port> parse_port(const std::string& text, const Site& site) {
  auto options = TRY(jobs::read_engine_options({"-p", text}));
  if (options.ports.empty()) return invalid(options.refused[0].reason);
  return run::Port{options.ports[0].host, options.ports[0].container, site.user.uid};
}

Status check_environment(const std::vector<std::string>& env) {
  for (const auto& entry : env)
    if (entry.find('=') == std::string::npos || entry[0] == '=')
      return invalid(format("--env is NAME=VALUE, not \"{}\"", printable(entry)));
  return {};
}

// A list of input names that changes from run to run: wrong names are found now, not after hours in the queue.
Status add_inputs(const std::string& path, const Site& site, RunRequest& request) {
  auto text = TRY(read_for(site.user, path));
  for (auto line : split(text, '\n')) {
    auto name = trim(line);
    if (name.empty() || name.starts_with('#')) continue;
    if (name.find("..") != std::string_view::npos)
      return invalid(format("{}: {} leads elsewhere", path, printable(name)));
    std::string below(name.starts_with("/safe_data/") ? name.substr(11) : name);
    if (request.data && !std::filesystem::exists(*request.data + "/" + below))
      return not_found(format("{} names {}, which is not below {}", path, printable(name), *request.data));
  }
  auto source = std::filesystem::absolute(path).string();
  struct stat info;
  bool is_own = ::stat(source.c_str(), &info) == 0 && info.st_uid == site.user.uid;
  request.job.binds.push_back({.source = source, .target = kInputsPath, .map_owner = is_own});
  request.job.env.push_back(format("PRATIQUE_INPUTS={}", kInputsPath));
  return {};
}

Status read_limits(const Arguments& arguments, run::JobSpec& job) {
  if (arguments.has("--cores")) job.cores = TRY(parse_cores(arguments.value("--cores")).with_context("--cores"));
  if (arguments.has("--memory"))
    job.memory_bytes = TRY(jobs::parse_size(arguments.value("--memory"), kMemoryUnit).with_context("--memory"));
  if (arguments.has("--shm-size"))
    job.shared_memory_bytes = TRY(jobs::parse_size(arguments.value("--shm-size")).with_context("--shm-size"));
  job.scratch_bytes = TRY(jobs::parse_size(arguments.value("--scratch")).with_context("--scratch"));
  if (arguments.has("--time")) job.time_limit = TRY(parse_time(arguments.value("--time")).with_context("--time"));
  job.read_only_root = job.read_only_root || arguments.has("--read-only");
  return {};
}

Status read_program(const Arguments& arguments, const Site& site, RunRequest& request) {
  auto& job = request.job;
  auto settings = TRY(read_environment(site.user, arguments.values("--env-file")));
  job.env.insert(job.env.end(), settings.begin(), settings.end());
  for (const auto& entry : arguments.values("--env")) job.env.push_back(entry);
  TRY(check_environment(job.env));
  if (arguments.has("--entrypoint")) job.entrypoint = arguments.value("--entrypoint");
  if (arguments.has("--arg-file")) {
    auto text = TRY(read_for(site.user, arguments.value("--arg-file")));
    job.args = TRY(jobs::read_argument_file(text).with_context("--arg-file"));
  }
  const auto& typed = arguments.passthrough();
  job.args.insert(job.args.end(), typed.begin(), typed.end());
  if (arguments.has("--interactive")) job.input = STDIN_FILENO;
  return {};
}

Result<RunRequest> request_of(const Arguments& arguments, const Site& site) {
  RunRequest request;
  request.image = arguments.operands()[0];
  // First, so that what is typed wins over what a file says.
  if (arguments.has("--opt-file")) {
    auto text = TRY(read_for(site.user, arguments.value("--opt-file")));
    auto options = TRY(jobs::read_option_file(text).with_context("--opt-file"));
    TRY(apply_engine_options(options, site, request).with_context("--opt-file"));
    if (options.gpu) return refused("--gpus: this host gives jobs no graphics card");
  }
  TRY(read_limits(arguments, request.job));
  TRY(read_program(arguments, site, request));
  if (arguments.has("--name")) request.name = arguments.value("--name");
  request.project = arguments.value("--project");
  if (arguments.has("--data")) {
    request.data = std::filesystem::absolute(arguments.value("--data")).string();
    if (!std::filesystem::is_directory(*request.data))
      return not_found(format("--data {} is no directory", *request.data));
  }
  if (arguments.has("--outputs")) request.outputs = std::filesystem::absolute(arguments.value("--outputs")).string();
  request.data_writable = arguments.has("--data-writable");
  request.keep_image = arguments.has("--keep");
  if (request.keep_image && site.rules.directories_are_fixed && !site.rules.keep_images)
    return refused("--keep: images are destroyed after their run on this host");
  request.dry_run = arguments.has("--dry-run");
  request.verbose = arguments.has("--verbose");
  for (const auto& port : arguments.values("--port")) request.job.ports.push_back(TRY(parse_port(port, site)));
  if (arguments.has("--profile")) TRY(apply_profile(arguments.value("--profile"), site, request));
  if (arguments.has("--inputs")) TRY(add_inputs(arguments.value("--inputs"), site, request));
  return request;
}

Result<int> print_kubernetes_job(const Arguments& arguments, const Site& site, RunRequest request) {
  if (!request.dry_run)
    return invalid("--engine k8s prints the manifest with --dry-run; apply it with kubectl create -f");
  if (request.project.empty()) return invalid("--engine k8s needs --project");
  // The cluster has a directory of outputs for each user.
  request.name = site.user.name;
  print(kubernetes_job(request, arguments.value("--haven"), 0).dump_pretty());
  return kDone;
}

}  // namespace

Result<int> run_command(const Context& context) {
  const Arguments& arguments = context.arguments;
  auto site = TRY(Site::here());
  auto request = TRY(request_of(arguments, site));
  auto engine = arguments.value("--engine");
  if (engine == "slurm") return run_on_slurm(arguments, request);
  if (engine == "k8s") return print_kubernetes_job(arguments, site, std::move(request));
  if (engine != "local") return invalid(format("--engine is local, slurm or k8s, not \"{}\"", printable(engine)));
  Remote remote = TRY(Remote::connect(arguments));
  return run_request(remote, site, context.clock, std::move(request));
}

}  // namespace pratique::cli
