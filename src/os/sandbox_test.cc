#include "os/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "os/fd.h"

namespace pratique::os {
namespace {

constexpr int kRefused = 99;

// The wait status of a child that enters the sandbox, keeping descriptor 2, and then does `what`.
template <typename What>
int status_of(What what, std::chrono::seconds cpu = std::chrono::seconds(20)) {
  pid_t child = fork();
  if (child == 0) {
    auto entered = enter_sandbox({.memory_bytes_max = 512 << 20, .cpu_seconds_max = cpu}, {2});
    if (!entered.ok()) _exit(kRefused);
    _exit(what());
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

bool is_killed_by_filter(int status) {
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

TEST(Sandbox, LetsAProcessComputeAllocateAndExit) {
  int status = status_of([] { return static_cast<int>(std::string(1 << 20, 'x').size() >> 20); });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
}
TEST(Sandbox, KillsAProcessThatOpensAFile) {
  EXPECT_TRUE(is_killed_by_filter(status_of([] { return open("/etc/passwd", O_RDONLY | O_CLOEXEC); })));
}
TEST(Sandbox, KillsAProcessThatMakesASocket) {
  EXPECT_TRUE(is_killed_by_filter(status_of([] { return socket(AF_INET, SOCK_STREAM, 0); })));
}
TEST(Sandbox, KillsAProcessThatForks) {
  EXPECT_TRUE(is_killed_by_filter(status_of([] { return static_cast<int>(fork()); })));
}
TEST(Sandbox, KillsAProcessThatSignalsAnother) {
  EXPECT_TRUE(is_killed_by_filter(status_of([] { return kill(getppid(), 0); })));
}
TEST(Sandbox, KillsAProcessThatWantsExecutableMemory) {
  EXPECT_TRUE(is_killed_by_filter(status_of([] {
    return mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? 1 : 2;
  })));
}
TEST(Sandbox, ClosesEveryDescriptorThatIsNotKept) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe.ok());
  int fd = pipe->write_end.get();
  int status = status_of([fd] { return write(fd, "x", 1) == -1 && errno == EBADF ? 7 : 8; });
  EXPECT_EQ(WEXITSTATUS(status), 7);
}
TEST(Sandbox, StopsAProcessThatSpinsBeyondItsProcessorTime) {
  volatile std::uint64_t turns = 0;
  int status = status_of(
      [&] {
        for (;;) turns = turns + 1;
        return 0;
      },
      std::chrono::seconds(1));
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_TRUE(WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL);
}
TEST(Sandbox, HoldsThreadsThatWereStartedBefore) {
  pid_t child = fork();
  if (child == 0) {
    auto go = make_pipe();
    std::thread([fd = go->read_end.get()] {
      char byte = 0;
      if (read(fd, &byte, 1) == 1) (void)open("/etc/passwd", O_RDONLY | O_CLOEXEC);
      _exit(1);
    }).detach();
    int from = go->read_end.get(), to = go->write_end.get();
    if (!enter_sandbox({.memory_bytes_max = 1 << 30, .cpu_seconds_max = std::chrono::seconds(20)}, {from, to}).ok())
      _exit(kRefused);
    if (write(to, "x", 1) != 1) _exit(2);
    for (;;) sched_yield();
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(is_killed_by_filter(status));
}
#ifndef PRATIQUE_SANITIZED
TEST(Sandbox, RefusesMemoryBeyondTheLimit) {
  int status = status_of([] {
    return mmap(nullptr, 1ull << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? 5 : 6;
  });
  EXPECT_EQ(WEXITSTATUS(status), 5);
}
#endif

}  // namespace
}  // namespace pratique::os
