// lint: checks Dockerfiles. Advises by default; exits 3 for errors, or for what --fail-on names.
#include "lint/lint.h"

#include <algorithm>
#include <filesystem>

#include "base/format.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/linting.h"
#include "cli/output.h"
#include "os/fd.h"
#include "os/file.h"

namespace pratique::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSurroundingsBytesMax = 1 << 20;  // workflows and ignore files are some KiB
constexpr std::size_t kAutomationFilesMax = 100;
constexpr int kParentsMax = 64;
constexpr std::string_view kFormats[] = {"table", "json", "sarif", "github", "hadolint", "trivy"};

struct Wishes {
  std::string form;
  std::optional<lint::Severity> fail_on = lint::Severity::Error;
  lint::Options options;
};

// `--block DL3008,T1` and `--block DL3008 --block T1` are the same.
Result<std::set<std::string>> rule_ids(const Arguments& arguments, std::string_view option) {
  std::set<std::string> ids;
  for (const auto& value : arguments.values(option))
    for (auto id : split(value, ',')) {
      if (lint::find_rules(id).empty())
        return invalid(format("{}: there is no rule \"{}\"", option, printable(id, 40)));
      ids.emplace(trim(id));
    }
  return ids;
}

Status read_ignores(const Arguments& arguments, lint::Options& options) {
  for (const auto& id : TRY(rule_ids(arguments, "--ignore"))) options.ignores.push_back({id, "--ignore"});
  std::string path = arguments.value("--ignore-file");
  bool is_given = !path.empty();
  if (!is_given) path = ".pratiqueignore";
  auto text = os::read_file(path, kSurroundingsBytesMax);
  if (!text.ok() && (is_given || text.error().kind() != ErrorKind::NotFound)) return text.error();
  if (!text.ok()) return {};
  for (auto& ignore : TRY(lint::parse_ignore_file(*text).with_context(path)))
    options.ignores.push_back(std::move(ignore));
  return {};
}

Result<Wishes> read_wishes(const Arguments& arguments) {
  Wishes wishes;
  wishes.form = arguments.value("--format");
  if (std::find(std::begin(kFormats), std::end(kFormats), wishes.form) == std::end(kFormats))
    return invalid(
        format("--format is table, json, sarif, github, hadolint or trivy, not \"{}\"", printable(wishes.form)));
  auto profile = lint::parse_profile(arguments.value("--profile"));
  if (!profile) return invalid("--profile is general, gen3 or tre");
  wishes.options.profile = *profile;
  if (std::string level = arguments.value("--fail-on"); level == "none") {
    wishes.fail_on = std::nullopt;
  } else {
    wishes.fail_on = lint::parse_severity(level);
    if (!wishes.fail_on) return invalid("--fail-on is error, warning, info, style or none");
  }
  wishes.options.blocking = TRY(rule_ids(arguments, "--block"));
  wishes.options.enabled = TRY(rule_ids(arguments, "--enable"));
  wishes.options.trusted_registries = arguments.values("--trusted-registry");
  for (const auto& label : arguments.values("--require-label"))
    wishes.options.labels.push_back(TRY(lint::parse_label_rule(label).with_context("--require-label")));
  wishes.options.strict_labels = arguments.has("--strict-labels");
  TRY(read_ignores(arguments, wishes.options));
  return wishes;
}

std::string read_or_empty(const fs::path& path) {
  auto text = os::read_file(path.string(), kSurroundingsBytesMax);
  return text.ok() ? *text : "";
}

std::string automation_of(const fs::path& root) {
  std::string text;
  for (std::string_view name : {".gitlab-ci.yml", ".pre-commit-config.yaml", "Jenkinsfile", ".travis.yml"})
    text += read_or_empty(root / name);
  std::error_code failed;
  std::size_t files = 0;
  for (fs::directory_iterator at(root / ".github/workflows", failed), end; !failed && at != end; at.increment(failed))
    if (++files <= kAutomationFilesMax && at->is_regular_file(failed)) text += read_or_empty(at->path());
  return text;
}

// A directory stands for the Dockerfile in it.
std::string resolve(const std::string& operand) {
  std::error_code failed;
  if (!fs::is_directory(operand, failed)) return operand;
  for (std::string_view name : {"Dockerfile", "Containerfile"})
    if (fs::exists(fs::path(operand) / name, failed)) return (fs::path(operand) / name).string();
  return (fs::path(operand) / "Dockerfile").string();
}

Result<std::string> read_source(const std::string& path) {
  if (path != "-") return os::read_file(path, lint::kFileBytesMax);
  return os::read_to_end(TRY(os::open_for_reading("/dev/stdin")), lint::kFileBytesMax);
}

std::string render(const std::vector<lint::Checked>& all, const std::string& form, bool colour) {
  if (form == "json") return lint::to_json(all).dump_pretty();
  if (form == "sarif") return lint::to_sarif(all).dump_pretty();
  if (form == "hadolint") return lint::to_hadolint(all).dump_pretty();
  if (form == "trivy") return lint::to_trivy(all).dump_pretty();
  std::string text;
  for (const auto& one : all) text += form == "github" ? lint::render_github(one) : lint::render_text(one, colour);
  return text;
}

// Writes what is safe to rewrite, or only shows it; the diff goes where it is not taken for the report.
Result<std::string> apply_fixes(const Context& context, const std::string& path, std::string text,
                                const lint::Options& options) {
  auto fixed = lint::fix(TRY(lint::parse(text)), options);
  if (fixed.changes.empty()) return text;
  print_note(lint::unified_diff(text, fixed.text, path));
  for (const auto& change : fixed.changes) print_note(format("{}: {}\n", printable(path), change));
  if (context.arguments.has("--dry-run")) return text;
  if (path == "-") {
    print(fixed.text);
  } else {
    std::error_code failed;
    auto mode = static_cast<unsigned>(fs::status(path, failed).permissions());
    TRY(os::write_file(path, fixed.text, failed ? 0644 : mode & 0777));
  }
  return fixed.text;
}

int explain(const std::string& id) {
  auto found = lint::find_rules(id);
  if (found.empty()) {
    print_note(format("pratique lint: there is no rule \"{}\"; docs/rules lists them\n", printable(id, 40)));
    return kWrongUsage;
  }
  for (std::size_t i = 0; i < found.size(); ++i) print((i ? "\n" : "") + lint::rule_page(*found[i]));
  return kDone;
}

int wrong_usage(std::string_view why) {
  print_note(format("pratique lint: {} — see `pratique lint --help`\n", why));
  return kWrongUsage;
}

}  // namespace

// The builder looks for "<name>.dockerignore" first, then for ".dockerignore" in the context, most often beside it.
lint::Surroundings look_around(const std::string& path) {
  std::error_code failed;
  fs::path file = fs::absolute(path, failed);
  if (failed) return {};
  lint::Surroundings found;
  found.dockerignore = read_or_empty(file.string() + ".dockerignore");
  if (found.dockerignore->empty()) found.dockerignore = read_or_empty(file.parent_path() / ".dockerignore");
  if (found.dockerignore->empty()) found.dockerignore = read_or_empty(".dockerignore");
  fs::path at = file.parent_path();
  found.is_in_git = false;
  for (int i = 0; i < kParentsMax; ++i, at = at.parent_path()) {
    if (fs::exists(at / ".git", failed)) {
      found.is_in_git = true;
      found.automation = automation_of(at);
      break;
    }
    if (at == at.parent_path()) break;
  }
  return found;
}

Result<int> lint_command(const Context& context) {
  const Arguments& arguments = context.arguments;
  if (arguments.has("--explain")) return explain(arguments.value("--explain"));
  if (arguments.has("--problem-matcher")) return print(problem_matcher()), kDone;
  if (arguments.has("--lsp")) return serve_language(arguments.value("--profile"));
  if (arguments.has("--image")) return lint_image(context, arguments.value("--image"));
  if (arguments.operands().empty()) return wrong_usage("DOCKERFILE is missing");
  auto wishes = read_wishes(arguments);
  if (!wishes.ok()) return wrong_usage(wishes.error().message());
  std::vector<lint::Dockerfile> files;
  files.reserve(arguments.operands().size());  // the reports point into it
  std::vector<lint::Checked> all;
  bool prints_fixed = false;
  for (const auto& operand : arguments.operands()) {
    std::string path = resolve(operand);
    lint::Options options = wishes->options;
    if (path != "-") options.surroundings = look_around(path);
    std::string text = TRY(read_source(path));
    if (arguments.has("--fix")) text = TRY(apply_fixes(context, path, std::move(text), options));
    prints_fixed = prints_fixed || (arguments.has("--fix") && path == "-");
    files.push_back(TRY(lint::parse(std::move(text)).with_context(path)));
    all.push_back({&files.back(), lint::check(files.back(), options, path)});
  }
  std::string report = render(all, wishes->form, context.colour && !arguments.has("--output"));
  if (arguments.has("--output"))
    TRY(os::write_file(arguments.value("--output"), report, 0644));
  else if (prints_fixed)
    print_note(report);  // standard output carries the fixed file
  else
    print(report);
  bool fails = std::any_of(all.begin(), all.end(), [&](const lint::Checked& one) {
    return wishes->fail_on && (one.report.is_cut || one.report.has(*wishes->fail_on));
  });
  return fails ? kVerdictNegative : kDone;
}

}  // namespace pratique::cli
