#include "run/helper_process.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "os/fd.h"

namespace pratique::run {

namespace {

constexpr std::size_t kStackBytes = 64 << 10;

struct First {
  int answer_fd;
};

// Process 1 of the namespace. It must not keep our descriptors: a connection we close would stay open.
__attribute__((no_sanitize("address", "undefined"))) int be_first(void* argument) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  bool mounted = ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0;
  unsigned char answer = mounted ? 0 : static_cast<unsigned char>(errno);
  ::syscall(SYS_write, static_cast<First*>(argument)->answer_fd, &answer, 1);
  ::syscall(SYS_close_range, 0u, ~0u, 0u);
  for (;;) ::syscall(SYS_pause);
}

__attribute__((no_sanitize("address", "undefined"))) int end_at_once(void*) {
  return 0;
}

}  // namespace

Result<HelperProcess> HelperProcess::start(int (*body)(void*), void* argument, int clone_flags) {
  void* stack = ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return from_errno("making a stack", errno);
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = ::clone(body, static_cast<char*>(stack) + kStackBytes, clone_flags | CLONE_VM | SIGCHLD, argument);
  int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid >= 0) return HelperProcess(pid, stack);
  ::munmap(stack, kStackBytes);
  return from_errno("making a namespace", error);
}

HelperProcess::HelperProcess(HelperProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), stack_(other.stack_) {}

void HelperProcess::kill() const {
  ::kill(pid_, SIGKILL);
}

HelperProcess::~HelperProcess() {
  if (pid_ < 0) return;
  kill();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  ::munmap(stack_, kStackBytes);
}

Status check_user_namespaces() {
  auto probe = HelperProcess::start(end_at_once, nullptr, CLONE_NEWUSER);
  return probe.ok() ? Status() : Status(probe.error());
}

Result<HelperProcess> enter_process_namespace() {
  auto pipe = TRY(os::make_pipe());
  First first{pipe.write_end.get()};
  if (::unshare(CLONE_NEWPID) != 0) return from_errno("making a process namespace", errno);
  auto helper = TRY(HelperProcess::start(be_first, &first, 0));
  pipe.write_end.reset();
  std::byte answer{0};
  if (TRY(os::read_some(pipe.read_end, std::span(&answer, 1))) == 0)
    return unavailable("a process namespace did not start");
  if (answer != std::byte{0}) return from_errno("mounting /proc for a process namespace", std::to_integer<int>(answer));
  return helper;
}

}  // namespace pratique::run
