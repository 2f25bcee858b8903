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

// The words that may follow `group` ("" for the top).
std::vector<std::string> next_words(std::string_view group) {
  std::vector<std::string> words;
  std::string prefix = group.empty() ? "" : std::string(group) + " ";
  for (const auto& command : commands()) {
    if (!command.path.starts_with(prefix)) continue;
    std::string word(split(command.path.substr(prefix.size()), ' ').front());
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  }
  return words;
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

int report_error(const Command& command, const Error& error) {
  print(stderr, format("pratique {}: {}\n", command.path, error.message()));
  if (auto hint = hint_for(error.kind()); !hint.empty()) print(stderr, format("{}\n", hint));
  return error.kind() == ErrorKind::Refused ? kVerdictNegative : kFailed;
}

int run_command(const Command& command, const std::vector<std::string>& words, const Services& services) {
  auto arguments = Arguments::parse(command.options, words);
  if (!arguments.ok()) return wrong_usage(command, arguments.error().message());
  std::size_t count = arguments->operands().size();
  if (count < command.operands_min) return wrong_usage(command, format("{} is missing", command.operands));
  if (count > command.operands_max)
    return wrong_usage(command,
                       format("\"{}\" is one word too many", printable(arguments->operands()[command.operands_max])));
  SystemClock clock;
  auto outcome = command.action(Context{*arguments, services, clock, os::wants_colour(1)});
  std::fflush(stdout);
  return outcome.ok() ? *outcome : report_error(command, outcome.error());
}

}  // namespace

int run(int argc, char** argv, const Services& services) {
  std::signal(SIGPIPE, SIG_IGN);
  std::vector<std::string> words(argv + 1, argv + argc);
  auto dashes = std::find(words.begin(), words.end(), "--");
  bool asks_help = std::any_of(words.begin(), dashes, [](const std::string& w) { return w == "--help" || w == "-h"; });
  if (words.empty() || words[0] == "help") {
    std::string path = join({words.begin() + !words.empty(), words.end()}, " ");
    print(stdout, render_help(path, os::wants_colour(1)));
    return words.empty() ? kWrongUsage : kDone;
  }
  if (words[0] == "--version") words[0] = "version";
  auto [command, used] = find_command(words);
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
