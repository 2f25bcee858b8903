// Single commands of RUN, and how they are put together.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "lint/rule.h"

namespace pratique::lint {

namespace {

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> known) {
  return std::find(known.begin(), known.end(), text) != known.end();
}

void each_command(const Subject& subject, const std::function<void(const Body&, const Command&)>& seen) {
  for (const auto& run : subject.runs)
    for (const auto& command : run.commands) seen(run, command);
}

void pointless(const Subject& subject, Sink& sink) {
  each_command(subject, [&](const Body&, const Command& command) {
    if (is_one_of(command.name, {"ssh", "vim", "shutdown", "service", "ps", "free", "top", "kill", "mount", "ifconfig",
                                 "nano", "reboot", "systemctl"}))
      sink.add(command.span, format("{} makes no sense while an image is built", command.name));
  });
}

void change_directory(const Subject& subject, Sink& sink) {
  for (const auto& run : subject.runs) {
    // `cd x` as the first thing of a RUN is what WORKDIR says; inside a list of steps it is passing.
    if (run.commands.empty() || run.commands[0].name != "cd") continue;
    sink.add(run.commands[0].span, "the change of directory ends with this RUN; use WORKDIR");
  }
}

void no_sudo(const Subject& subject, Sink& sink) {
  each_command(subject, [&](const Body&, const Command& command) {
    bool wrapped = std::find(command.wrappers.begin(), command.wrappers.end(), "sudo") != command.wrappers.end();
    if (wrapped || command.name == "sudo") sink.add(command.span, "RUN is root already unless USER says otherwise");
  });
}

bool extracts(const Body& run, std::string_view archive) {
  auto slash = archive.rfind('/');
  std::string_view name = slash == std::string_view::npos ? archive : archive.substr(slash + 1);
  for (const auto& command : run.commands) {
    if (!is_one_of(command.name, {"tar", "gunzip", "bunzip2", "unxz", "gzip"})) continue;
    for (const auto& argument : command.arguments)
      if (argument.text == archive || argument.text.ends_with("/" + std::string(name)) || argument.text == name)
        return true;
  }
  return false;
}

void add_extracts(const Subject& subject, Sink& sink) {
  subject.each(Keyword::Copy, [&](const Instruction& copy) {
    if (copy.flag("from") || copy.words.size() < 2) return;
    for (std::size_t i = 0; i + 1 < copy.words.size(); ++i) {
      if (!is_archive(copy.words[i].value)) continue;
      for (const auto& run : subject.runs)
        if (run.stage == copy.stage && run.instruction->span.begin > copy.span.begin &&
            extracts(run, copy.words[i].value)) {
          sink.add(copy.words[i].span, "the archive stays in its layer after it is extracted; ADD extracts by itself");
          break;
        }
    }
  });
}

void huge_uid(const Subject& subject, Sink& sink) {
  constexpr std::uint64_t kUidOrdinaryMax = 65'536;
  each_command(subject, [&](const Body&, const Command& command) {
    if (command.name != "useradd" || command.has_flag({"-l", "--no-log-init"})) return;
    for (std::size_t i = 0; i + 1 < command.arguments.size(); ++i) {
      if (!is_one_of(command.arguments[i].text, {"-u", "--uid"})) continue;
      auto uid = parse_decimal(command.arguments[i + 1].text);
      if (uid && *uid >= kUidOrdinaryMax)
        sink.add(command.span, format("user id {} makes /var/log/lastlog huge; add --no-log-init", *uid));
    }
  });
}

void quiet_wget(const Subject& subject, Sink& sink) {
  each_command(subject, [&](const Body&, const Command& command) {
    if (command.name != "wget") return;
    if (command.has_flag({"--progress", "-q", "--quiet", "-nv", "--no-verbose", "-o", "--output-file", "-a",
                          "--append-output", "--version", "--help"}))
      return;
    for (const auto& argument : command.arguments)
      if (argument.text == "-nv") return;
    sink.add(command.span, "wget writes a progress line for every 50 KiB; add --progress=dot:giga or -q");
  });
}

bool has_same_flags(const Instruction& a, const Instruction& b) {
  if (a.flags.size() != b.flags.size()) return false;
  for (std::size_t i = 0; i < a.flags.size(); ++i)
    if (a.flags[i].name != b.flags[i].name || a.flags[i].value != b.flags[i].value) return false;
  return true;
}

void consecutive_runs(const Subject& subject, Sink& sink) {
  const Instruction* before = nullptr;
  for (const auto& instruction : subject.file.instructions) {
    bool is_run = instruction.keyword == Keyword::Run && instruction.heredocs.empty();
    if (is_run && before && has_same_flags(*before, instruction))
      sink.add(instruction.name_span,
               "this RUN follows another; related steps belong into one, so that what a step "
               "removes is not kept by the layer before");
    before = is_run ? &instruction : nullptr;
  }
}

// Installing a program is no use of it.
bool uses(const Body& run, std::string_view program) {
  return std::any_of(run.commands.begin(), run.commands.end(), [&](const Command& c) { return c.name == program; });
}

void wget_and_curl(const Subject& subject, Sink& sink) {
  for (std::size_t stage = 0; stage < subject.file.stages.size(); ++stage) {
    const Body *wget = nullptr, *curl = nullptr;
    for (const auto& run : subject.runs) {
      if (run.stage != stage) continue;
      if (uses(run, "wget")) wget = &run;
      if (uses(run, "curl")) curl = &run;
    }
    if (!wget || !curl) continue;
    const Body* later = wget->instruction->span.begin > curl->instruction->span.begin ? wget : curl;
    sink.add(later->instruction->name_span, "the stage downloads with wget and with curl; one of them is enough");
  }
}

void shell_link(const Subject& subject, Sink& sink) {
  each_command(subject, [&](const Body&, const Command& command) {
    if (command.name != "ln") return;
    for (const auto& operand : command.operands())
      if (operand->text == "/bin/sh") return sink.add(command.span, "say which shell RUN uses with SHELL");
  });
}

bool shell_sets_pipefail(const Subject& subject, const Body& run) {
  bool sets = false;
  for (const Instruction* shell : subject.of_lineage(run.stage, Keyword::Shell)) {
    if (shell->span.begin > run.instruction->span.begin) break;
    sets = false;
    for (const auto& word : shell->words) sets = sets || word.value == "pipefail" || contains(word.value, "pipefail");
  }
  return sets;
}

void pipefail(const Subject& subject, Sink& sink) {
  for (const auto& run : subject.runs) {
    if (run.pipes.empty() || run.sets_pipefail || shell_sets_pipefail(subject, run)) continue;
    sink.add(run.pipes[0].span,
             "only the last command of a pipe decides; SHELL [\"/bin/bash\", \"-o\", \"pipefail\", "
             "\"-c\"] or set -o pipefail lets the others fail too");
  }
}

void unreadable(const Subject& subject, Sink& sink) {
  auto say = [&](const Body& body) {
    for (const auto& [span, why] : body.failures)
      sink.add(span, format("this is not read as shell: {}; rules about its commands do not judge it", why));
  };
  for (const auto& run : subject.runs) say(run);
  for (const auto& start : subject.starts) say(start);
}

const Rule kRules[] = {
    {"DL3001", "", kInfo, "Some commands make no sense in a container",
     "There is no service manager, no screen and no user while an image is built.", "Leave the command out.", "",
     pointless},
    {"DL3003", "DS-0013", kInfo, "Use WORKDIR to change the directory",
     "The next RUN starts somewhere else than a reader thinks.", "WORKDIR /app", "MEDIUM", change_directory},
    {"DL3004", "DS-0010", kWarning, "Do not use sudo",
     "sudo needs a terminal and its own configuration, and stays in the image as a way to become root.",
     "Do what needs root before USER; use gosu where a program must drop rights at its start.", "CRITICAL", no_sudo},
    {"DL3010", "", kInfo, "Use ADD to extract archives", "The packed file stays in the image beside its contents.",
     "ADD model.tar.gz /opt/model/", "", add_extracts},
    {"DL3046", "", kWarning, "useradd with a high user id needs --no-log-init",
     "The sparse file /var/log/lastlog becomes gigabytes in the layer.", "useradd --no-log-init -u 1000123 …", "",
     huge_uid},
    {"DL3047", "", kInfo, "wget without a progress option floods the log",
     "The build log hides what matters behind thousands of lines.", "wget --progress=dot:giga URL", "", quiet_wget},
    {"DL3059", "D2", kInfo, "Join consecutive RUN instructions",
     "Files a later RUN removes still travel in the earlier layer.", "RUN step one && step two", "", consecutive_runs},
    {"DL4001", "DS-0014", kInfo, "Use either wget or curl", "Two programs for one task: twice the packages to patch.",
     "curl -fsSLO URL", "LOW", wget_and_curl},
    {"DL4005", "", kInfo, "Use SHELL to change the default shell",
     "Scripts of the distribution rely on its own /bin/sh.", "SHELL [\"/bin/bash\", \"-c\"]", "", shell_link},
    {"DL4006", "", kWarning, "Set pipefail before a RUN with a pipe",
     "A download that fails half way is piped on, and the build succeeds.",
     "SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]", "", pipefail},
    {"PQ002", "", kInfo, "A command could not be read as shell",
     "Rules about commands stay silent where they would have to guess: what is in this RUN is not judged.",
     "Correct the shell syntax, or move the script into a file of its own.", "", unreadable},
};

}  // namespace

std::span<const Rule> command_rules() {
  return kRules;
}

}  // namespace pratique::lint
