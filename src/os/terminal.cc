#include "os/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <mutex>

#include "base/encoding.h"
#include "base/format.h"
#include "base/text.h"
#include "os/fd.h"
#include "os/progress_line.h"

namespace pratique::os {

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kColumnsUnknown = 80;
// Ten times a second looks alive; more is work for the terminal, and over a slow line it delays the task itself.
constexpr std::chrono::milliseconds kRedrawInterval{100};
constexpr std::string_view kClearLine = "\r\x1b[K";

std::string_view escape_of(Style style) {
  switch (style) {
    case Style::Plain:
      return "";
    case Style::Bold:
      return "\x1b[1m";
    case Style::Dim:
      return "\x1b[2m";
    case Style::Red:
      return "\x1b[31m";
    case Style::Yellow:
      return "\x1b[33m";
    case Style::Green:
      return "\x1b[32m";
    case Style::Cyan:
      return "\x1b[36m";
  }
  return "";
}

// Progress is a courtesy: a closed stderr must not fail the work it tells about.
void say(std::string_view text) {
  while (!text.empty()) {
    auto wrote = ::write(STDERR_FILENO, text.data(), text.size());
    if (wrote <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

}  // namespace

bool is_terminal(int fd) {
  return ::isatty(fd) == 1;
}

bool wants_colour(int fd) {
  const char* no_colour = ::getenv("NO_COLOR");
  if (no_colour && *no_colour) return false;  // no-color.org: present and not empty
  const char* term = ::getenv("TERM");
  if (term && std::string_view(term) == "dumb") return false;
  return is_terminal(fd);
}

int terminal_columns(int fd) {
  struct winsize size;
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kColumnsUnknown;
  return size.ws_col;
}

std::string styled(Style style, std::string_view text, bool colour) {
  if (!colour || style == Style::Plain) return std::string(text);
  return format("{}{}\x1b[0m", escape_of(style), text);
}

struct Progress::State {
  const bool quiet;
  const bool redraws;

  std::mutex mutex;
  bool active = false;
  std::string what, unit;
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  SteadyClock::time_point started, drawn;

  explicit State(bool is_quiet)
      : quiet(is_quiet),
        redraws(!is_quiet && is_terminal(STDERR_FILENO) && std::string_view(::getenv("TERM") ?: "") != "dumb") {}

  ProgressView view() const {
    auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - started);
    return {.what = what, .done = done, .total = total, .unit = unit, .elapsed = elapsed};
  }
  void draw() {
    drawn = SteadyClock::now();
    say(format("{}{}", kClearLine, progress_line(view(), terminal_columns(STDERR_FILENO))));
  }
  void finish(std::string_view outcome) {
    if (!active) return;
    active = false;
    if (!quiet) say(format("{}{}\n", redraws ? kClearLine : "", progress_summary(view(), outcome)));
  }
};

Progress::Progress(bool quiet) : state_(std::make_unique<State>(quiet)) {}

// A task that was left without end(): the line is closed so that what is printed next starts on its own.
Progress::~Progress() {
  std::lock_guard lock(state_->mutex);
  state_->finish("stopped");
}

void Progress::begin(std::string_view what, std::uint64_t total, std::string_view unit) {
  std::lock_guard lock(state_->mutex);
  state_->finish("stopped");
  state_->active = true;
  state_->what = printable(what);  // names come from outside and must not steer the terminal
  state_->unit = unit;
  state_->total = total;
  state_->done = 0;
  state_->started = SteadyClock::now();
  if (state_->redraws) state_->draw();
}

void Progress::advance(std::uint64_t by) {
  std::lock_guard lock(state_->mutex);
  if (!state_->active) return;
  state_->done += by;
  if (state_->redraws && SteadyClock::now() - state_->drawn >= kRedrawInterval) state_->draw();
}

void Progress::end(std::string_view outcome) {
  std::lock_guard lock(state_->mutex);
  state_->finish(outcome);
}

}  // namespace pratique::os
