// Manual pages, made from the table of commands and the help pages: one for the program, one for each first word.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "cli/command.h"

namespace pratique::cli {

namespace {

std::string heading(std::string_view name) {
  std::string upper;
  for (char c : name) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return format(".TH {} 1 {} \"pratique {}\" \"User Commands\"\n", upper, kVersionDate, kVersion);
}

// Indented lines of a help page stand as they are, the others flow.
std::string page_text(std::string_view page) {
  std::string out;
  bool is_literal = false, had_text = false;
  auto literal = [&](bool wanted) {
    if (wanted != is_literal) out += wanted ? ".PP\n.nf\n" : ".fi\n";
    is_literal = wanted;
  };
  bool is_new_paragraph = false;
  for (auto line : split(trim(page), '\n')) {
    if (trim(line).empty()) {
      is_new_paragraph = true;
      continue;
    }
    bool is_indented = line.starts_with("  ");
    if (!is_indented && (line == "Example:" || line == "Examples:")) {
      literal(false);
      out += ".PP\nExamples:\n";
      had_text = true;
      is_new_paragraph = false;
      continue;
    }
    if (is_indented && is_literal && is_new_paragraph) out += "\n";
    literal(is_indented);
    if (!is_indented && is_new_paragraph && had_text) out += ".PP\n";
    out += roff(line) + "\n";
    had_text = true;
    is_new_paragraph = false;
  }
  literal(false);
  return out;
}

std::string options_text(const Command& command) {
  std::string out;
  for (const auto& option : command.options) {
    std::string names = replace_all(option.names, ",", ", ");
    out += format(".TP\n\\fB{}\\fR{}\n{}", roff(names),
                  option.value.empty() ? "" : format(" \\fI{}\\fR", roff(option.value)), roff(option.help));
    out += option.fallback.empty() ? ".\n" : format(" (default: {}).\n", roff(option.fallback));
  }
  return out;
}

std::string synopsis(const Command& command) {
  std::string options = command.options.empty() ? "" : "[\\fIOPTIONS\\fR]";
  std::string operands = command.operands.empty() ? "" : format("\\fI{}\\fR", roff(command.operands));
  std::string space = options.empty() || operands.empty() ? "" : " ";
  std::string words = options + space + operands;
  // An empty line would be a paragraph.
  return format(".B pratique {}\n", roff(command.path)) + (words.empty() ? "" : words + "\n");
}

// One command below its group: ".SS admin user add".
std::string subsection(const Command& command) {
  auto page = help_text(command.path);
  return format(".SS pratique {}\n{}.\n.PP\n{}{}{}", roff(command.path), roff(command.summary), synopsis(command),
                options_text(command), page.empty() ? "" : ".PP\n" + page_text(page));
}

constexpr std::string_view kExitStatus =
    ".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage, 3 the verdict is negative.\n";

std::string page_of_word(const std::string& word) {
  std::string name = "pratique-" + word;
  std::vector<const Command*> members;
  for (const auto& command : commands())
    if (command.path == word || command.path.starts_with(word + " ")) members.push_back(&command);
  bool is_single = members.size() == 1 && members[0]->path == word;
  std::string summary = is_single ? std::string(members[0]->summary) : format("commands of pratique {}", word);
  std::string page = heading(name) + format(".SH NAME\n{} \\- {}\n.SH SYNOPSIS\n", roff(name), roff(summary));
  for (std::size_t i = 0; i < members.size(); ++i) page += (i ? ".br\n" : "") + synopsis(*members[i]);
  page += ".SH DESCRIPTION\n";
  auto text = help_text(word);
  if (is_single) {
    page += text.empty() ? roff(summary) + ".\n" : page_text(text);
    if (!members[0]->options.empty()) page += ".SH OPTIONS\n" + options_text(*members[0]);
  } else {
    page += text.empty() ? roff(summary) + ".\n" : page_text(text);
    page += ".SH COMMANDS\n";
    for (const auto* command : members) page += subsection(*command);
  }
  return page + std::string(kExitStatus) + ".SH SEE ALSO\n.BR pratique (1)\n";
}

std::string page_of_program() {
  std::string page = heading("pratique") +
                     ".SH NAME\npratique \\- health inspection for container images entering trusted research "
                     "environments\n.SH SYNOPSIS\n.B pratique\n\\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n";
  page += page_text(help_text(""));
  page += ".SH COMMANDS\n";
  for (const auto& command : commands()) page += format(".TP\n.B {}\n{}.\n", roff(command.path), roff(command.summary));
  page += kExitStatus;
  page +=
      ".SH FILES\n.TP\n.I /etc/pratique/pratique.yaml\nthe configuration of the service, see pratique.yaml(5).\n"
      ".TP\n.I /var/lib/pratique\nthe service's data.\n.SH SEE ALSO\n";
  for (const auto& word : next_words("")) page += format(".BR pratique\\-{} (1),\n", roff(word));
  return page + ".BR pratique.yaml (5)\n";
}

// A paragraph that begins where one has just begun is a warning of every formatter.
std::string tidied(std::string page) {
  page = replace_all(page, ".PP\n.PP\n", ".PP\n");
  return replace_all(page, ".SH DESCRIPTION\n.PP\n", ".SH DESCRIPTION\n");
}

}  // namespace

std::string roff(std::string_view text) {
  std::string safe = replace_all(replace_all(text, "\\", "\\e"), "-", "\\-");
  for (auto [from, to] : {std::pair{"…", "..."}, {"—", "\\(em"}, {"–", "\\(en"}, {"`", ""}, {"→", "\\(->"}})
    safe = replace_all(safe, from, to);
  // A line that begins so would be a request.
  return safe.starts_with('.') || safe.starts_with('\'') ? "\\&" + safe : safe;
}

std::vector<ManualPage> manual_pages() {
  std::vector<ManualPage> pages = {{"pratique.1", tidied(page_of_program())}};
  for (const auto& word : next_words("")) pages.push_back({format("pratique-{}.1", word), tidied(page_of_word(word))});
  return pages;
}

}  // namespace pratique::cli
