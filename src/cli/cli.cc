#include "cli/cli.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "cli/command.h"
#include "os/terminal.h"

namespace pratique::cli {

namespace {

void print(std::FILE* to, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), to);
}

// The command whose path is the longest prefix of the words, and how many words that took.
std::pair<const Command*, std::size_t> find_command(const std::vector<std::string>& words) {
  std::string path;
  const Command* found = nullptr;
  std::size_t used = 0;
  for (std::size_t i = 0; i < words.size() && i < 3; ++i) {
    path += (i ? " " : "") + words[i];
    for (const auto& command : commands())
      if (command.path == path) found = &command, used = i + 1;
  }
  return {found, used};
}

bool is_group(std::string_view path) {
  return std::any_of(commands().begin(), commands().end(),
                     [&](const Command& c) { return c.path.starts_with(std::string(path) + " "); });
}

int explain_unknown(const std::vector<std::string>& words) {
  std::string group;
  std::size_t at = 0;
  while (at < words.size() && is_group((group.empty() ? "" : group + " ") + words[at]))
    group += (group.empty() ? "" : " ") + words[at++];
  std::string where = group.empty() ? "pratique" : "pratique " + group;
  if (at >= words.size()) {
    print(stdout, render_help(group, os::wants_colour(1)));
    return kWrongUsage;
  }
  std::string near = nearest(words[at], next_words(group));
  std::string hint =
      near.empty() ? format("Run `{} --help` for what there is.", where) : format("Did you mean `{} {}`?", where, near);
  print(stderr, format("{}: there is no command \"{}\". {}\n", where, printable(words[at]), hint));
  return kWrongUsage;
}

int wrong_usage(const Command& command, std::string_view why) {
  print(stderr, format("pratique {}: {}\nUsage: pratique {}{}{} — see `pratique {} --help`\n", command.path, why,
                       command.path, command.operands.empty() ? "" : " ", command.operands, command.path));
  return kWrongUsage;
}

std::string_view hint_for(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Denied:
      return "Sign in with `pratique login URL`, or ask the people who run the gate.";
    case ErrorKind::Unavailable:
      return "`pratique doctor` says what this machine lacks and whether the gate answers.";
    default:
      return "";
  }
}

// An error whose sentence begins with one of the command's options is about how the command was called.
bool is_about_an_option(const Command& command, const Error& error) {
  auto word = split(split(error.message(), ' ').front(), ':').front();
  if (error.kind() != ErrorKind::Invalid || !word.starts_with('-')) return false;
  return std::ranges::any_of(command.options, [&](const Option& option) {
    auto names = split(option.names, ',');
    return std::ranges::find(names, word) != names.end();
  });
}

// What the forms in the table rule out, before the command begins; "" where nothing is wrong.
std::string wrong_word(const Command& command, const Arguments& arguments) {
  for (const auto& option : command.options) {
    std::string_view key = split(option.names, ',').back();
    if (!has_choices_only(option.value)) continue;
    auto words = choices_of(option.value);
    for (const auto& given : arguments.values(key))
      if (std::ranges::find(words, given) == words.end())
        return format("{} is {}, not \"{}\"", key, join(words, ", "), printable(given));
  }
  auto words = choices_of(command.operands);
  if (!has_choices_only(command.operands)) return "";
  for (const auto& given : arguments.operands())
    if (std::ranges::find(words, given) == words.end())
      return format("there is no \"{}\" here; it is {}", printable(given), join(words, ", "));
  return "";
}

int report_error(const Command& command, const Error& error) {
  if (is_about_an_option(command, error)) return wrong_usage(command, error.message());
  print(stderr, format("pratique {}: {}\n", command.path, error.message()));
  if (auto hint = hint_for(error.kind()); !hint.empty()) print(stderr, format("{}\n", hint));
  return error.kind() == ErrorKind::Refused ? kVerdictNegative : kFailed;
}

int run_command(const Command& command, const std::vector<std::string>& words, const Services& services) {
  auto arguments = command.takes_any_words ? Arguments::of_words(words) : Arguments::parse(command.options, words);
  if (!arguments.ok()) return wrong_usage(command, arguments.error().message());
  std::size_t count = arguments->operands().size();
  if (count < command.operands_min) return wrong_usage(command, format("{} is missing", command.operands));
  if (count > command.operands_max)
    return wrong_usage(command,
                       format("\"{}\" is one word too many", printable(arguments->operands()[command.operands_max])));
  if (auto wrong = wrong_word(command, *arguments); !wrong.empty()) return wrong_usage(command, wrong);
  SystemClock clock;
  auto outcome = command.action(Context{*arguments, services, clock, os::wants_colour(1)});
  std::fflush(stdout);
  return outcome.ok() ? *outcome : report_error(command, outcome.error());
}

std::vector<std::string> words_of_name(std::string_view program) {
  auto name = program.substr(program.rfind('/') + 1);
  if (name == "docker" || name == "podman") return {"docker"};
  if (name == "ces-run" || name == "ces-pull") return {"ces", std::string(name.substr(4))};
  return {};
}

}  // namespace

int run(int argc, char** argv, const Services& services) {
  std::signal(SIGPIPE, SIG_IGN);
  std::vector<std::string> words(argv + 1, argv + argc);
  // Under another program's name it takes that program's words: a link called docker is all a workflow engine needs.
  auto alias = words_of_name(argc > 0 ? argv[0] : "");
  words.insert(words.begin(), alias.begin(), alias.end());
  auto dashes = std::find(words.begin(), words.end(), "--");
  bool asks_help = std::any_of(words.begin(), dashes, [](const std::string& w) { return w == "--help" || w == "-h"; });
  if (words.empty() || words[0] == "help") {
    std::string path = join({words.begin() + !words.empty(), words.end()}, " ");
    print(stdout, render_help(path, os::wants_colour(1)));
    return words.empty() ? kWrongUsage : kDone;
  }
  if (words[0] == "--version") words[0] = "version";
  auto [command, used] = find_command(words);
  if (command && command->takes_any_words) asks_help = used < words.size() && words[used] == "--help";
  if (asks_help) {
    std::vector<std::string> path;
    for (const auto& word : words)
      if (!word.starts_with("-"))
        path.push_back(word);
      else
        break;
    std::string group = join(path, " ");
    print(stdout, render_help(command ? command->path : is_group(group) ? group : "", os::wants_colour(1)));
    return kDone;
  }
  if (!command) return explain_unknown(words);
  return run_command(*command, {words.begin() + static_cast<long>(used), words.end()}, services);
}

std::string default_data_directory() {
  auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  if (auto data = variable("PRATIQUE_DATA"); !data.empty()) return data;
  if (variable("HOME") == "/root" || variable("HOME").empty()) return "/var/lib/pratique";
  if (auto xdg = variable("XDG_DATA_HOME"); !xdg.empty()) return xdg + "/pratique";
  return variable("HOME") + "/.local/share/pratique";
}

}  // namespace pratique::cli
