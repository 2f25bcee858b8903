#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "cli/command.h"
#include "os/terminal.h"

namespace pratique::cli {

namespace {

using os::Style;
using os::styled;

std::string padded(std::string_view text, std::size_t width) {
  std::string padded(text);
  padded.resize(std::max(width, text.size() + 2), ' ');
  return padded;
}

std::string render_top(bool colour) {
  std::string out = styled(Style::Bold, "pratique", colour) +
                    " — health inspection for container images entering trusted research environments\n\n"
                    "Usage: pratique COMMAND [OPTIONS]\n\nCommands:\n";
  for (const auto& command : commands()) out += "  " + padded(command.path, 22) + std::string(command.summary) + "\n";
  out += "\n`pratique COMMAND --help` explains one.\n";
  return out += help_text("");
}

std::string render_group(std::string_view group, bool colour) {
  std::string out =
      format("Usage: pratique {} COMMAND [OPTIONS]\n\n{}\n", group, styled(Style::Bold, "Commands:", colour));
  for (const auto& command : commands())
    if (command.path.starts_with(std::string(group) + " "))
      out += "  " + padded(command.path, 24) + std::string(command.summary) + "\n";
  auto page = help_text(group);
  return page.empty() ? out : out + "\n" + std::string(page);
}

std::string render_options(const Command& command, bool colour) {
  std::string out = "\n" + styled(Style::Bold, "Options:", colour) + "\n";
  for (const auto& option : command.options) {
    std::string names = replace_all(option.names, ",", ", ");
    if (!option.value.empty()) names += " " + std::string(option.value);
    out += "  " + padded(names, 28) + std::string(option.help);
    if (!option.fallback.empty()) out += format(" (default: {})", option.fallback);
    out += "\n";
  }
  return out + "  " + padded("-h, --help", 28) + "this text\n";
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t substitute = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string render_help(std::string_view path, bool colour) {
  if (path.empty()) return render_top(colour);
  for (const auto& command : commands()) {
    if (command.path != path) continue;
    std::string out = format("Usage: pratique {}{}{}{}\n\n{}.\n", path, command.operands.empty() ? "" : " ",
                             command.operands, command.options.empty() ? "" : " [OPTIONS]", command.summary);
    out += render_options(command, colour);
    auto page = help_text(path);
    return page.empty() ? out : out + "\n" + std::string(page);
  }
  return render_group(path, colour);
}

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t kEditsMax = 2;  // more edits than that and the guess annoys
  std::string best;
  std::size_t best_distance = kEditsMax + 1;
  for (const auto& candidate : known) {
    std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance && distance < candidate.size()) best = candidate, best_distance = distance;
  }
  return best;
}

}  // namespace pratique::cli
