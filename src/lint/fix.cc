// Rewrites that need no thought, and the diff that shows them.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "lint/rule.h"

namespace pratique::lint {

namespace {

struct Edit {
  Span span;  // replaced by
  std::string text;
  std::string change;
};

// Where a new argument goes: behind the verb, which stands in the file as it is meant.
std::optional<std::size_t> behind_verb(const Command& command, std::string_view verb) {
  for (const auto& argument : command.arguments)
    if (argument.text == verb) return argument.span.end;
  return std::nullopt;
}

const Command* command_at(const Subject& subject, const Finding& finding) {
  for (const auto& run : subject.runs) {
    // In the JSON form words are strings, and offsets of a script inside one are not places in the file.
    if (run.instruction->is_exec) continue;
    for (const auto& command : run.commands)
      if (command.span.begin == finding.span.begin && command.span.end == finding.span.end) return &command;
  }
  return nullptr;
}

std::optional<Edit> add_flag(const Subject& subject, const Finding& finding, std::string_view verb,
                             std::string_view flag) {
  const Command* command = command_at(subject, finding);
  auto at = command ? behind_verb(*command, verb) : std::nullopt;
  if (!at) return std::nullopt;
  return Edit{{*at, *at}, " " + std::string(flag), format("added {}", flag)};
}

bool is_plain_chain(const Instruction& run) {
  return !run.is_exec && run.heredocs.empty() && run.body.str().find_first_of(";|#(){}`<>") == std::string::npos;
}

// Only where the RUN is a chain of "&&": then the last command ran, and so will ours.
std::optional<Edit> remove_lists(const Subject& subject, const Finding& finding) {
  for (const auto& run : subject.runs) {
    if (run.instruction->name_span.begin != finding.span.begin || !is_plain_chain(*run.instruction)) continue;
    // A user without rights could not remove them: the command would fail where none failed before.
    for (const Instruction* user : subject.of_lineage(run.stage, Keyword::User))
      if (user->span.begin < run.instruction->span.begin) return std::nullopt;
    std::size_t end = run.instruction->span.end;
    if (end == 0 || subject.file.text[end - 1] == subject.file.escape || contains(run.instruction->body.str(), "||"))
      return std::nullopt;
    return Edit{{end, end}, " && rm -rf /var/lib/apt/lists/*", "removed the package lists"};
  }
  return std::nullopt;
}

std::optional<Edit> copy_for_add(const Subject& subject, const Finding& finding) {
  for (const auto& add : subject.file.instructions) {
    if (add.keyword != Keyword::Add || add.name_span.begin != finding.span.begin) continue;
    for (const auto& flag : add.flags)
      if (flag.name != "chown" && flag.name != "chmod" && flag.name != "link" && flag.name != "exclude")
        return std::nullopt;
    // A pattern may match an archive, and a bare name may be one: only names with an ending are known not to be.
    for (std::size_t i = 0; i + 1 < add.words.size(); ++i) {
      std::string_view source = add.words[i].value;
      auto slash = source.rfind('/');
      std::string_view name = slash == std::string_view::npos ? source : source.substr(slash + 1);
      bool is_directory = source == "." || source.ends_with('/');
      if (source.find_first_of("*?[") != std::string_view::npos) return std::nullopt;
      if (!is_directory && name.find('.', 1) == std::string_view::npos) return std::nullopt;
    }
    bool is_lower = add.name == to_lower(add.name);
    return Edit{add.name_span, is_lower ? "copy" : "COPY", "ADD became COPY"};
  }
  return std::nullopt;
}

std::string in_quotes(std::string_view text) {
  return "\"" + replace_all(replace_all(text, "\\", "\\\\"), "\"", "\\\"") + "\"";
}

std::optional<Edit> label_for_maintainer(const Subject& subject, const Finding& finding) {
  for (const auto& one : subject.file.instructions) {
    if (one.keyword != Keyword::Maintainer || one.span.begin != finding.span.begin || one.words.empty()) continue;
    if (contains(one.words[0].text, "$") || contains(one.words[0].text, "\\")) return std::nullopt;
    return Edit{one.span, "LABEL org.opencontainers.image.authors=" + in_quotes(one.words[0].value),
                "MAINTAINER became a LABEL"};
  }
  return std::nullopt;
}

// Plain words only: no variable, quote, pattern or operator the shell would have read.
std::optional<Edit> json_form(const Subject& subject, const Finding& finding) {
  for (const auto& one : subject.file.instructions) {
    bool starts = one.keyword == Keyword::Cmd || one.keyword == Keyword::Entrypoint;
    if (!starts || one.span.begin != finding.span.begin || one.is_exec || one.words.empty()) continue;
    constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 \t./_-:=,@+";
    const std::string& body = one.body.str();
    // A leading assignment or a builtin means something to the shell only.
    if (body.find_first_not_of(kPlain) != std::string::npos || contains(one.words[0].value, "=")) return std::nullopt;
    for (std::string_view builtin : {"cd", "exec", "source", ".", "export", "set", "ulimit", "umask", "eval", "exit"})
      if (one.words[0].value == builtin) return std::nullopt;
    std::string json = "[";
    for (const auto& word : one.words) json += (json.size() > 1 ? ", " : "") + in_quotes(word.value);
    return Edit{{one.words.front().span.begin, one.words.back().span.end}, json + "]", "the JSON form"};
  }
  return std::nullopt;
}

// CMD that gives arguments to an ENTRYPOINT, and the other way round, means something else in the other form.
bool has_both(const Subject& subject) {
  bool cmd = false, entrypoint = false;
  subject.each(Keyword::Cmd, [&](const Instruction&) { cmd = true; });
  subject.each(Keyword::Entrypoint, [&](const Instruction&) { entrypoint = true; });
  return cmd && entrypoint;
}

std::optional<Edit> edit_for(const Subject& subject, const Finding& finding) {
  std::string_view id = finding.rule->id;
  if (id == "DL3015") return add_flag(subject, finding, "install", "--no-install-recommends");
  if (id == "DL3014") return add_flag(subject, finding, "install", "-y");
  if (id == "DL3019") return add_flag(subject, finding, "add", "--no-cache");
  if (id == "DL3009") return remove_lists(subject, finding);
  if (id == "DL3020") return copy_for_add(subject, finding);
  if (id == "DL4000") return label_for_maintainer(subject, finding);
  if (id == "DL3025" && !has_both(subject)) return json_form(subject, finding);
  return std::nullopt;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

std::string marked(char mark, std::string_view line) {
  std::string out = mark + std::string(line);
  return line.ends_with('\n') ? out : out + "\n\\ No newline at end of file\n";
}

}  // namespace

Fixed fix(const Dockerfile& file, const Options& options) {
  Fixed fixed{file.text, {}};
  if (!file.problems.empty()) return fixed;  // what is not understood is not rewritten
  Subject subject(file, options);
  std::vector<Edit> edits;
  for (const auto& finding : check(file, options).findings) {
    auto edit = edit_for(subject, finding);
    // Lines stay lines: the diff, and everybody's notes about line numbers, hold afterwards.
    if (!edit || contains(file.text.substr(edit->span.begin, edit->span.end - edit->span.begin), "\n")) continue;
    edit->change = format("line {}: {}: {}", finding.from.line, finding.rule->id, edit->change);
    edits.push_back(std::move(*edit));
  }
  // From the end, so that earlier places stay where they are; of two edits at one place the first keeps its order.
  std::reverse(edits.begin(), edits.end());
  std::sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) {
    return a.span.begin != b.span.begin ? a.span.begin > b.span.begin : a.text < b.text;
  });
  for (const auto& edit : edits) {
    fixed.text.replace(edit.span.begin, edit.span.end - edit.span.begin, edit.text);
    fixed.changes.insert(fixed.changes.begin(), edit.change);
  }
  return fixed;
}

std::string unified_diff(std::string_view before, std::string_view after, std::string_view name) {
  auto old_lines = lines_of(before), new_lines = lines_of(after);
  // Fixes replace lines and add none, so that both have the same number: line n is line n.
  if (old_lines.size() != new_lines.size() || before == after) return {};
  constexpr std::size_t kContext = 3;
  std::string out = format("--- {0}\n+++ {0}\n", printable(name));
  for (std::size_t i = 0; i < old_lines.size();) {
    if (old_lines[i] == new_lines[i]) {
      ++i;
      continue;
    }
    std::size_t begin = i > kContext ? i - kContext : 0, end = i, last = i;
    while (end < old_lines.size() && end <= last + 2 * kContext) {
      if (old_lines[end] != new_lines[end]) last = end;
      ++end;
    }
    end = std::min(last + kContext + 1, old_lines.size());
    out += format("@@ -{0},{1} +{0},{1} @@\n", begin + 1, end - begin);
    for (std::size_t n = begin; n < end; ++n) {
      if (old_lines[n] == new_lines[n]) {
        out += marked(' ', old_lines[n]);
        continue;
      }
      out += marked('-', old_lines[n]);
      out += marked('+', new_lines[n]);
    }
    i = end;
  }
  return out;
}

}  // namespace pratique::lint
