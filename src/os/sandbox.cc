// The sandbox is a seccomp allow-list and resource limits, nothing else.
//
// Namespaces (unshare of network, mounts, IPC) are left out on purpose: they need privileges or user namespaces that
// many hosts forbid, and they only take away what a system call would reach. A process that has no call that names a
// file, an address, a process or a key reaches none of these in any namespace. The list is therefore the whole
// argument, and it is short enough to be read:
//   - bytes:   read, readv, write, writev, close, poll, ppoll         only on descriptors it was left with
//   - memory:  brk, mmap, mprotect (neither may ask for PROT_EXEC), mremap, munmap, madvise
//   - threads: futex, sched_yield, sched_getaffinity (malloc asks how many arenas pay), exit
//   - time:    clock_gettime, gettimeofday, clock_nanosleep, nanosleep
//   - the rest of a C++ runtime: rt_sigprocmask, rt_sigreturn, restart_syscall, getrandom, gettid, getpid, exit_group
#include "os/sandbox.h"

#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>
#include <vector>

namespace pratique::os {

namespace {

constexpr int kAllowed[] = {
    SCMP_SYS(read),           SCMP_SYS(readv),
    SCMP_SYS(write),          SCMP_SYS(writev),
    SCMP_SYS(close),          SCMP_SYS(poll),
    SCMP_SYS(ppoll),          SCMP_SYS(brk),
    SCMP_SYS(mremap),         SCMP_SYS(munmap),
    SCMP_SYS(madvise),        SCMP_SYS(futex),
    SCMP_SYS(sched_yield),    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(exit),           SCMP_SYS(exit_group),
    SCMP_SYS(clock_gettime),  SCMP_SYS(gettimeofday),
    SCMP_SYS(nanosleep),      SCMP_SYS(clock_nanosleep),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(getrandom),      SCMP_SYS(restart_syscall),
    SCMP_SYS(gettid),         SCMP_SYS(getpid),
};

#ifdef PRATIQUE_SANITIZED
// The sanitizer runtimes keep an alternative signal stack per thread, and write to a pipe of their own to learn whether
// an address can be read.
constexpr int kAllowedForSanitizers[] = {SCMP_SYS(sigaltstack), SCMP_SYS(rt_sigaction), SCMP_SYS(getrusage),
                                         SCMP_SYS(pipe2)};
#endif

struct FilterCloser {
  void operator()(void* filter) const { seccomp_release(filter); }
};

Status limit(__rlimit_resource resource, std::uint64_t value, const char* what) {
  rlimit both{value, value};
  if (setrlimit(resource, &both) != 0) return from_errno(what, errno);
  return {};
}

Status limit_resources(const SandboxLimits& limits) {
#ifndef PRATIQUE_SANITIZED
  TRY(limit(RLIMIT_AS, limits.memory_bytes_max, "limiting memory"));
#endif
  TRY(limit(RLIMIT_CPU, static_cast<std::uint64_t>(limits.cpu_seconds_max.count()), "limiting processor time"));
  // A core file of a process that held a researcher's layer would leave its bytes on disk.
  TRY(limit(RLIMIT_CORE, 0, "forbidding core files"));
  return limit(RLIMIT_FSIZE, 0, "forbidding growing files");
}

Status close_all_but(std::vector<int> keep) {
  std::sort(keep.begin(), keep.end());
  unsigned first = 0;
  for (int fd : keep) {
    auto kept = static_cast<unsigned>(fd);
    if (kept > first && close_range(first, kept - 1, 0) != 0) return from_errno("closing descriptors", errno);
    first = kept + 1;
  }
  if (close_range(first, UINT_MAX, 0) != 0) return from_errno("closing descriptors", errno);
  return {};
}

// The filter by itself; 0 or a negative errno as libseccomp gives it.
int add_rules(scmp_filter_ctx filter) {
  for (int call : kAllowed)
    if (int problem = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0)) return problem;
#ifdef PRATIQUE_SANITIZED
  for (int call : kAllowedForSanitizers)
    if (int problem = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0)) return problem;
#endif
  // Memory that can be executed is how a parser bug becomes somebody else's program.
  const scmp_arg_cmp not_executable = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
  for (int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)})
    if (int problem = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, not_executable)) return problem;
  return 0;
}

Status load_filter() {
  std::unique_ptr<void, FilterCloser> filter(seccomp_init(SCMP_ACT_KILL_PROCESS));
  if (!filter) return unavailable("the system call filter could not be made");
  // TSYNC puts every thread under the filter, not only the one that loads it.
  int problem = seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  if (problem == 0) problem = add_rules(filter.get());
  if (problem == 0) problem = seccomp_load(filter.get());
  if (problem != 0) return from_errno("loading the system call filter", -problem);
  return {};
}

}  // namespace

Status enter_sandbox(const SandboxLimits& limits, std::initializer_list<int> keep) {
  TRY(close_all_but(keep));
  TRY(limit_resources(limits));
  // Not dumpable: no other process of the same user may attach or read its memory.
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return from_errno("making the process undumpable", errno);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return from_errno("giving up new privileges", errno);
  return load_filter();
}

}  // namespace pratique::os
