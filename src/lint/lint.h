// What a Dockerfile says, and what of it will be regretted: a syntax tree with exact positions, and rules over it.
//
//   auto file = TRY(lint::parse(text));
//   auto report = lint::check(file, {.profile = lint::Profile::Tre});
//   for (const auto& finding : report.findings) …                  // render_* print them
//
// Pure: no files, no network, no clock; whoever calls brings the text and what lies around it. Findings advise; what
// blocks is an Error of the profile, or what the project names in `Options::blocking`. Value types, no shared state.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "lint/language_server.h"

namespace pratique::lint {

// Real files have some hundred lines. Above these a file is an attack on the reader, not a recipe.
inline constexpr std::size_t kFileBytesMax = 8 << 20;
inline constexpr std::size_t kInstructionsMax = 20'000;
inline constexpr std::size_t kHeredocsMax = 64;   // of one instruction
inline constexpr std::size_t kProblemsMax = 200;  // later ones of a broken file repeat the first
inline constexpr std::size_t kFindingsMax = 5'000;

struct Position {
  std::size_t line = 1, column = 1;  // 1-based; columns in bytes
  auto operator<=>(const Position&) const = default;
};
struct Span {  // half-open bytes of the file
  std::size_t begin = 0, end = 0;
};

// Text as the builder sees it, continuation lines joined and comments between them gone, that knows where it came from.
class Text {
 public:
  void append(std::string_view piece, std::size_t source);
  const std::string& str() const { return text_; }
  // The place in the file of byte `at`; of the end for at == size.
  std::size_t source(std::size_t at) const;
  Span span(std::size_t begin, std::size_t end) const;
  Text part(std::size_t begin, std::size_t end) const;

 private:
  struct Piece {
    std::size_t at, source;
  };
  std::string text_;
  std::vector<Piece> pieces_;
};

// clang-format off
enum class Keyword {
  Add, Arg, Cmd, Copy, Entrypoint, Env, Expose, From, Healthcheck, Label, Maintainer, Onbuild, Run, Shell, Stopsignal,
  User, Volume, Workdir, Unknown
};
// clang-format on
std::string_view to_string(Keyword keyword);  // "ADD"; "" for Unknown
struct Word {
  std::string text;   // as written, quotes and variables included
  std::string value;  // quotes and escapes removed, variables left as written
  Span span;
};
struct Flag {  // --name=value; some stand alone: --link
  std::string name, value;
  Span span;
};
struct Pair {  // of ENV, LABEL, ARG; value is absent in `ARG name`
  Word key;
  std::optional<Word> value;
};
struct Heredoc {
  std::string name;
  bool expands = true;       // false when the delimiter is quoted
  bool strips_tabs = false;  // <<-
  Text content;              // without the delimiter line
  Word redirection;          // the word "<<EOF"
};

struct Instruction {
  Keyword keyword = Keyword::Unknown;
  std::string name;      // as written
  Span span, name_span;  // keyword to the last byte that is not blank, heredocs included
  std::vector<Flag> flags;
  bool is_exec = false;     // the JSON form
  Text body;                // what follows the flags
  std::vector<Word> words;  // of the body; the elements in the exec form
  std::vector<Pair> pairs;
  std::vector<Heredoc> heredocs;
  std::vector<Instruction> inner;  // ONBUILD's one instruction; HEALTHCHECK's CMD
  std::size_t stage = SIZE_MAX;    // index in Dockerfile::stages; SIZE_MAX before the first FROM

  const Flag* flag(std::string_view flag_name) const;
};

struct Stage {
  std::size_t from = 0;               // index of its FROM
  std::size_t end = 0;                // index behind its last instruction
  std::string name;                   // lower case as the builder compares; "" without AS
  Word base;                          // as written
  std::string image;                  // variables replaced where their values are in the file
  bool image_is_known = false;        // every variable in it has a value
  std::optional<std::size_t> parent;  // the earlier stage it continues
  std::string platform;               // of --platform, as written
};

struct Comment {
  std::string text;  // without "#", trimmed
  std::size_t line = 0;
};
struct Problem {  // something the builder would refuse
  Span span;
  std::string message;
};

struct Dockerfile {
  std::string text;
  std::string syntax;  // of the "# syntax=" directive
  char escape = '\\';
  std::string checks;  // of the "# check=" directive
  std::vector<Instruction> instructions;
  std::vector<Stage> stages;
  std::vector<Comment> comments;
  std::vector<Problem> problems;
  std::vector<std::size_t> line_starts;

  Position position(std::size_t offset) const;
  std::string_view line(std::size_t number) const;  // without its end; "" beyond the file
};

// Reads as BuildKit does, and goes on behind every error: those are in `problems`. Limit beyond kFileBytesMax and
// kInstructionsMax only.
Result<Dockerfile> parse(std::string text);

// .dockerignore as the builder reads it: the last pattern that matches decides; "!" takes back.
class DockerIgnore {
 public:
  static DockerIgnore parse(std::string_view text);
  bool ignores(std::string_view path) const;  // relative, "/" between components

 private:
  struct Pattern {
    std::vector<std::string> components;
    bool keeps = false;
  };
  std::vector<Pattern> patterns_;
};

enum class Severity { Style, Info, Warning, Error };
std::string_view to_string(Severity severity);  // "style", "info", "warning", "error"
std::optional<Severity> parse_severity(std::string_view text);
enum class Profile { General, Gen3, Tre };
std::optional<Profile> parse_profile(std::string_view text);  // "general", "gen3", "tre"

struct Subject;
class Sink;
struct Rule {
  std::string_view id;                              // "DL3008", "DS-0004", "T1"
  std::string_view aliases;                         // separated by blanks
  std::array<std::optional<Severity>, 3> severity;  // by profile; nullopt: off unless asked for
  std::string_view title;                           // one sentence without full stop
  std::string_view harm;                            // what happens if ignored
  std::string_view fix;                             // what to write instead
  std::string_view trivy_severity;                  // of its DS check: "HIGH"
  void (*check)(const Subject& subject, Sink& sink);
};

std::span<const Rule> rules();
// By id or alias in any spelling: DS-0005, ds005, AVD-DS-0005, DL3020, D7. An alias may name several.
std::vector<const Rule*> find_rules(std::string_view id);
std::string rule_page(const Rule& rule);  // Markdown: docs/rules/<ID>.md
std::string rule_index();                 // docs/rules/README.md
struct Ignore {                           // of an ignore file
  std::string id, reason;
};
// Lines "ID reason…"; "#" starts a comment. Invalid with the line for an unknown id or a missing reason.
Result<std::vector<Ignore>> parse_ignore_file(std::string_view text);
enum class LabelKind { Text, Time, Semver, Url, Hash, Spdx, Email };
struct LabelRule {
  std::string name;
  LabelKind kind = LabelKind::Text;
};
Result<LabelRule> parse_label_rule(std::string_view text);  // "version:semver"

// What lies around the Dockerfile; absent where nobody looked.
struct Surroundings {
  std::optional<std::string> dockerignore;  // its text, "" when there is none
  std::optional<bool> is_in_git;
  std::optional<std::string> automation;  // the texts of CI and pre-commit files, "" when there are none
};
struct Options {
  Profile profile = Profile::General;
  std::set<std::string> blocking;  // ids or aliases that count as errors here
  std::set<std::string> enabled;   // ids or aliases that are off by default
  std::vector<Ignore> ignores;
  std::vector<std::string> trusted_registries;
  std::vector<LabelRule> labels;  // required labels and their kinds
  bool strict_labels = false;
  Surroundings surroundings;
};
struct Finding {
  const Rule* rule = nullptr;
  Severity severity = Severity::Info;
  Span span;
  Position from, to;
  std::string message;
};
struct Suppressed {
  Finding finding;
  std::string reason;
  std::string where;  // "line 3", "ignore file"
};

struct Report {
  std::string file;               // as named by the caller
  std::vector<Finding> findings;  // by place
  std::vector<Suppressed> suppressed;
  std::size_t rules_run = 0;
  bool is_cut = false;  // more than kFindingsMax
  bool has(Severity at_least) const;
};
Report check(const Dockerfile& file, const Options& options = {}, std::string_view name = "Dockerfile");

struct Checked {
  const Dockerfile* file = nullptr;
  Report report;
};
std::string render_text(const Checked& checked, bool colour);
std::string render_github(const Checked& checked);  // workflow commands: ::warning file=…
Json to_json(std::span<const Checked> all);         // docs/formats/lint.md
Json to_sarif(std::span<const Checked> all);        // SARIF 2.1.0
Json to_hadolint(std::span<const Checked> all);     // hadolint's `-f json`
Json to_trivy(std::span<const Checked> all);        // Trivy's `config --format json`
struct Fixed {
  std::string text;                  // equals the input where nothing was safe to change
  std::vector<std::string> changes;  // "line 3: DL3015: …"
};
// Rewrites that need no thought, line by line. Suppressed findings are left alone; fixing twice changes nothing.
Fixed fix(const Dockerfile& file, const Options& options = {});
std::string unified_diff(std::string_view before, std::string_view after, std::string_view name);

}  // namespace pratique::lint
