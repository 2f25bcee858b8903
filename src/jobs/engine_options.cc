// Options of docker and podman, each with what it means here. A table, because a reader of the refusals must be able to
// see that nothing in it widens a job: what is not listed is refused by name.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/format.h"
#include "base/text.h"
#include "jobs/jobs.h"

namespace pratique::jobs {

namespace {

constexpr std::size_t kLinesMax = 10'000;
constexpr std::uint64_t kSizeMax = 1ull << 50;  // a petabyte: beyond it a number is a slip

enum class Takes { Nothing, Value };
using Reader = Status (*)(EngineOptions& options, const std::string& value);

struct Known {
  std::string_view names;  // "-e --env"
  Takes takes;
  Reader read;              // null: see `reason`
  std::string_view reason;  // why it is refused; "" with a null reader: it is so anyway
};

Result<double> parse_cores(const std::string& text) {
  char* end = nullptr;
  double cores = std::strtod(text.c_str(), &end);
  constexpr double kCoresMax = 4096;
  if (text.empty() || *end != '\0' || !(cores > 0) || cores > kCoresMax)
    return invalid(format("\"{}\" is no number of processors", printable(text)));
  return cores;
}

Result<std::uint16_t> parse_port(std::string_view text) {
  auto number = parse_decimal(text);
  if (!number || *number == 0 || *number > 65'535) return invalid(format("\"{}\" is no port", printable(text)));
  return static_cast<std::uint16_t>(*number);
}

// "8787", "8080:8787", "127.0.0.1:8080:8787", each with "/tcp" behind it or not.
Status read_port(EngineOptions& options, const std::string& value) {
  std::string_view text = value;
  if (text.ends_with("/tcp")) text.remove_suffix(4);
  auto pieces = split(text, ':');
  bool has_address = pieces.size() == 3;
  bool is_ours = has_address && (pieces[0] == "127.0.0.1" || pieces[0] == "localhost");
  if (pieces.size() > 3 || (has_address && !is_ours)) {
    options.refused.push_back({"-p " + value, "ports are published to 127.0.0.1 of this machine only"});
    return {};
  }
  PortRequest port;
  port.container = TRY(parse_port(pieces.back()));
  if (pieces.size() > 1 && !pieces[pieces.size() - 2].empty()) port.host = TRY(parse_port(pieces[pieces.size() - 2]));
  options.ports.push_back(port);
  return {};
}

void ask_bind(EngineOptions& options, const std::string& option, BindRequest bind) {
  for (std::string_view fixed : {"/safe_data", "/safe_outputs", "/scratch"}) {
    bool is_below = bind.target == fixed || bind.target.starts_with(std::string(fixed) + "/");
    if (is_below) {
      options.refused.push_back({option, format("{} is chosen by the environment and cannot be changed", fixed)});
      return;
    }
  }
  if (!bind.source.starts_with('/') && !bind.source.starts_with("./") && !bind.source.starts_with("../")) {
    options.refused.push_back({option, "named volumes do not exist here: nothing outlives a run but /safe_outputs"});
    return;
  }
  if (!bind.target.starts_with('/')) {
    options.refused.push_back({option, "the place inside the container must be an absolute path"});
    return;
  }
  options.binds.push_back(std::move(bind));
}

Status read_volume(EngineOptions& options, const std::string& value) {
  auto pieces = split(value, ':');
  if (pieces.size() < 2 || pieces.size() > 3) {
    options.refused.push_back({"-v " + value, "named and nameless volumes do not exist here"});
    return {};
  }
  BindRequest bind{.source = std::string(pieces[0]), .target = std::string(pieces[1])};
  if (pieces.size() == 3) {
    for (auto flag : split(pieces[2], ',')) bind.read_only = bind.read_only || flag == "ro";
  }
  ask_bind(options, "-v " + value, std::move(bind));
  return {};
}

Status read_mount(EngineOptions& options, const std::string& value) {
  BindRequest bind;
  std::string type = "volume";
  for (auto field : split(value, ',')) {
    auto parts = cut(field, "=");
    auto key = parts ? parts->first : field;
    auto text = parts ? parts->second : std::string_view("true");
    if (key == "type") type = text;
    if (key == "source" || key == "src") bind.source = text;
    if (key == "target" || key == "dst" || key == "destination") bind.target = text;
    if (key == "readonly" || key == "ro") bind.read_only = text != "false" && text != "0";
  }
  if (type == "tmpfs") {
    options.unneeded.push_back(format("--mount {}: {} is writable anyway and gone at the end", value, bind.target));
  } else if (type != "bind") {
    options.refused.push_back({"--mount " + value, "only bind and tmpfs mounts exist here"});
  } else {
    ask_bind(options, "--mount " + value, std::move(bind));
  }
  return {};
}

Status read_network(EngineOptions& options, const std::string& value) {
  if (value == "none") {
    options.unneeded.emplace_back("--network none: there never is a network");
  } else {
    options.refused.push_back({"--network " + value, "a job has no network; /safe_data is where input comes from"});
  }
  return {};
}

Status read_user(EngineOptions& options, const std::string& value) {
  options.user = value;
  return {};
}
Status read_memory(EngineOptions& options, const std::string& value) {
  options.memory_bytes = TRY(parse_size(value));
  return {};
}
Status read_shared_memory(EngineOptions& options, const std::string& value) {
  options.shared_memory_bytes = TRY(parse_size(value));
  return {};
}
Status read_cores(EngineOptions& options, const std::string& value) {
  options.cores = TRY(parse_cores(value));
  return {};
}
Status read_processes(EngineOptions& options, const std::string& value) {
  auto count = parse_decimal(value);
  if (!count || *count == 0 || *count > 1'000'000) return invalid("--pids-limit is a number of processes");
  options.processes_max = static_cast<std::uint32_t>(*count);
  return {};
}
Status read_env(EngineOptions& options, const std::string& value) {
  return options.env.push_back(value), Status();
}
Status read_env_file(EngineOptions& options, const std::string& value) {
  return options.env_files.push_back(value), Status();
}
Status read_entrypoint(EngineOptions& options, const std::string& value) {
  return options.entrypoint = value, Status();
}
Status read_name(EngineOptions& options, const std::string& value) {
  return options.name = value, Status();
}
Status read_working_directory(EngineOptions& options, const std::string& value) {
  return options.working_directory = value, Status();
}
Status read_id_file(EngineOptions& options, const std::string& value) {
  return options.container_id_file = value, Status();
}
Status set_interactive(EngineOptions& options, const std::string&) {
  return options.interactive = true, Status();
}
Status set_read_only(EngineOptions& options, const std::string& value) {
  return options.read_only_root = value != "false", Status();
}
Status set_remove(EngineOptions& options, const std::string&) {
  return options.remove_record = true, Status();
}
Status set_detach(EngineOptions& options, const std::string&) {
  return options.detach = true, Status();
}
Status set_gpu(EngineOptions& options, const std::string&) {
  return options.gpu = true, Status();
}
Status read_capability(EngineOptions& options, const std::string& value) {
  options.unneeded.push_back(format("--cap-drop {}: a job has no capabilities", value));
  return {};
}
Status read_platform(EngineOptions& options, const std::string& value) {
  if (value == "linux/amd64" || value == "linux/arm64") return {};
  options.refused.push_back({"--platform " + value, "an image runs on the platform it was approved for"});
  return {};
}
Status read_security(EngineOptions& options, const std::string& value) {
  if (value.starts_with("no-new-privileges")) {
    options.unneeded.push_back(format("--security-opt {}: it is so for every job", value));
  } else {
    options.refused.push_back({"--security-opt " + value, "the isolation of a job is not for the job to change"});
  }
  return {};
}

constexpr std::string_view kIsolation = "the isolation of a job is not for the job to change";
constexpr std::string_view kDevices = "devices are not given to jobs; --gpu is for graphics cards";
constexpr std::string_view kNoNetwork = "a job has no network";
constexpr std::string_view kLimits = "the limits of a job are set with --cores, --memory and --time";
constexpr auto kNone = Takes::Nothing;
constexpr auto kValue = Takes::Value;

constexpr std::array kKnown = std::to_array<Known>({
    {"-e --env", kValue, read_env, ""},
    {"--env-file", kValue, read_env_file, ""},
    {"-p --publish", kValue, read_port, ""},
    {"-v --volume", kValue, read_volume, ""},
    {"--mount", kValue, read_mount, ""},
    {"--net --network", kValue, read_network, ""},
    {"-u --user", kValue, read_user, ""},
    {"-w --workdir", kValue, read_working_directory, ""},
    {"--entrypoint", kValue, read_entrypoint, ""},
    {"--name", kValue, read_name, ""},
    {"--cidfile", kValue, read_id_file, ""},
    {"-m --memory", kValue, read_memory, ""},
    {"--shm-size", kValue, read_shared_memory, ""},
    {"--cpus", kValue, read_cores, ""},
    {"--pids-limit", kValue, read_processes, ""},
    {"-i --interactive", kNone, set_interactive, ""},
    {"--read-only", kNone, set_read_only, ""},
    {"--rm", kNone, set_remove, ""},
    {"-d --detach", kNone, set_detach, ""},
    {"--gpus", kValue, set_gpu, ""},
    {"--cap-drop", kValue, read_capability, ""},
    {"--platform", kValue, read_platform, ""},
    {"--security-opt", kValue, read_security, ""},
    {"-t --tty", kNone, nullptr, ""},
    {"--init", kNone, nullptr, ""},
    {"--rmi", kNone, nullptr, ""},
    {"-q --quiet", kNone, nullptr, ""},
    {"--log-driver", kValue, nullptr, ""},
    {"--log-opt", kValue, nullptr, ""},
    {"-l --label", kValue, nullptr, ""},
    {"--pull", kValue, nullptr, ""},
    {"--tmpfs", kValue, nullptr, ""},
    {"-h --hostname", kValue, nullptr, ""},
    {"--memory-swap", kValue, nullptr, ""},
    {"--stop-signal", kValue, nullptr, ""},
    {"--stop-timeout", kValue, nullptr, ""},
    {"--sig-proxy", kNone, nullptr, ""},
    {"--privileged", kNone, nullptr, kIsolation},
    {"--cap-add", kValue, nullptr, kIsolation},
    {"--userns", kValue, nullptr, kIsolation},
    {"--pid", kValue, nullptr, kIsolation},
    {"--ipc", kValue, nullptr, kIsolation},
    {"--uts", kValue, nullptr, kIsolation},
    {"--cgroupns", kValue, nullptr, kIsolation},
    {"--cgroup-parent", kValue, nullptr, kIsolation},
    {"--group-add", kValue, nullptr, kIsolation},
    {"--sysctl", kValue, nullptr, kIsolation},
    {"--runtime", kValue, nullptr, kIsolation},
    {"--volumes-from", kValue, nullptr, "a job sees no other job's files"},
    {"--device", kValue, nullptr, kDevices},
    {"--device-cgroup-rule", kValue, nullptr, kDevices},
    {"--add-host", kValue, nullptr, kNoNetwork},
    {"--dns", kValue, nullptr, kNoNetwork},
    {"--dns-search", kValue, nullptr, kNoNetwork},
    {"--link", kValue, nullptr, kNoNetwork},
    {"--expose", kValue, nullptr, kNoNetwork},
    {"-P --publish-all", kNone, nullptr, "name each port with -p"},
    {"--ulimit", kValue, nullptr, kLimits},
    {"--oom-kill-disable", kNone, nullptr, kLimits},
    {"--oom-score-adj", kValue, nullptr, kLimits},
    {"--cpu-shares", kValue, nullptr, kLimits},
    {"--cpuset-cpus", kValue, nullptr, kLimits},
    {"--restart", kValue, nullptr, "a run ends when its program ends"},
    {"--secret", kValue, nullptr, "secrets are not kept here; put files into /safe_data"},
});

const Known* find_known(std::string_view name) {
  for (const auto& known : kKnown) {
    for (auto candidate : split(known.names, ' '))
      if (candidate == name) return &known;
  }
  return nullptr;
}

// One option word, taken apart: "--env=A=1", "-eA=1", "-it".
struct Word {
  std::string name;
  std::optional<std::string> value;
};

std::vector<Word> take_apart(const std::string& word) {
  if (word.starts_with("--")) {
    auto parts = cut(word, "=");
    if (!parts) return {{word, std::nullopt}};
    return {{std::string(parts->first), std::string(parts->second)}};
  }
  std::vector<Word> words;
  for (std::size_t i = 1; i < word.size(); ++i) {
    auto name = format("-{}", word[i]);
    const auto* known = find_known(name);
    bool takes_rest = known && known->takes == Takes::Value && i + 1 < word.size();
    if (!takes_rest) {
      words.push_back({name, std::nullopt});
      continue;
    }
    auto rest = word.substr(i + 1);
    words.push_back({name, rest.starts_with('=') ? rest.substr(1) : rest});
    break;
  }
  return words;
}

Status take(EngineOptions& options, const Known& known, const std::string& name, const std::string& value) {
  auto shown = value.empty() ? name : name + " " + value;
  if (known.read) return known.read(options, value).with_context(name);
  if (known.reason.empty()) {
    options.unneeded.push_back(format("{}: has no effect here", shown));
  } else {
    options.refused.push_back({shown, std::string(known.reason)});
  }
  return {};
}

}  // namespace

Result<EngineOptions> read_engine_options(const std::vector<std::string>& words) {
  EngineOptions options;
  std::size_t i = 0;
  while (i < words.size() && words[i].size() > 1 && words[i][0] == '-') {
    if (words[i] == "--") {
      ++i;
      break;
    }
    auto parts = take_apart(words[i++]);
    for (auto& word : parts) {
      const auto* known = find_known(word.name);
      if (!known) {
        // Whether it takes a value is not known either, so the words after it cannot be read.
        return invalid(
            format("{} is not known here, and nothing that is not known is let through", printable(word.name)));
      }
      if (known->takes == Takes::Value && !word.value) {
        if (i >= words.size()) return invalid(word.name + " needs a value");
        word.value = words[i++];
      }
      TRY(take(options, *known, word.name, word.value.value_or("")));
    }
  }
  options.used = i;
  return options;
}

Result<std::vector<std::string>> read_argument_file(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return invalid("an argument holds a NUL byte");
  std::vector<std::string> words;
  std::string word;
  bool has_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    bool escapes = c == '\\' && quote != '\'' && i + 1 < text.size();
    if (escapes) {
      word.push_back(text[++i]);
      has_word = true;
    } else if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
      has_word = true;
    } else if (quote == 0 && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
      if (has_word) words.push_back(std::exchange(word, {}));
      has_word = false;
    } else if (quote == 0 && c == '#' && !has_word) {
      while (i + 1 < text.size() && text[i + 1] != '\n') ++i;
    } else {
      word.push_back(c);
      has_word = true;
    }
    if (words.size() > kLinesMax) return over_limit(format("there are more than {} arguments", kLinesMax));
  }
  if (quote != 0) return invalid(format("a quote {} is not closed", quote));
  if (has_word) words.push_back(std::move(word));
  return words;
}

Result<EngineOptions> read_option_file(std::string_view text) {
  std::vector<std::string> words = TRY(read_argument_file(text));
  auto options = TRY(read_engine_options(words));
  if (options.used < words.size()) {
    return invalid(format("\"{}\" is no option; the image and its arguments are not for an option file",
                          printable(words[options.used])));
  }
  return options;
}

Result<std::vector<std::string>> read_environment_file(
    std::string_view text, const std::function<std::optional<std::string>(const std::string&)>& lookup) {
  std::vector<std::string> settings;
  for (auto line : split(text, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    auto start = line.find_first_not_of(" \t");
    if (start == std::string_view::npos || line[start] == '#') continue;
    line.remove_prefix(start);
    if (line[0] == '=') return invalid(format("\"{}\" names no variable", printable(line)));
    if (line.find('=') != std::string_view::npos) {
      settings.emplace_back(line);
    } else if (auto value = lookup(std::string(line))) {
      settings.push_back(format("{}={}", line, *value));
    }
    if (settings.size() > kLinesMax) return over_limit(format("there are more than {} variables", kLinesMax));
  }
  return settings;
}

Result<std::uint64_t> parse_size(std::string_view text, std::uint64_t unit) {
  std::string_view digits = text;
  for (std::string_view end : {"iB", "ib", "B", "b"}) {
    if (digits.size() > end.size() && digits.ends_with(end)) {
      digits.remove_suffix(end.size());
      unit = 1;
      break;
    }
  }
  constexpr std::pair<char, std::uint64_t> kUnits[] = {
      {'k', 1ull << 10}, {'m', 1ull << 20}, {'g', 1ull << 30}, {'t', 1ull << 40}};
  for (auto [letter, size] : kUnits) {
    if (digits.empty() || (digits.back() | 0x20) != letter) continue;
    digits.remove_suffix(1);
    unit = size;
    break;
  }
  auto number = parse_decimal(digits);
  if (!number || *number == 0 || *number > kSizeMax / unit) {
    return invalid(format("\"{}\" is no size such as 512M or 4G", printable(text)));
  }
  return *number * unit;
}

}  // namespace pratique::jobs
