// What a subcommand is, and what it is given.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "cli/arguments.h"
#include "cli/cli.h"

namespace pratique::cli {

struct Context {
  const Arguments& arguments;
  const Services& services;
  const Clock& clock;
  bool colour;  // on stdout
};

// The exit code, or an error that is printed with its kind's hint.
using Action = Result<int> (*)(const Context& context);

struct Command {
  std::string_view path;      // "admin user add"
  std::string_view operands;  // "TARGET", "[ID]"; "" for none
  std::string_view summary;   // one line, no full stop
  std::size_t operands_min = 0;
  std::size_t operands_max = 0;
  std::vector<Option> options;
  Action action = nullptr;
  // Its words are another program's command line: they all arrive as operands, options too.
  bool takes_any_words = false;
};

// run, jobs, rehearse and what else runs images; part of commands().
std::vector<Command> running_commands();
// Every command, in the order people meet them.
std::span<const Command> commands();

// The page of a command or group from src/cli/help/*.md; "" where there is none.
std::string_view help_text(std::string_view path);
// What `pratique PATH --help` prints: usage, summary, options, the page.
std::string render_help(std::string_view path, bool colour);
std::string completion_script(std::string_view shell);  // "" for a shell we do not know
// The fixed words among the alternatives of an option's or operand's form: "FILE|gen3|tre" → gen3, tre.
std::vector<std::string> choices_of(std::string_view form);
bool has_choices_only(std::string_view form);  // "text|json"
// The words that may follow `group` ("" for the top).
std::vector<std::string> next_words(std::string_view group);

struct ManualPage {
  std::string file;  // "pratique-scan.1"
  std::string text;  // roff, man macros
};
std::vector<ManualPage> manual_pages();

}  // namespace pratique::cli
