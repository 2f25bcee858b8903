// Who asks, under which rules, and how what they typed becomes a request.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/format.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/running.h"
#include "os/file.h"

namespace pratique::cli {

namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;
constexpr std::size_t kHostBytesMax = 256;

std::string absolute_path(const std::string& path, const std::string& home) {
  if (path == "~" || path.starts_with("~/")) return home + path.substr(1);
  if (path.starts_with('/')) return path;
  std::array<char, 4096> here{};
  return ::getcwd(here.data(), here.size()) ? format("{}/{}", here.data(), path) : path;
}

std::string real_path(const std::string& path) {
  char* resolved = ::realpath(path.c_str(), nullptr);
  std::string text = resolved ? resolved : "";
  ::free(resolved);
  return text;
}

// Links are followed first: what counts is where a path leads.
bool is_below_one_of(const std::vector<std::string>& directories, const std::string& path, const std::string& home) {
  auto place = real_path(path);
  for (const auto& directory : directories) {
    auto allowed = real_path(absolute_path(directory, home));
    if (allowed.empty() || place.empty()) continue;
    if (place == allowed || place.starts_with(allowed == "/" ? allowed : allowed + "/")) return true;
  }
  return false;
}

// A host without rules is somebody's own machine: their files are theirs to show.
std::vector<std::string> bind_places(const Site& site) {
  if (site.rules.directories_are_fixed || site.user.through_sudo || !site.rules.workflow_directories.empty()) {
    return site.rules.workflow_directories;
  }
  return {"/"};
}

Status add_binds(const jobs::EngineOptions& options, const Site& site, RunRequest& request,
                 std::vector<std::string>& refusals) {
  auto places = bind_places(site);
  for (const auto& bind : options.binds) {
    auto source = absolute_path(bind.source, site.user.home);
    auto acting = TRY(jobs::ActingAs::begin(site.user));
    if (!is_below_one_of(places, source, site.user.home)) {
      refusals.push_back(format(
          "{}:{}: {}", bind.source, bind.target,
          places.empty() ? "this host shows jobs no directories but the three" : "not below " + join(places, " or ")));
      continue;
    }
    auto access = bind.read_only ? run::DataAccess::ReadOnly : run::DataAccess::ReadWrite;
    struct stat info;
    bool is_own = ::stat(source.c_str(), &info) == 0 && info.st_uid == site.user.uid;
    request.job.binds.push_back({.source = source, .target = bind.target, .access = access, .map_owner = is_own});
  }
  return {};
}

}  // namespace

Result<Site> Site::here() {
  Site site;
  site.user = TRY(jobs::current_user());
  site.rules = TRY(jobs::load_host_rules(site.user));
  std::array<char, kHostBytesMax> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return from_errno("asking for the host's name", errno);
  site.host = name.data();
  site.state_directory = default_data_directory() + "/run";
  return site;
}

Result<std::string> read_for(const jobs::User& user, const std::string& path) {
  auto acting = TRY(jobs::ActingAs::begin(user));
  return os::read_file(path, kFileBytesMax);
}

Result<std::vector<std::string>> read_environment(const jobs::User& user, const std::vector<std::string>& files) {
  std::vector<std::string> settings;
  for (const auto& file : files) {
    auto text = TRY(read_for(user, file));
    auto lookup = [](const std::string& name) -> std::optional<std::string> {
      const char* value = std::getenv(name.c_str());
      return value ? std::optional<std::string>(value) : std::nullopt;
    };
    auto more = TRY(jobs::read_environment_file(text, lookup).with_context(file));
    settings.insert(settings.end(), more.begin(), more.end());
  }
  return settings;
}

Status apply_engine_options(const jobs::EngineOptions& options, const Site& site, RunRequest& request) {
  std::vector<std::string> refusals;
  for (const auto& [option, reason] : options.refused) refusals.push_back(format("{}: {}", option, reason));
  TRY(add_binds(options, site, request, refusals));
  if (!refusals.empty()) return invalid("refused:\n  " + join(refusals, "\n  "));
  auto& job = request.job;
  auto settings = TRY(read_environment(site.user, options.env_files));
  job.env.insert(job.env.end(), settings.begin(), settings.end());
  for (const auto& setting : options.env) {
    const char* value = setting.find('=') == std::string::npos ? std::getenv(setting.c_str()) : nullptr;
    if (setting.find('=') != std::string::npos) job.env.push_back(setting);
    if (value) job.env.push_back(format("{}={}", setting, value));
  }
  for (const auto& port : options.ports) job.ports.push_back({port.host, port.container, site.user.uid});
  if (options.entrypoint) job.entrypoint = options.entrypoint;
  if (options.name) request.name = *options.name;
  if (options.user) job.user = options.user;
  if (options.working_directory) job.working_directory = *options.working_directory;
  if (options.memory_bytes) job.memory_bytes = *options.memory_bytes;
  if (options.shared_memory_bytes) job.shared_memory_bytes = *options.shared_memory_bytes;
  if (options.cores) job.cores = *options.cores;
  if (options.processes_max) job.processes_max = *options.processes_max;
  if (options.interactive) job.input = STDIN_FILENO;
  job.read_only_root = job.read_only_root || options.read_only_root;
  for (const auto& note : options.unneeded) request.notes.push_back(note);
  return {};
}

Result<std::chrono::seconds> parse_time(std::string_view text) {
  constexpr std::pair<char, std::uint64_t> kUnits[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86'400}};
  std::string_view digits = text;
  std::uint64_t unit = 1;
  for (auto [letter, size] : kUnits)
    if (!text.empty() && text.back() == letter) digits.remove_suffix(1), unit = size;
  auto number = parse_decimal(digits);
  constexpr std::uint64_t kYear = 366 * 86'400;
  if (!number || *number == 0 || *number > kYear / unit)
    return invalid(format("\"{}\" is no time such as 90s, 30m, 6h or 2d", printable(text)));
  return std::chrono::seconds(static_cast<long>(*number * unit));
}

Result<double> parse_cores(std::string_view text) {
  char* end = nullptr;
  std::string copy(text);
  double cores = std::strtod(copy.c_str(), &end);
  constexpr double kCoresMax = 4096;
  if (copy.empty() || *end != '\0' || !(cores > 0) || cores > kCoresMax)
    return invalid(format("a number of processors such as 1 or 0.5 is expected, not \"{}\"", printable(text)));
  return cores;
}

}  // namespace pratique::cli
