// Completion scripts, made from the table of commands. In every shell the words up to the cursor are first matched with
// the longest command path; what may follow is that command's options, its options' values, or file names.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "cli/command.h"

namespace pratique::cli {

namespace {

// What may stand in one place: fixed words, file names, or text nobody can guess.
struct Offer {
  std::vector<std::string> words;
  bool files = false;
};

Offer offer_of(std::string_view form) {
  Offer offer{.words = choices_of(form)};
  for (auto piece : {"FILE", "DIR", "PATH", "TARGET", "DOCKERFILE"}) offer.files |= contains(form, piece);
  return offer;
}

bool belongs(std::string_view path, std::string_view group) {
  return group.empty() || path.starts_with(std::string(group) + " ");
}

// Every path of a command or group, "" first.
std::vector<std::string> all_paths() {
  std::vector<std::string> paths = {""};
  for (const auto& command : commands()) {
    std::string path;
    for (auto word : split(command.path, ' ')) {
      path += (path.empty() ? "" : " ") + std::string(word);
      if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(path);
    }
  }
  return paths;
}

const Command* command_at(std::string_view path) {
  for (const auto& command : commands())
    if (command.path == path) return &command;
  return nullptr;
}

// What a person is told of the word `next` after `path`.
std::string summary_of(std::string_view path, std::string_view next) {
  std::string whole = path.empty() ? std::string(next) : format("{} {}", path, next);
  if (const Command* command = command_at(whole)) return std::string(command->summary);
  return format("{} …", whole);
}

// For single quotes: no shell reads anything inside them but their end.
std::string in_quotes(std::string_view text, std::string_view escape) {
  return "'" + replace_all(text, "'", escape) + "'";
}
std::string in_quotes(std::string_view text) {
  return in_quotes(text, "'\\''");
}

std::string bash_values(const Command& command) {
  std::string cases;
  for (const auto& option : command.options) {
    if (option.value.empty()) continue;
    Offer offer = offer_of(option.value);
    cases += format("        {}) words={} files={} ;;\n", replace_all(option.names, ",", "|"),
                    in_quotes(join(offer.words, " ")), offer.files ? "1" : "''");
  }
  return cases;
}

std::string bash_case(const std::string& path) {
  std::string head = format("    {}) ", in_quotes(path));
  const Command* command = command_at(path);
  auto next = next_words(path);
  if (!command) return format("{}words={} ;;\n", head, in_quotes(join(next, " ")));
  Offer operands = offer_of(command->operands);
  std::vector<std::string> words = operands.words;
  for (const auto& option : command->options)
    for (auto name : split(option.names, ',')) words.emplace_back(name);
  words.emplace_back("--help");
  return format("{}words={} files={}\n      case \"$prev\" in\n{}      esac ;;\n", head, in_quotes(join(words, " ")),
                operands.files ? "1" : "''", bash_values(*command));
}

std::string bash_script() {
  std::string known, cases;
  for (const auto& path : all_paths()) {
    if (!path.empty()) known += (known.empty() ? "" : "|") + in_quotes(path);
    cases += bash_case(path);
  }
  return format(
      "# bash completion for pratique\n_pratique() {{\n"
      "  local cur=\"${{COMP_WORDS[COMP_CWORD]}}\" prev=\"${{COMP_WORDS[COMP_CWORD-1]}}\" at='' words='' files='' i\n"
      "  # bash takes \"--option=value\" apart at the sign.\n"
      "  if [ \"$cur\" = = ]; then cur=''; elif [ \"$prev\" = = ]; then prev=\"${{COMP_WORDS[COMP_CWORD-2]}}\"; fi\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case \"${{at:+$at }}${{COMP_WORDS[i]}}\" in\n      {}) at=\"${{at:+$at }}${{COMP_WORDS[i]}}\" ;;\n"
      "      *) break ;;\n    esac\n  done\n  case \"$at\" in\n{}  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
      "  [ -z \"$files\" ] || [ ${{#COMPREPLY[@]}} -gt 0 ] || {{ compopt -o filenames 2>/dev/null; "
      "COMPREPLY=($(compgen -f -- \"$cur\")); }}\n}}\ncomplete -F _pratique pratique\n",
      known, cases);
}

// Brackets and colons mean something in a specification of _arguments.
std::string zsh_text(std::string_view text) {
  std::string safe;
  for (char c : text) {
    if (contains("[]:\\", std::string_view(&c, 1))) safe += '\\';
    safe += c;
  }
  return safe;
}

std::string zsh_action(std::string_view form) {
  Offer offer = offer_of(form);
  if (!offer.words.empty() && !offer.files) return "(" + join(offer.words, " ") + ")";
  return offer.files ? "_files" : " ";
}

std::string zsh_case(const std::string& path) {
  const Command* command = command_at(path);
  std::string out = format("    {})\n", in_quotes(path));
  if (!command) {
    std::string rows;
    for (const auto& word : next_words(path))
      rows += " " + in_quotes(format("{}:{}", word, zsh_text(summary_of(path, word))));
    return format("{}      next=({})\n      _describe command next ;;\n", out, rows);
  }
  out += "      _arguments -s";
  for (const auto& option : command->options)
    for (auto name : split(option.names, ',')) {
      std::string rest = option.value.empty() ? "" : format(":{}:{}", zsh_text(option.value), zsh_action(option.value));
      out += " \\\n        " + in_quotes(format("*{}[{}]{}", name, zsh_text(option.help), rest));
    }
  out += " \\\n        '--help[this text]'";
  if (!command->operands.empty())
    out += " \\\n        " + in_quotes(format("*:{}:{}", zsh_text(command->operands), zsh_action(command->operands)));
  return out + " ;;\n";
}

std::string zsh_script() {
  std::string known, cases;
  for (const auto& path : all_paths()) {
    if (!path.empty()) known += (known.empty() ? "" : "|") + in_quotes(path);
    cases += zsh_case(path);
  }
  return format(
      "#compdef pratique\n_pratique() {{\n  local at='' i used=1\n  local -a next\n"
      "  for ((i = 2; i < CURRENT; i++)); do\n    case \"${{at:+$at }}${{words[i]}}\" in\n"
      "      {}) at=\"${{at:+$at }}${{words[i]}}\"; used=$i ;;\n      *) break ;;\n    esac\n  done\n"
      "  # _arguments takes the first word for the command.\n"
      "  words=(\"${{(@)words[used,-1]}}\")\n  (( CURRENT -= used - 1 ))\n  case \"$at\" in\n{}  esac\n}}\n"
      "if [ \"$funcstack[1]\" = _pratique ]; then _pratique \"$@\"; else compdef _pratique pratique; fi\n",
      known, cases);
}

std::string fish_option(const std::string& where, const Option& option) {
  std::string line = where;
  for (auto name : split(option.names, ','))
    line += name.starts_with("--") ? format(" -l {}", name.substr(2)) : format(" -s {}", name.substr(1));
  if (!option.value.empty()) {
    Offer offer = offer_of(option.value);
    line += offer.files ? " -r -F" : " -x";
    if (!offer.words.empty()) line += " -a " + in_quotes(join(offer.words, " "), "\\'");
  }
  return line + " -d " + in_quotes(option.help, "\\'") + "\n";
}

std::string fish_script() {
  std::string known, lines;
  for (const auto& path : all_paths()) {
    if (!path.empty()) known += " " + in_quotes(path);
    std::string where = format("complete -c pratique -n 'test \"$(__pratique_at)\" = \"{}\"'", path);
    const Command* command = command_at(path);
    if (!command) {
      for (const auto& word : next_words(path))
        lines += format("{} -f -a {} -d {}\n", where, word, in_quotes(summary_of(path, word), "\\'"));
      continue;
    }
    Offer operands = offer_of(command->operands);
    if (!operands.files) lines += format("{} -f -a {}\n", where, in_quotes(join(operands.words, " ")));
    for (const auto& option : command->options) lines += fish_option(where, option);
    lines += where + " -l help -d 'this text'\n";
  }
  return format(
      "# fish completion for pratique\nset -g __pratique_paths{}\nfunction __pratique_at\n  set -l at ''\n"
      "  set -l typed (commandline -opc)\n  for word in $typed[2..]\n    set -l next (string trim -- \"$at $word\")\n"
      "    contains -- $next $__pratique_paths; or break\n    set at $next\n  end\n  echo $at\nend\n{}",
      known, lines);
}

}  // namespace

std::vector<std::string> choices_of(std::string_view form) {
  std::vector<std::string> words;
  auto is_fixed = [](std::string_view word) {
    return !word.empty() && std::ranges::all_of(word, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
  };
  if (!contains(form, "|")) return words;
  for (auto piece : split(form, '|'))
    if (is_fixed(piece)) words.emplace_back(piece);
  return words;
}

bool has_choices_only(std::string_view form) {
  return contains(form, "|") && choices_of(form).size() == split(form, '|').size();
}

std::vector<std::string> next_words(std::string_view group) {
  std::vector<std::string> words;
  for (const auto& command : commands()) {
    if (!belongs(command.path, group)) continue;
    std::string word(split(command.path.substr(group.empty() ? 0 : group.size() + 1), ' ').front());
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  }
  return words;
}

std::string completion_script(std::string_view shell) {
  if (shell == "bash") return bash_script();
  if (shell == "zsh") return zsh_script();
  return shell == "fish" ? fish_script() : "";
}

}  // namespace pratique::cli
