#include "os/terminal.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "base/text.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/progress_line.h"

namespace pratique::os {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kMiB = 1 << 20;

// Sets a variable for one test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* old = ::getenv(name)) old_ = old;
    value ? ::setenv(name, value, 1) : ::unsetenv(name);
  }
  ~Variable() { old_ ? ::setenv(name_, old_->c_str(), 1) : ::unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

// stderr goes to `to` while this lives.
class Redirect {
 public:
  explicit Redirect(const Fd& to) : kept_(::dup(STDERR_FILENO)) { ::dup2(to.get(), STDERR_FILENO); }
  ~Redirect() { ::dup2(kept_.get(), STDERR_FILENO); }

 private:
  Fd kept_;
};

struct Terminal {
  Fd ours, theirs;
  explicit Terminal(unsigned short columns = 100) {
    int a = -1, b = -1;
    struct winsize size = {.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    EXPECT_EQ(::openpty(&a, &b, nullptr, nullptr, &size), 0);
    ours = Fd(a);
    theirs = Fd(b);
  }
  // Everything that was written; our end gives it in pieces, and EIO once theirs is closed.
  std::string shown() {
    theirs.reset();
    std::string text, piece(4096, '\0');
    for (ssize_t got = 0; (got = ::read(ours.get(), piece.data(), piece.size())) > 0;)
      text.append(piece, 0, static_cast<std::size_t>(got));
    return text;
  }
};

TEST(terminal, colour_needs_a_terminal_that_wants_it) {
  Terminal terminal;
  auto pipe = make_pipe();
  Variable term("TERM", "xterm"), unset("NO_COLOR", nullptr);
  EXPECT_TRUE(wants_colour(terminal.theirs.get()));
  EXPECT_FALSE(wants_colour(pipe->write_end.get()));
  EXPECT_FALSE(wants_colour(-1));
  {
    Variable empty("NO_COLOR", "");
    EXPECT_TRUE(wants_colour(terminal.theirs.get()));
  }
  {
    Variable set("NO_COLOR", "1");
    EXPECT_FALSE(wants_colour(terminal.theirs.get()));
  }
  Variable dumb("TERM", "dumb");
  EXPECT_FALSE(wants_colour(terminal.theirs.get()));
}

TEST(terminal, styled_text_is_plain_without_colour) {
  EXPECT_EQ(styled(Style::Red, "no", true), "\x1b[31mno\x1b[0m");
  EXPECT_EQ(styled(Style::Red, "no", false), "no");
  EXPECT_EQ(styled(Style::Plain, "no", true), "no");
}

TEST(terminal, columns_are_80_where_unknown) {
  Terminal terminal(123);
  EXPECT_EQ(terminal_columns(terminal.theirs.get()), 123);
  EXPECT_EQ(terminal_columns(-1), 80);
}

TEST(progress, line_shows_bar_amount_and_rate) {
  ProgressView view{.what = "pushing a", .done = 5 * kMiB, .total = 10 * kMiB, .elapsed = seconds(2)};
  EXPECT_EQ(progress_line(view, 100), "pushing a  [==========>         ]  5.0 MiB / 10.0 MiB  2.5 MiB/s");
}

TEST(progress, line_drops_bar_then_rate_then_the_end_of_the_name) {
  ProgressView view{.what = "pushing a", .done = 5 * kMiB, .total = 10 * kMiB, .elapsed = seconds(2)};
  EXPECT_EQ(progress_line(view, 50), "pushing a  5.0 MiB / 10.0 MiB  2.5 MiB/s");
  EXPECT_EQ(progress_line(view, 31), "pushing a  5.0 MiB / 10.0 MiB");
  EXPECT_EQ(progress_line(view, 27), "pushi…  5.0 MiB / 10.0 MiB");
  EXPECT_EQ(progress_line(view, 5), "pus…");
}

TEST(progress, line_survives_any_width_and_more_than_everything) {
  ProgressView view{.what = "käse", .done = 11 * kMiB, .total = 10 * kMiB, .elapsed = milliseconds(1)};
  for (int columns = -1; columns < 80; ++columns) EXPECT_TRUE(is_utf8(progress_line(view, columns))) << columns;
  EXPECT_EQ(progress_line(view, 80), "käse  [====================]  11.0 MiB / 10.0 MiB");
}

TEST(progress, line_of_an_unknown_total_has_no_bar) {
  EXPECT_EQ(progress_line({.what = "a", .done = kMiB, .total = 0}, 80), "a  1.0 MiB");
}

TEST(ProgressLine, counts_things_in_their_own_unit) {
  ProgressView view{.what = "changelogs", .done = 2048, .total = 4096, .unit = "packages", .elapsed = seconds(2)};
  EXPECT_EQ(progress_line(view, 60), "changelogs  2048 / 4096 packages  1024/s");
  EXPECT_EQ(progress_summary(view, "done"), "changelogs: done (2048 packages in 2.0 s, 1024/s)");
  view.total = 0;
  EXPECT_EQ(progress_line(view, 60), "changelogs  2048 packages  1024/s");
}

TEST(progress, prints_one_line_a_task_where_there_is_no_terminal) {
  auto pipe = make_pipe();
  {
    Redirect redirect(pipe->write_end);
    Progress progress;
    progress.begin("reading\x1b[2J", 100);
    progress.advance(0);
    progress.end();
    progress.begin("left alone", 100);
  }
  pipe->write_end.reset();
  EXPECT_EQ(*read_to_end(pipe->read_end, 1000), "reading\\x1b[2J: done\nleft alone: stopped\n");
}

TEST(progress, is_silent_when_quiet) {
  auto pipe = make_pipe();
  {
    Redirect redirect(pipe->write_end);
    Progress progress(true);
    progress.begin("reading", 100);
    progress.advance(50);
    progress.end();
  }
  pipe->write_end.reset();
  EXPECT_EQ(*read_to_end(pipe->read_end, 1000), "");
}

TEST(progress, redraws_one_line_on_a_terminal_not_once_per_step) {
  Terminal terminal;
  Variable term("TERM", "xterm");
  {
    Redirect redirect(terminal.theirs);
    Progress progress;
    progress.begin("reading", 1000);
    for (int i = 0; i < 1000; ++i) progress.advance(1);
    progress.end();
  }
  auto shown = terminal.shown();
  EXPECT_TRUE(shown.starts_with("\r\x1b[Kreading  [>")) << shown;
  EXPECT_LT(split(shown, '\r').size(), 20u);
  EXPECT_TRUE(contains(shown, "reading: done (1000 B in")) << shown;
}

}  // namespace
}  // namespace pratique::os
