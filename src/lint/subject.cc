// From the syntax tree to what rules ask about: commands, pipes, users, variables.
#include <algorithm>

#include "base/text.h"
#include "lint/rule.h"

namespace pratique::lint {

namespace {

std::string base_name(std::string_view path) {
  auto slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

bool is_assignment_text(std::string_view text) {
  auto equal = text.find('=');
  return equal != std::string_view::npos && equal > 0 && text[0] != '-' && text.find_first_of("/ .:") > equal;
}

struct Wrapper {
  std::string_view name;
  std::string_view flags_with_value;  // separated by blanks
};
constexpr Wrapper kWrappers[] = {
    {"sudo", "-u -g -C -h -p -r -t -U --user --group"},
    {"env", "-u -C --unset --chdir"},
    {"exec", "-a"},
    {"command", ""},
    {"nice", "-n"},
    {"nohup", ""},
    {"time", "-f -o"},
    {"eatmydata", ""},
    {"builtin", ""},
    {"gosu", ""},
    {"xargs", "-I -n -P -L -d -a -s -E"},
    {"tini", ""},
    {"dumb-init", ""},
};

// Takes off what only starts another program; what stays is named by its last path component.
void unwrap(Command& command) {
  for (bool again = true; again;) {
    again = false;
    for (const auto& wrapper : kWrappers) {
      if (command.name != wrapper.name) continue;
      auto with_value = split(wrapper.flags_with_value, ' ');
      std::size_t i = 0;
      while (i < command.arguments.size()) {
        const std::string& text = command.arguments[i].text;
        if (text == "--") {
          ++i;
          break;
        }
        bool is_flag = text.starts_with('-') && text.size() > 1;
        if (!is_flag && !(wrapper.name == "env" && is_assignment_text(text))) break;
        bool takes_next = is_flag && std::find(with_value.begin(), with_value.end(), text) != with_value.end();
        i += takes_next ? 2 : 1;
      }
      if (wrapper.name == "gosu") ++i;
      if (i >= command.arguments.size()) return;
      command.wrappers.push_back(command.name);
      command.name = base_name(command.arguments[i].text);
      command.arguments.erase(command.arguments.begin(), command.arguments.begin() + static_cast<long>(i) + 1);
      again = true;
      break;
    }
  }
}

class BodyReader {
 public:
  BodyReader(const Dockerfile& file, Body& body) : file_(file), body_(body) {}

  void read_script(const Text& text) {
    auto parsed = shell::parse(text.str());
    if (parsed.failure) {
      std::size_t at = text.source(std::min(parsed.failure->at, text.str().size()));
      at = std::min(at, file_.text.size());
      body_.failures.push_back({Span{at, at}, parsed.failure->message});
    }
    bool single = parsed.script.size() == 1 && parsed.script[0].kind == shell::Kind::Simple;
    body_.has_shell_list = body_.has_shell_list || !single;
    shell::visit(parsed.script, [&](const shell::Node& node) {
      if (node.kind == shell::Kind::Simple) read_simple(node, text);
      if (node.kind == shell::Kind::Pipeline) read_pipe(node, text);
    });
  }

  void read_exec(const std::vector<Word>& words) {
    if (words.empty()) return;
    Command command;
    command.name = base_name(words[0].value);
    command.span = {words.front().span.begin, words.back().span.end};
    for (std::size_t i = 1; i < words.size(); ++i)
      command.arguments.push_back({words[i].value, words[i].value.find('$') == std::string::npos, words[i].span});
    bool is_shell = command.name == "sh" || command.name == "bash" || command.name == "ash" || command.name == "dash";
    auto dash_c = std::find_if(command.arguments.begin(), command.arguments.end(), [](const Argument& argument) {
      return argument.text.starts_with('-') && !argument.text.starts_with("--") && argument.text.ends_with('c');
    });
    if (is_shell && dash_c != command.arguments.end() && std::next(dash_c) != command.arguments.end()) {
      Text script;  // the text inside a JSON string has other lengths than in the file: it all lies at its beginning
      for (char c : std::next(dash_c)->text) script.append(std::string_view(&c, 1), std::next(dash_c)->span.begin);
      return read_script(script);
    }
    unwrap(command);
    body_.commands.push_back(std::move(command));
  }

 private:
  std::optional<Command> make_command(const shell::Node& node, const Text& text) const {
    if (node.words.empty() || !node.words[0].is_literal) return std::nullopt;
    Command command;
    command.name = base_name(node.words[0].text);
    std::size_t end = std::max(node.begin + 1, std::min(node.end, text.str().size()));
    while (end > node.begin + 1 && (text.str()[end - 1] == ' ' || text.str()[end - 1] == '\t')) --end;
    command.span = text.span(node.begin, end);
    for (std::size_t i = 1; i < node.words.size(); ++i)
      command.arguments.push_back(
          {node.words[i].text, node.words[i].is_literal, text.span(node.words[i].begin, node.words[i].end)});
    for (const auto& redirection : node.redirections)
      if (redirection.operation.find('>') != std::string::npos) command.outputs.push_back(redirection.target.text);
    unwrap(command);
    return command;
  }

  void read_simple(const shell::Node& node, const Text& text) {
    auto command = make_command(node, text);
    if (!command) return;
    if (command->name == "set")
      for (const auto& argument : command->arguments)
        if (argument.text == "pipefail") body_.sets_pipefail = true;
    body_.commands.push_back(std::move(*command));
  }

  void read_pipe(const shell::Node& node, const Text& text) {
    Pipe pipe;
    pipe.span = text.span(node.begin, std::max(node.begin + 1, node.end));
    for (const auto& child : node.children)
      if (auto command = make_command(child, text)) pipe.commands.push_back(std::move(*command));
    body_.pipes.push_back(std::move(pipe));
  }

  const Dockerfile& file_;
  Body& body_;
};

bool is_posix_shell(std::string_view program) {
  std::string name = base_name(program);
  return name == "sh" || name == "bash" || name == "ash" || name == "dash" || name == "ksh" || name == "zsh" ||
         name == "busybox";
}

// "#!/usr/bin/env python3" → "python3"; "" without one.
std::string shebang_program(std::string_view script) {
  if (!script.starts_with("#!")) return {};
  std::string_view line = trim(script.substr(2, script.find('\n') - 2));
  auto words = split(line, ' ');
  std::string program = base_name(words[0]);
  if (program == "env" && words.size() > 1) program = std::string(words.back());
  return program;
}

void read_heredoc_body(const Instruction& instruction, BodyReader& reader, Body& body) {
  std::string_view interpreter;
  for (const auto& word : instruction.words)
    if (word.text.find("<<") == std::string::npos) {
      interpreter = word.value;
      break;
    }
  bool body_is_script = interpreter.empty();
  for (const auto& heredoc : instruction.heredocs) {
    std::string program = body_is_script ? shebang_program(heredoc.content.str()) : base_name(interpreter);
    if (program.empty() || is_posix_shell(program)) {
      reader.read_script(heredoc.content);
      body.has_shell_list = true;
    } else if (body_is_script) {
      body.is_shell = false;
    }
    if (body_is_script) return;  // only the first is the script
  }
  if (!body_is_script) reader.read_script(instruction.body);
}

}  // namespace

bool Command::has_flag(std::initializer_list<std::string_view> flags) const {
  for (const auto& argument : arguments)
    for (auto flag : flags) {
      std::string_view text = argument.text;
      if (text == flag) return true;
      if (flag.starts_with("--") && text.starts_with(flag) && text.substr(flag.size()).starts_with('=')) return true;
      bool is_cluster = text.size() > 1 && text[0] == '-' && text[1] != '-' && flag.size() == 2 && flag[1] != '-';
      if (is_cluster && text.substr(0, text.find('=')).find(flag[1], 1) != std::string_view::npos) return true;
    }
  return false;
}

std::vector<const Argument*> Command::operands(std::span<const std::string_view> flags_with_value) const {
  std::vector<const Argument*> found;
  bool only_operands = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& text = arguments[i].text;
    if (!only_operands && text == "--") {
      only_operands = true;
    } else if (!only_operands && text.starts_with('-') && text.size() > 1) {
      i += std::find(flags_with_value.begin(), flags_with_value.end(), text) != flags_with_value.end();
    } else {
      found.push_back(&arguments[i]);
    }
  }
  return found;
}

std::vector<const Argument*> Command::operands(std::initializer_list<std::string_view> flags_with_value) const {
  return operands(std::span<const std::string_view>(flags_with_value.begin(), flags_with_value.size()));
}

std::string_view Command::verb(std::initializer_list<std::string_view> flags_with_value) const {
  auto found = operands(flags_with_value);
  return found.empty() ? std::string_view() : std::string_view(found[0]->text);
}

Body read_body(const Dockerfile& file, const Instruction& instruction, bool shell_is_posix) {
  Body body;
  body.instruction = &instruction;
  body.stage = instruction.stage;
  BodyReader reader(file, body);
  if (instruction.is_exec) {
    reader.read_exec(instruction.words);
  } else if (!shell_is_posix) {
    body.is_shell = false;
  } else if (!instruction.heredocs.empty()) {
    read_heredoc_body(instruction, reader, body);
  } else {
    reader.read_script(instruction.body);
  }
  return body;
}

Subject::Subject(const Dockerfile& of, const Options& with) : file(of), options(with) {
  bool posix = true;
  std::vector<bool> posix_of_stage;
  for (const auto& instruction : file.instructions) {
    if (instruction.keyword == Keyword::From) {
      auto parent = file.stages[instruction.stage].parent;
      posix = !parent || posix_of_stage[*parent];
      posix_of_stage.push_back(posix);
      // Windows images start cmd.exe, and whoever escapes with ` writes for them.
      if (contains(file.stages[instruction.stage].image, "windows")) posix = posix_of_stage.back() = false;
    }
    if (instruction.keyword == Keyword::Shell && !instruction.words.empty() && !posix_of_stage.empty())
      posix = posix_of_stage.back() = is_posix_shell(instruction.words[0].value);
    const Instruction& inner =
        instruction.keyword == Keyword::Onbuild && !instruction.inner.empty() ? instruction.inner[0] : instruction;
    if (inner.keyword == Keyword::Run) runs.push_back(read_body(file, inner, posix));
    if (instruction.keyword == Keyword::Cmd || instruction.keyword == Keyword::Entrypoint)
      starts.push_back(read_body(file, instruction, posix));
  }
  // Every stage walks its ancestors: bounded, because beyond this many only generated files go.
  constexpr std::size_t kStagesWithVariables = 500;
  for (std::size_t stage = 0; stage < std::min(file.stages.size(), kStagesWithVariables); ++stage)
    variables.push_back(variables_of(file, stage));
}

std::vector<std::size_t> Subject::lineage(std::size_t stage) const {
  std::vector<std::size_t> stages;
  if (stage >= file.stages.size()) return stages;
  for (std::optional<std::size_t> at = stage; at; at = file.stages[*at].parent) stages.push_back(*at);
  std::reverse(stages.begin(), stages.end());
  return stages;
}

void Subject::each(Keyword keyword, const std::function<void(const Instruction&)>& seen) const {
  for (const auto& instruction : file.instructions)
    if (instruction.keyword == keyword) seen(instruction);
}

std::vector<const Instruction*> Subject::of_lineage(std::size_t stage, Keyword keyword) const {
  std::vector<const Instruction*> found;
  for (std::size_t at : lineage(stage))
    for (std::size_t i = file.stages[at].from; i < file.stages[at].end; ++i)
      if (file.instructions[i].keyword == keyword) found.push_back(&file.instructions[i]);
  return found;
}

std::vector<const Body*> Subject::runs_of(std::size_t stage) const {
  std::vector<const Body*> found;
  auto stages = lineage(stage);
  for (const auto& run : runs)
    if (std::find(stages.begin(), stages.end(), run.stage) != stages.end()) found.push_back(&run);
  return found;
}

std::optional<std::string> Subject::variable(std::size_t stage, std::string_view name) const {
  if (stage >= variables.size()) return std::nullopt;
  auto found = variables[stage].find(name);
  return found == variables[stage].end() ? std::nullopt : found->second;
}

bool is_root(std::string_view user) {
  user = user.substr(0, user.find(':'));
  return user == "root" || user == "0";
}

bool is_url(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://") || text.starts_with("ftp://") ||
         text.starts_with("git://") || text.starts_with("git@") || text.starts_with("ssh://");
}

bool is_archive(std::string_view path) {
  constexpr std::string_view kEndings[] = {".tar",     ".tar.gz",   ".tgz",   ".tar.bz2", ".tbz2", ".tar.xz", ".txz",
                                           ".tar.zst", ".tar.lzma", ".tar.Z", ".gz",      ".bz2",  ".xz"};
  for (auto ending : kEndings)
    if (path.ends_with(ending)) return true;
  return false;
}

bool is_cache_mounted(const Instruction& run, std::string_view target) {
  for (const auto& flag : run.flags)
    if (flag.name == "mount" && contains(flag.value, "type=cache") && contains(flag.value, target)) return true;
  return false;
}

}  // namespace pratique::lint
