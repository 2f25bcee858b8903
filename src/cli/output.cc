#include "cli/output.h"

#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <optional>

#include "base/text.h"
#include "os/terminal.h"

namespace pratique::cli {

namespace {

// Characters as a terminal counts them, near enough: UTF-8 continuation bytes take no room.
std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

constexpr int kEndings[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
// What a signal handler can reach.
termios terminal_before;

void restore_and_die(int number) {
  ::tcsetattr(0, TCSANOW, &terminal_before);
  ::signal(number, SIG_DFL);
  ::raise(number);
}

// No echo while this lives; the echo comes back however the wait ends, for whoever gives up with Ctrl-C keeps the
// shell.
class SilentTerminal {
 public:
  SilentTerminal() {
    ::tcgetattr(0, &terminal_before);
    for (std::size_t i = 0; i < std::size(kEndings); ++i) handlers_[i] = std::signal(kEndings[i], restore_and_die);
    termios silent = terminal_before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(0, TCSAFLUSH, &silent);
  }
  ~SilentTerminal() {
    ::tcsetattr(0, TCSAFLUSH, &terminal_before);
    for (std::size_t i = 0; i < std::size(kEndings); ++i) std::signal(kEndings[i], handlers_[i]);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;

 private:
  std::array<void (*)(int), std::size(kEndings)> handlers_{};
};

}  // namespace

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}
void print_note(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

std::string render_table(const std::vector<std::string>& heads, const std::vector<std::vector<std::string>>& rows,
                         bool colour) {
  constexpr std::size_t kCellBytesMax = 300;  // one hostile name may not push the table off the screen
  std::vector<std::vector<std::string>> cells = rows;
  std::vector<std::size_t> widths;
  for (const auto& head : heads) widths.push_back(columns(head));
  for (auto& row : cells)
    for (std::size_t i = 0; i < row.size(); ++i) {
      row[i] = printable(row[i], kCellBytesMax);
      widths[i] = std::max(widths[i], columns(row[i]));
    }
  auto line = [&](const std::vector<std::string>& row) {
    std::string text;
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - columns(row[i]) + 2, ' ');
    }
    return text;
  };
  std::string table = os::styled(os::Style::Bold, line(heads), colour) + "\n";
  for (const auto& row : cells) table += line(row) + "\n";
  return table;
}

std::string printable_lines(std::string_view text) {
  std::string safe;
  for (auto line : split(text, '\n')) {
    for (bool is_first = true; auto piece : split(line, '\t')) {
      if (!std::exchange(is_first, false)) safe += '\t';
      safe += printable(piece, piece.size() * 4);
    }
    safe += '\n';
  }
  safe.pop_back();
  return safe;
}

std::string read_password(std::string_view prompt) {
  std::optional<SilentTerminal> silence;
  if (os::is_terminal(0)) {
    silence.emplace();
    print_note(prompt);
  }
  std::string line;
  std::getline(std::cin, line);
  if (silence) print_note("\n");
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace pratique::cli
