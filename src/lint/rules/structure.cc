// Single instructions: their form, their arguments, their order.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "lint/rule.h"

namespace pratique::lint {

namespace {

void syntax(const Subject& subject, Sink& sink) {
  for (const auto& problem : subject.file.problems) sink.add(problem.span, problem.message);
}

void inline_ignores(const Subject& subject, Sink& sink) {
  for (const auto& comment : subject.file.comments) {
    bool ignores = comment.text.starts_with("hadolint ") || comment.text.starts_with("pratique ignore") ||
                   comment.text.starts_with("trivy:ignore:");
    std::size_t begin = subject.file.line_starts[comment.line - 1];
    if (ignores) sink.add({begin, begin + subject.file.line(comment.line).size()}, "a finding is ignored here");
  }
}

bool is_windows_path(std::string_view path) {
  return path.size() >= 2 && path[1] == ':' && ((path[0] | 0x20) >= 'a' && (path[0] | 0x20) <= 'z');
}

bool is_absolute(std::string_view path) {
  return path.starts_with('/') || path.starts_with('$') || path.starts_with('\\') || is_windows_path(path);
}

void absolute_workdir(const Subject& subject, Sink& sink) {
  subject.each(Keyword::Workdir, [&](const Instruction& workdir) {
    if (!workdir.words.empty() && !is_absolute(workdir.words[0].value))
      sink.add(workdir.words[0].span, "the directory depends on what WORKDIR said before, here or in the base");
  });
}

void system_workdir(const Subject& subject, Sink& sink) {
  constexpr std::string_view kSystem[] = {"/proc", "/boot", "/dev", "/initrd", "/lost+found", "/sys"};
  subject.each(Keyword::Workdir, [&](const Instruction& workdir) {
    if (workdir.words.empty()) return;
    std::string_view path = workdir.words[0].value;
    for (auto system : kSystem)
      if (path == system || (path.starts_with(system) && path.substr(system.size()).starts_with('/')))
        sink.add(workdir.words[0].span, format("{} belongs to the kernel", system));
  });
}

struct Port {
  std::optional<std::uint64_t> low, high;
};

Port parse_port(std::string_view text) {
  text = text.substr(0, text.find('/'));
  auto range = cut(text, "-");
  if (!range) return {parse_decimal(text), parse_decimal(text)};
  return {parse_decimal(range->first), parse_decimal(range->second)};
}

void port_range(const Subject& subject, Sink& sink) {
  subject.each(Keyword::Expose, [&](const Instruction& expose) {
    for (const auto& word : expose.words) {
      Port port = parse_port(word.value);
      if (port.low.value_or(0) > 65'535 || port.high.value_or(0) > 65'535)
        sink.add(word.span, "a port is at most 65535");
    }
  });
}

void ssh_port(const Subject& subject, Sink& sink) {
  subject.each(Keyword::Expose, [&](const Instruction& expose) {
    for (const auto& word : expose.words) {
      Port port = parse_port(word.value);
      if (port.low && port.high && *port.low <= 22 && *port.high >= 22)
        sink.add(word.span, "port 22 is for remote logins; a container has none");
    }
  });
}

// Judged stage by stage: what an earlier stage says is not part of the image.
void several(const Subject& subject, Sink& sink, Keyword keyword) {
  const Instruction* before = nullptr;
  subject.each(keyword, [&](const Instruction& one) {
    if (before && before->stage == one.stage && one.stage != SIZE_MAX)
      sink.add(before->span, format("only the last {} of a stage counts, on line {}", to_string(keyword),
                                    subject.file.position(one.span.begin).line));
    before = &one;
  });
}

void several_healthchecks(const Subject& s, Sink& sink) {
  several(s, sink, Keyword::Healthcheck);
}
void several_cmds(const Subject& s, Sink& sink) {
  several(s, sink, Keyword::Cmd);
}
void several_entrypoints(const Subject& s, Sink& sink) {
  several(s, sink, Keyword::Entrypoint);
}

void copy_not_add(const Subject& subject, Sink& sink) {
  subject.each(Keyword::Add, [&](const Instruction& add) {
    if (add.words.size() < 2 || !add.heredocs.empty()) return;
    for (std::size_t i = 0; i + 1 < add.words.size(); ++i) {
      std::string_view source = add.words[i].value;
      if (is_url(source) || is_archive(source) || contains(source, ".tar") || contains(source, ".git#") ||
          source.ends_with(".git") || contains(source, "$"))
        return;
    }
    sink.add(add.name_span, "these are plain files; COPY does the same without ADD's surprises");
  });
}

void many_need_slash(const Subject& subject, Sink& sink) {
  subject.each(Keyword::Copy, [&](const Instruction& copy) {
    if (copy.words.size() < 3) return;
    const Word& target = copy.words.back();
    if (target.value.ends_with('/') || target.value == "." || target.value.starts_with('$') ||
        target.value.ends_with('}') || target.value.ends_with('\\'))
      return;
    sink.add(target.span, "several files need a directory: the target must end with /");
  });
}

bool is_trivial_shell(const Instruction& command) {
  return command.body.str().empty();
}

void exec_form(const Subject& subject, Sink& sink) {
  for (auto keyword : {Keyword::Cmd, Keyword::Entrypoint})
    subject.each(keyword, [&](const Instruction& command) {
      if (!command.is_exec && !is_trivial_shell(command))
        sink.add(command.span,
                 format("{} runs below /bin/sh, which passes no signals on; use the JSON form", to_string(keyword)));
    });
}

void onbuild(const Subject& subject, Sink& sink) {
  subject.each(Keyword::Onbuild, [&](const Instruction& trigger) {
    for (const auto& inner : trigger.inner)
      if (inner.keyword == Keyword::Onbuild || inner.keyword == Keyword::From || inner.keyword == Keyword::Maintainer)
        sink.add(trigger.span, format("ONBUILD {} is not allowed", to_string(inner.keyword)));
  });
}

void env_refers_to_itself(const Subject& subject, Sink& sink) {
  subject.each(Keyword::Env, [&](const Instruction& env) {
    std::set<std::string> defined;
    for (const auto& pair : env.pairs) defined.insert(pair.key.value);
    for (const auto& pair : env.pairs) {
      if (!pair.value) continue;
      for (const auto& name : references(pair.value->text, subject.file.escape))
        if (defined.contains(name) && name != pair.key.value) {
          sink.add(pair.value->span,
                   format("${} has here the value from before this ENV, not the one beside it", printable(name, 40)));
          break;
        }
    }
  });
}

void relative_copy(const Subject& subject, Sink& sink) {
  std::vector<bool> has_workdir;
  for (const auto& instruction : subject.file.instructions) {
    if (instruction.keyword == Keyword::From) {
      auto parent = subject.file.stages[instruction.stage].parent;
      has_workdir.push_back(parent && has_workdir[*parent]);
    }
    if (has_workdir.empty()) continue;
    if (instruction.keyword == Keyword::Workdir) has_workdir.back() = true;
    if (instruction.keyword != Keyword::Copy || has_workdir.back() || instruction.words.size() < 2) continue;
    if (!is_absolute(instruction.words.back().value))
      sink.add(instruction.words.back().span, "no WORKDIR is set: where this goes depends on the base image");
  }
}

void healthcheck_missing(const Subject& subject, Sink& sink) {
  if (subject.file.stages.empty()) return;
  bool found = false;
  subject.each(Keyword::Healthcheck, [&](const Instruction&) { found = true; });
  subject.each(Keyword::Onbuild, [&](const Instruction& trigger) {
    for (const auto& inner : trigger.inner) found = found || inner.keyword == Keyword::Healthcheck;
  });
  const auto& from = subject.file.instructions[subject.file.stages.back().from];
  if (!found) sink.add(from.span, "there is no HEALTHCHECK");
}

void order(const Subject& subject, Sink& sink) {
  for (const auto& instruction : subject.file.instructions) {
    if (instruction.keyword == Keyword::From) return;
    if (instruction.keyword != Keyword::Arg && instruction.keyword != Keyword::Unknown)
      sink.add(instruction.span, format("{} stands before the first FROM", printable(instruction.name, 40)));
  }
}

void maintainer(const Subject& subject, Sink& sink) {
  subject.each(Keyword::Maintainer, [&](const Instruction& one) {
    sink.add(one.span, "MAINTAINER is deprecated; use LABEL org.opencontainers.image.authors");
  });
}

void whole_filesystem(const Subject& subject, Sink& sink) {
  subject.each(Keyword::Copy, [&](const Instruction& copy) {
    if (!copy.flag("from") || copy.words.size() != 2) return;
    if (copy.words[0].value == "/" && copy.words[1].value == "/")
      sink.add(copy.span, "the whole file system of the other stage is copied, its caches and secrets included");
  });
}

const Rule kRules[] = {
    {"DL1001", "", kOff, "Do not ignore findings in the file itself",
     "Whoever writes the file decides alone what is not checked.", "Use a .pratiqueignore that is reviewed.", "",
     inline_ignores},
    {"DL3000", "DS-0009", kWarning, "Use an absolute WORKDIR",
     "The directory moves when the base image changes its own WORKDIR.", "WORKDIR /app", "HIGH", absolute_workdir},
    {"DL3011", "DS-0008", kError, "Ports range from 0 to 65535", "The build fails.", "EXPOSE 8888", "CRITICAL",
     port_range},
    {"DL3012", "DS-0023", kWarning, "Give one HEALTHCHECK", "All but the last are without effect.",
     "Remove the others.", "MEDIUM", several_healthchecks},
    {"DL3020", "DS-0005 D7", kWarning, "Use COPY for files and folders",
     "ADD extracts archives and fetches addresses: a file that changes its kind changes the image.", "COPY src/ /app/",
     "LOW", copy_not_add},
    {"DL3021", "DS-0011", kError, "COPY of several files needs a target that ends with /", "The build fails.",
     "COPY a.py b.py /app/", "CRITICAL", many_need_slash},
    {"DL3025", "", kWarning, "Use the JSON form for CMD and ENTRYPOINT",
     "The shell in between does not pass signals on: stopping a job kills it without a chance to save.",
     "CMD [\"python3\", \"/app/main.py\"]", "", exec_form},
    {"DL3043", "", kError, "ONBUILD must not trigger FROM, ONBUILD or MAINTAINER", "The build fails.",
     "Write the instruction itself.", "", onbuild},
    {"DL3044", "", kWarning, "Do not refer to a variable within the ENV that defines it",
     "The old value is used; the variable is empty or stale.", "Use two ENV instructions.", "", env_refers_to_itself},
    {"DL3045", "", kInfo, "COPY to a relative target needs WORKDIR",
     "Files land where the base image happens to stand.", "WORKDIR /app, then COPY . .", "", relative_copy},
    {"DL3057", "DS-0026", kOff, "Say how the container's health is checked",
     "A service that hangs looks as if it ran. Batch jobs need none: their end is their health.",
     "HEALTHCHECK CMD curl -f http://localhost:8888/ || exit 1, or HEALTHCHECK NONE", "LOW", healthcheck_missing},
    {"DL3061", "", kError, "Begin with FROM, ARG or a comment", "The build fails.", "Move it below FROM.", "", order},
    {"DL3067", "", kWarning, "Do not copy a whole file system from another stage",
     "Everything the other stage left lying about is in the image.", "COPY --from=build /opt/app /opt/app", "",
     whole_filesystem},
    {"DL4000", "DS-0022", kInfo, "MAINTAINER is deprecated", "Newer builders refuse it, and registries do not show it.",
     "LABEL org.opencontainers.image.authors=\"Ann <ann@example.org>\"", "HIGH", maintainer},
    {"DL4003", "DS-0016", kWarning, "Give one CMD", "All but the last are without effect.", "Remove the others.",
     "HIGH", several_cmds},
    {"DL4004", "DS-0007", kWarning, "Give one ENTRYPOINT", "All but the last are without effect.", "Remove the others.",
     "CRITICAL", several_entrypoints},
    {"DS-0004", "", kWarning, "Do not expose port 22",
     "A login service in a container is a way in that nobody looks after.", "Use `pratique logs`, or run another job.",
     "MEDIUM", ssh_port},
    {"DS-0030", "", kWarning, "Do not use system directories as WORKDIR",
     "The kernel's directories are mounted over at the start: what was built there is gone.", "WORKDIR /app", "HIGH",
     system_workdir},
    {"PQ001", "", kError, "The file must be a Dockerfile the builder accepts", "The build fails.",
     "Correct the line; the message says what the builder expects.", "", syntax},
};

}  // namespace

std::span<const Rule> structure_rules() {
  return kRules;
}

}  // namespace pratique::lint
