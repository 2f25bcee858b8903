#include "os/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "base/format.h"
#include "base/text.h"
#include "os/file.h"

namespace pratique::os {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// dash keeps a last command as its child: a script whose end is waited for, or killed, says `exec`, or that child would
// outlive the test with our output in its hands.
Command shell(const std::string& script) {
  return {.program = "sh", .args = {"-c", script}};
}

Output outcome(const Command& command, std::string_view input = {}) {
  auto output = run(command, input, seconds(20));
  EXPECT_TRUE(output.ok()) << output.error().message();
  return output.ok() ? *output : Output{};
}

TEST(process, captures_both_streams_and_the_exit_code) {
  auto output = outcome(shell("echo out; echo err >&2; exit 7"));
  EXPECT_EQ(output.out, "out\n");
  EXPECT_EQ(output.err, "err\n");
  EXPECT_EQ(output.exit.code, 7);
  EXPECT_FALSE(output.exit.ok());
}

TEST(process, gives_the_input_and_nothing_when_there_is_none) {
  EXPECT_EQ(outcome(shell("cat"), "hello").out, "hello");
  EXPECT_EQ(outcome(shell("cat")).out, "");
}

TEST(process, captures_more_than_a_pipe_holds_on_both_streams) {
  auto output = outcome(shell("head -c 1000000 /dev/zero >&2; head -c 2000000 /dev/zero"));
  EXPECT_EQ(output.err.size(), 1'000'000u);
  EXPECT_EQ(output.out.size(), 2'000'000u);
}

TEST(process, names_the_signal_that_ended_it) {
  auto output = outcome(shell("kill -9 $$"));
  EXPECT_EQ(output.exit.code, 137);
  EXPECT_EQ(output.exit.signal, SIGKILL);
}

TEST(process, says_not_found_for_a_missing_program_or_directory) {
  for (const auto& command :
       {Command{.program = "no-such-program-here"}, Command{.program = "/no/such/program"}, Command{.program = ""},
        Command{.program = "/tmp"}, Command{.program = "true", .directory = "/no/such/directory"}}) {
    auto started = Process::start(command);
    ASSERT_FALSE(started.ok()) << command.program;
    EXPECT_EQ(started.error().kind(), ErrorKind::NotFound) << command.program;
  }
}

TEST(process, says_unavailable_for_a_file_that_cannot_be_executed) {
  auto directory = TemporaryDirectory::create();
  auto path = directory->path() + "/program";
  ASSERT_TRUE(write_file(path,
                         "\x7f"
                         "ELF garbage",
                         0700)
                  .ok());
  auto started = Process::start({.program = path});
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().kind(), ErrorKind::Unavailable);
}

TEST(process, refuses_strings_that_would_be_cut) {
  EXPECT_EQ(Process::start({.program = "true", .args = {std::string("a\0b", 3)}}).error().kind(), ErrorKind::Invalid);
}

TEST(process, stops_at_the_timeout) {
  auto output = run(shell("exec sleep 60"), {}, milliseconds(50));
  ASSERT_FALSE(output.ok());
  EXPECT_EQ(output.error().kind(), ErrorKind::Unavailable);
}

TEST(process, stops_at_the_output_limit) {
  auto output = run(shell("cat /dev/zero"), {}, seconds(20), 1000);
  ASSERT_FALSE(output.ok());
  EXPECT_EQ(output.error().kind(), ErrorKind::Limit);
}

TEST(process, does_not_wait_for_descendants_that_hold_the_pipe) {
  EXPECT_EQ(outcome(shell("sleep 5 & echo started")).out, "started\n");
}

TEST(process, uses_the_environment_and_directory_it_is_given) {
  Command command = shell("echo $A $(pwd)");
  command.env = {"A=b", "PATH=/usr/bin:/bin"};
  command.directory = "/usr";
  EXPECT_EQ(outcome(command).out, "b /usr\n");
}

TEST(process, child_has_no_descriptor_but_those_named) {
  // Without close-on-exec on purpose: what a careless library would leak.
  Fd leaked(::open("/dev/null", O_RDONLY));
  auto output = outcome({.program = "ls", .args = {"/proc/self/fd"}});
  EXPECT_EQ(output.out, "0\n1\n2\n3\n");  // 3 is the listing itself
}

TEST(process, maps_descriptors_through_cycles) {
  auto a = make_pipe(), b = make_pipe();
  Command command = shell(format("echo a >&{}; echo b >&{}", b->write_end.get(), a->write_end.get()));
  command.fd_map = {{a->write_end.get(), b->write_end.get()}, {b->write_end.get(), a->write_end.get()}};
  ASSERT_TRUE(outcome(command).exit.ok());
  a->write_end.reset();
  b->write_end.reset();
  EXPECT_EQ(*read_to_end(a->read_end, 100), "a\n");
  EXPECT_EQ(*read_to_end(b->read_end, 100), "b\n");
}

TEST(process, child_has_default_signals_whatever_ours_are) {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  auto old = ::signal(SIGPIPE, SIG_IGN);
  auto output = outcome({.program = "grep", .args = {"-E", "^Sig(Blk|Ign)", "/proc/self/status"}});
  ::signal(SIGPIPE, old);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(output.out, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST(process, wait_gives_up_at_the_deadline_and_answers_twice_after_the_end) {
  auto process = Process::start(shell("exec sleep 60"));
  EXPECT_FALSE(process->wait(milliseconds(10)).has_value());
  process->signal(SIGTERM);
  EXPECT_EQ(process->wait()->code, 143);
  EXPECT_EQ(process->wait()->signal, SIGTERM);
}

TEST(process, stop_kills_what_ignores_the_polite_signal) {
  auto pipe = make_pipe();
  Command command = shell("trap '' TERM; echo ready; while :; do sleep 1; done");
  command.fd_map = {{pipe->write_end.get(), 1}};
  auto process = Process::start(command);
  std::array<std::byte, 16> buffer;
  ASSERT_TRUE(read_some(pipe->read_end, buffer).ok());
  EXPECT_EQ(process->stop(milliseconds(50)).code, 137);
}

TEST(process, a_session_is_signalled_with_its_descendants) {
  auto pipe = make_pipe();
  Command command = shell("sleep 60 & wait");
  command.fd_map = {{pipe->write_end.get(), 1}};
  command.new_session = true;
  {
    auto process = Process::start(command);
  }
  pipe->write_end.reset();
  // The end of the pipe comes only when the last holder is gone.
  EXPECT_EQ(*read_to_end(pipe->read_end, 100), "");
}

TEST(process, survives_the_thread_that_started_it) {
  std::optional<Process> process;
  std::thread([&] { process = *Process::start(shell("exec sleep 60")); }).join();
  EXPECT_FALSE(process->wait(milliseconds(20)).has_value());
  EXPECT_EQ(process->stop(seconds(1)).signal, SIGTERM);
}

TEST(process, dies_with_the_process_that_started_it) {
  auto pipe = make_pipe();
  pid_t middle = ::fork();
  if (middle == 0) {
    auto process = Process::start({.program = "sleep", .args = {"60"}, .fd_map = {{pipe->write_end.get(), 1}}});
    ::_exit(0);  // no destructor runs: only the kernel can end the child
  }
  ASSERT_GT(middle, 0);
  pipe->write_end.reset();
  EXPECT_EQ(*read_to_end(pipe->read_end, 100), "");
  int status = 0;
  ::waitpid(middle, &status, 0);
}

TEST(process, dies_with_the_calling_thread_where_that_was_asked) {
  std::optional<Process> process;
  std::thread([&] {
    process = *Process::start({.program = "sleep", .args = {"60"}, .in_calling_thread = true});
  }).join();
  EXPECT_EQ(process->wait()->signal, SIGKILL);
}

TEST(process, enters_its_cgroups_before_it_executes) {
  auto directory = TemporaryDirectory::create();
  auto path = directory->path() + "/cgroup.procs";
  Fd procs(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  EXPECT_TRUE(run({.program = "true", .cgroups = {procs.get()}}).ok());
  EXPECT_EQ(*read_file(path, 10), "0");
  Fd unwritable(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(run({.program = "true", .cgroups = {unwritable.get()}}).ok());
}

TEST(process, starts_from_many_threads_at_once) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([i] {
      for (int n = 0; n < 5; ++n) EXPECT_EQ(outcome(shell(format("echo {}", i))).out, format("{}\n", i));
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(process, finds_programs_in_absolute_path_entries_only) {
  EXPECT_TRUE(find_program("sh"));
  EXPECT_FALSE(find_program("no-such-program-here"));
  EXPECT_FALSE(find_program(""));
  EXPECT_EQ(find_program("/bin/sh"), "/bin/sh");
  EXPECT_FALSE(find_program("/etc/passwd"));
}

}  // namespace
}  // namespace pratique::os
