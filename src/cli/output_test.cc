#include "cli/output.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "cli/remote.h"

namespace pratique::cli {
namespace {

TEST(PrintableLines, keep_lines_and_tabs_and_nothing_that_steers_a_terminal) {
  EXPECT_EQ(printable_lines("a\tb\n\nc\n"), "a\tb\n\nc\n");
  EXPECT_EQ(printable_lines(""), "");
  EXPECT_EQ(printable_lines("x\x1b[2Jy\r\xc2\x9bz"), "x\\x1b[2Jy\\x0d\\xc2\\x9bz");
  EXPECT_EQ(printable_lines(std::string(100'000, '\x07')).size(), 400'000u);
}

TEST(Url, goes_in_the_clear_only_where_it_cannot_leave_the_machine) {
  EXPECT_EQ(normalise_url("127.0.0.1:5000").value(), "http://127.0.0.1:5000");
  EXPECT_EQ(normalise_url("localhost").value(), "http://localhost");
  EXPECT_EQ(normalise_url("[::1]:80/").value(), "http://[::1]:80");
  EXPECT_EQ(normalise_url("localhost.example.org").value(), "https://localhost.example.org");
  EXPECT_EQ(normalise_url("127.0.0.1.example.org:5000").value(), "https://127.0.0.1.example.org:5000");
  EXPECT_EQ(normalise_url("gate.example.org/127.0.0.1").value(), "https://gate.example.org/127.0.0.1");
}

bool echoes(int terminal) {
  termios settings{};
  return tcgetattr(terminal, &settings) == 0 && (settings.c_lflag & ECHO) != 0;
}

// Waits on a condition, with an end.
template <typename Condition>
bool comes_true(Condition condition) {
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition() && std::chrono::steady_clock::now() < end) sched_yield();
  return condition();
}

TEST(ReadPassword, gives_the_echo_back_when_the_user_gives_up) {
  int terminal = -1;
  pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::signal(SIGINT, SIG_DFL);
    read_password("Password: ");
    _exit(0);
  }
  EXPECT_TRUE(comes_true([&] { return !echoes(terminal); }));
  EXPECT_EQ(write(terminal, "\x03", 1), 1);
  int status = 0;
  EXPECT_TRUE(comes_true([&] { return echoes(terminal); }));
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
  close(terminal);
}

}  // namespace
}  // namespace pratique::cli
