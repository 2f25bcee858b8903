// What a rule is given, and the words rules are written in. Private to lint.
#pragma once

#include <functional>
#include <initializer_list>

#include "lint/expand.h"
#include "lint/lint.h"
#include "lint/shell.h"

namespace pratique::lint {

using Levels = std::array<std::optional<Severity>, 3>;  // general, gen3, tre
inline constexpr Levels kOff = {};
inline constexpr Levels kStyle = {Severity::Style, Severity::Style, Severity::Style};
inline constexpr Levels kInfo = {Severity::Info, Severity::Info, Severity::Info};
inline constexpr Levels kWarning = {Severity::Warning, Severity::Warning, Severity::Warning};
inline constexpr Levels kError = {Severity::Error, Severity::Error, Severity::Error};
// The environment's own checklist speaks only where its profile is chosen.
inline constexpr Levels kTreInfo = {std::nullopt, std::nullopt, Severity::Info};
inline constexpr Levels kTreWarning = {std::nullopt, std::nullopt, Severity::Warning};
inline constexpr Levels kTreError = {std::nullopt, std::nullopt, Severity::Error};

struct Argument {
  std::string text;  // quotes removed
  bool is_literal = true;
  Span span;
};

// One simple command with what merely starts it (sudo, env, exec, xargs …) taken off.
struct Command {
  std::string name;  // without directories: "apt-get"
  std::vector<Argument> arguments;
  std::vector<std::string> wrappers;
  std::vector<std::string> outputs;  // files it is redirected to
  Span span;

  // --flag, --flag=value, or the letter of "-f" anywhere in a cluster such as "-qqyf".
  bool has_flag(std::initializer_list<std::string_view> flags) const;
  // The first argument that is no flag: the verb of apt-get, pip, git.
  std::string_view verb(std::initializer_list<std::string_view> flags_with_value = {}) const;
  // Arguments that are neither flags nor values of the flags named; "--" ends flags.
  std::vector<const Argument*> operands(std::initializer_list<std::string_view> flags_with_value = {}) const;
  std::vector<const Argument*> operands(std::span<const std::string_view> flags_with_value) const;
};

struct Pipe {
  std::vector<Command> commands;
  Span span;
};

// A RUN, CMD, ENTRYPOINT or HEALTHCHECK and the commands in it.
struct Body {
  const Instruction* instruction = nullptr;
  std::size_t stage = SIZE_MAX;
  bool is_shell = true;  // false: another language, or another shell than POSIX's
  std::vector<std::pair<Span, std::string>> failures;
  std::vector<Command> commands;
  std::vector<Pipe> pipes;
  bool has_shell_list = false;  // more than one command: && ; | if …
  bool sets_pipefail = false;
};
Body read_body(const Dockerfile& file, const Instruction& instruction, bool shell_is_posix);

struct Subject {
  const Dockerfile& file;
  const Options& options;
  std::vector<Body> runs;            // of RUN and ONBUILD RUN, in order
  std::vector<Body> starts;          // CMD and ENTRYPOINT
  std::vector<Variables> variables;  // by stage, behind its last instruction

  Subject(const Dockerfile& of, const Options& with);
  // The stage that is built when none is named; SIZE_MAX without any.
  std::size_t final_stage() const { return file.stages.size() - 1; }
  // The stage and the earlier ones it continues, oldest first.
  std::vector<std::size_t> lineage(std::size_t stage) const;
  // Instructions of these stages, those inside ONBUILD left out.
  void each(Keyword keyword, const std::function<void(const Instruction&)>& seen) const;
  std::vector<const Instruction*> of_lineage(std::size_t stage, Keyword keyword) const;
  std::vector<const Body*> runs_of(std::size_t stage) const;  // of its lineage
  std::optional<std::string> variable(std::size_t stage, std::string_view name) const;
};

class Sink {
 public:
  Sink(const Dockerfile& file, Report& report) : file_(file), report_(report) {}
  void begin(const Rule& rule, Severity severity) { rule_ = &rule, severity_ = severity; }
  void add(Span span, std::string message);

 private:
  const Dockerfile& file_;
  Report& report_;
  const Rule* rule_ = nullptr;
  Severity severity_ = Severity::Info;
};

std::span<const Rule> structure_rules();
std::span<const Rule> stage_rules();
std::span<const Rule> package_rules();
std::span<const Rule> command_rules();
std::span<const Rule> label_rules();
std::span<const Rule> secret_rules();
std::span<const Rule> environment_rules();

// "root", "0", "root:group".
bool is_root(std::string_view user);
bool is_url(std::string_view text);
// .tar, .tar.gz, .tgz, .tar.xz …
bool is_archive(std::string_view path);
// RUN --mount=type=cache whose target contains this.
bool is_cache_mounted(const Instruction& run, std::string_view target);

}  // namespace pratique::lint
