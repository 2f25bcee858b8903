#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/format.h"
#include "base/text.h"
#include "base/yaml.h"
#include "jobs/jobs.h"
#include "os/file.h"

namespace pratique::jobs {

namespace {

constexpr const char* kRulesFile = "/etc/pratique/run.yaml";
constexpr std::size_t kRulesBytesMax = 1 << 20;

Error at(const Yaml& where, std::string_view what) {
  return invalid(format("line {}: {}", where.line, what));
}

Status read(const Yaml& value, bool& into) {
  auto flag = value.as_bool();
  if (!flag) return at(value, "yes or no is expected");
  into = *flag;
  return {};
}

Status read(const Yaml& value, std::string& into) {
  bool is_path = value.kind == Yaml::Kind::Scalar && value.scalar.starts_with('/');
  if (!is_path) return at(value, "an absolute path is expected");
  into = value.scalar;
  return {};
}

Status read(const Yaml& value, std::vector<std::string>& into) {
  if (value.kind != Yaml::Kind::Sequence) return at(value, "a list is expected");
  for (const auto& item : value.items) {
    if (item.kind != Yaml::Kind::Scalar) return at(item, "a list of words is expected");
    into.push_back(item.scalar);
  }
  return {};
}

Status read(const Yaml& value, std::optional<std::vector<std::string>>& into) {
  return read(value, into.emplace());
}

Status read(const Yaml& value, std::optional<std::uint64_t>& into) {
  auto size = parse_size(value.scalar);
  if (!size) return at(value, size.error().message());
  into = *size;
  return {};
}

Status read(const Yaml& value, std::optional<double>& into) {
  auto cores = value.as_int();
  if (!cores || *cores <= 0) return at(value, "a number of processors is expected");
  into = static_cast<double>(*cores);
  return {};
}

Status read(const Yaml& value, std::optional<std::chrono::seconds>& into) {
  auto hours = value.as_int();
  if (!hours || *hours <= 0) return at(value, "a number of hours is expected");
  into = std::chrono::hours(*hours);
  return {};
}

// "read-write" and "read-only" are the only words for data, "read-only" and "open" the only ones for outputs.
Status read(const Yaml& value, ProjectRules& into) {
  if (value.kind != Yaml::Kind::Mapping) return at(value, "a project has the keys data and outputs_at_exit");
  for (const auto& [key, setting] : value.members) {
    if (key.scalar == "data" && (setting.scalar == "read-only" || setting.scalar == "read-write")) {
      into.data = setting.scalar == "read-write" ? Writing::Allowed : Writing::Refused;
    } else if (key.scalar == "outputs_at_exit" && (setting.scalar == "read-only" || setting.scalar == "open")) {
      into.outputs_at_exit = setting.scalar == "read-only" ? Sealing::ReadOnly : Sealing::Open;
    } else {
      return at(key, format("{}: {} is not known for a project", printable(key.scalar), printable(setting.scalar)));
    }
  }
  return {};
}

Status read_projects(const Yaml& value, HostRules& rules) {
  if (value.kind != Yaml::Kind::Mapping) return at(value, "projects are a table of names");
  for (const auto& [key, setting] : value.members) {
    auto& project = key.scalar == "default" ? rules.other_projects : rules.projects[key.scalar];
    TRY(read(setting, project));
  }
  return {};
}

Status read_rule(const std::string& key, const Yaml& value, HostRules& rules) {
  if (key == "projects_directory") return read(value, rules.projects_directory);
  if (key == "projects") return read_projects(value, rules);
  if (key == "directories_are_fixed") return read(value, rules.directories_are_fixed);
  if (key == "outputs_directory") return read(value, rules.outputs_directory);
  if (key == "scratch_directory") return read(value, rules.scratch_directory);
  if (key == "workflow_directories") return read(value, rules.workflow_directories);
  if (key == "users") return read(value, rules.users);
  if (key == "groups") return read(value, rules.groups);
  if (key == "hosts") return read(value, rules.hosts);
  if (key == "keep_images") return read(value, rules.keep_images);
  if (key == "read_only_root") return read(value, rules.read_only_root);
  if (key == "memory_max") return read(value, rules.memory_bytes_max);
  if (key == "scratch_max") return read(value, rules.scratch_bytes_max);
  if (key == "cores_max") return read(value, rules.cores_max);
  if (key == "hours_max") return read(value, rules.time_max);
  return at(value, format("there is no rule {}", printable(key)));
}

bool holds(const std::vector<std::string>& list, const std::string& word) {
  return std::ranges::find(list, word) != list.end();
}

bool belongs_to(const std::string& project, const std::vector<std::string>& groups) {
  return std::ranges::any_of(
      groups, [&](const std::string& group) { return group == project || group.ends_with("-" + project); });
}

}  // namespace

const ProjectRules& HostRules::rules_of(const std::string& project) const {
  auto found = projects.find(project);
  return found == projects.end() ? other_projects : found->second;
}

Result<HostRules> parse_host_rules(std::string_view yaml) {
  auto document = TRY(parse_yaml(yaml, {.bytes_max = kRulesBytesMax, .nodes_max = 100'000, .depth_max = 8}));
  HostRules rules;
  if (document.kind == Yaml::Kind::Null) return rules;
  if (document.kind != Yaml::Kind::Mapping) return invalid("the rules are no table of keys and values");
  // What is not said of projects is the closed answer, whatever order the file has.
  for (const auto& [key, value] : document.members) TRY(read_rule(key.scalar, value, rules));
  return rules;
}

Result<HostRules> load_host_rules(const User& user) {
  const char* named = std::getenv("PRATIQUE_RUN_RULES");
  bool may_name = named && *named && !user.through_sudo;
  std::string path = may_name ? named : kRulesFile;
  if (!may_name && !os::exists(path)) return HostRules();
  return parse_host_rules(TRY(os::read_file(path, kRulesBytesMax))).with_context("rules in " + path);
}

Status check_enabled(const HostRules& rules, const User& user, const std::string& host) {
  if (rules.hosts && !holds(*rules.hosts, host)) {
    return denied(format("running images is not enabled on {}; ask whoever governs this environment", host));
  }
  if (!rules.users && !rules.groups) return {};
  bool is_named = rules.users && holds(*rules.users, user.name);
  bool is_member =
      rules.groups && std::ranges::any_of(user.groups, [&](const auto& g) { return holds(*rules.groups, g); });
  if (is_named || is_member) return {};
  return denied(format("{} is not enabled to run images on {}; ask whoever governs this environment", user.name, host));
}

Result<std::string> choose_project(const std::vector<std::string>& directories, const std::vector<std::string>& groups,
                                   const std::string& wanted) {
  std::vector<std::string> fitting;
  for (const auto& directory : directories) {
    if (belongs_to(directory, groups)) fitting.push_back(directory);
  }
  if (!wanted.empty()) {
    if (holds(fitting, wanted)) return wanted;
    return denied(format("you are in no group of the project {}", printable(wanted)));
  }
  if (fitting.empty()) return not_found("cannot find a project directory corresponding to any of your groups");
  if (fitting.size() == 1) return fitting.front();
  return conflict(format("you are in several projects: {}; choose with --project", join(fitting, ", ")));
}

}  // namespace pratique::jobs
