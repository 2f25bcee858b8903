// An allow-list, by theme. What is neither allowed nor refused by name does not exist for a job (ENOSYS): programs then
// take the road they take on an older kernel, and a system call added to Linux tomorrow is closed today. What programs
// try for a reason and must be told about is refused with EPERM.
//
// The rules hold for any user inside, root included. A job has no capabilities, so much of what is closed here is
// closed twice; this layer is for the day a kernel bug opens the other.
#include "run/seccomp_profile.h"

#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <span>

namespace pratique::run {

namespace {

constexpr std::array kFiles = std::to_array<std::string_view>({
    "access",       "chdir",         "chown",
    "close",        "close_range",   "copy_file_range",
    "dup",          "dup2",          "dup3",
    "faccessat",    "faccessat2",    "fadvise64",
    "fallocate",    "fchdir",        "fchown",
    "fchownat",     "fcntl",         "fdatasync",
    "fgetxattr",    "flistxattr",    "flock",
    "fremovexattr", "fsetxattr",     "fstat",
    "fstatfs",      "fsync",         "ftruncate",
    "futimesat",    "getcwd",        "getdents",
    "getdents64",   "getxattr",      "inotify_add_watch",
    "inotify_init", "inotify_init1", "inotify_rm_watch",
    "ioctl",        "lchown",        "lgetxattr",
    "link",         "linkat",        "listxattr",
    "llistxattr",   "lremovexattr",  "lseek",
    "lsetxattr",    "lstat",         "mkdir",
    "mkdirat",      "newfstatat",    "pipe",
    "pipe2",        "pread64",       "preadv",
    "preadv2",      "pwrite64",      "pwritev",
    "pwritev2",     "read",          "readahead",
    "readlink",     "readlinkat",    "readv",
    "removexattr",  "rename",        "renameat",
    "renameat2",    "rmdir",         "sendfile",
    "setxattr",     "splice",        "stat",
    "statfs",       "statx",         "symlink",
    "symlinkat",    "sync",          "sync_file_range",
    "syncfs",       "tee",           "truncate",
    "umask",        "unlink",        "unlinkat",
    "utime",        "utimensat",     "utimes",
    "vmsplice",     "write",         "writev",
});

constexpr std::array kMemory = std::to_array<std::string_view>({
    "brk",       "get_mempolicy", "madvise",          "mbind",         "membarrier", "memfd_create",
    "mincore",   "mlock",         "mlock2",           "mlockall",      "mmap",       "mprotect",
    "mremap",    "msync",         "munlock",          "munlockall",    "munmap",     "pkey_alloc",
    "pkey_free", "pkey_mprotect", "remap_file_pages", "set_mempolicy",
});

// Only within the job: its process namespace holds nobody else.
constexpr std::array kProcesses = std::to_array<std::string_view>({
    "arch_prctl",      "capget",      "capset",      "execve",
    "execveat",        "exit",        "exit_group",  "fork",
    "get_robust_list", "getegid",     "geteuid",     "getgid",
    "getgroups",       "getpgid",     "getpgrp",     "getpid",
    "getppid",         "getpriority", "getresgid",   "getresuid",
    "getrlimit",       "getrusage",   "getsid",      "gettid",
    "getuid",          "kill",        "pidfd_open",  "pidfd_send_signal",
    "prctl",           "prlimit64",   "rseq",        "set_robust_list",
    "set_tid_address", "setfsgid",    "setfsuid",    "setgid",
    "setgroups",       "setpgid",     "setpriority", "setregid",
    "setresgid",       "setresuid",   "setreuid",    "setrlimit",
    "setsid",          "setuid",      "tgkill",      "tkill",
    "vfork",           "wait4",       "waitid",
});

constexpr std::array kSignals = std::to_array<std::string_view>({
    "alarm",
    "eventfd",
    "eventfd2",
    "pause",
    "restart_syscall",
    "rt_sigaction",
    "rt_sigpending",
    "rt_sigprocmask",
    "rt_sigqueueinfo",
    "rt_sigreturn",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "rt_tgsigqueueinfo",
    "sigaltstack",
    "signalfd",
    "signalfd4",
});

// The old asynchronous disk interface that databases use. Its successor io_uring is refused below.
constexpr std::array kAsynchronousFiles = std::to_array<std::string_view>({
    "io_cancel",
    "io_destroy",
    "io_getevents",
    "io_pgetevents",
    "io_setup",
    "io_submit",
});

// Reading clocks; setting them is not among these.
constexpr std::array kTime = std::to_array<std::string_view>({
    "clock_getres",
    "clock_gettime",
    "clock_nanosleep",
    "getitimer",
    "gettimeofday",
    "nanosleep",
    "setitimer",
    "time",
    "timer_create",
    "timer_delete",
    "timer_getoverrun",
    "timer_gettime",
    "timer_settime",
    "timerfd_create",
    "timerfd_gettime",
    "timerfd_settime",
    "times",
});

constexpr std::array kScheduling = std::to_array<std::string_view>({
    "futex",
    "futex_waitv",
    "getcpu",
    "ioprio_get",
    "ioprio_set",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "sched_getaffinity",
    "sched_getattr",
    "sched_getparam",
    "sched_getscheduler",
    "sched_rr_get_interval",
    "sched_setaffinity",
    "sched_setattr",
    "sched_setparam",
    "sched_setscheduler",
    "sched_yield",
});

constexpr std::array kWaiting = std::to_array<std::string_view>({
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "poll",
    "ppoll",
    "pselect6",
    "select",
});

// The network namespace has only its own loopback: enough for programs that talk to themselves. socket() and
// socketpair() themselves have rules of their own below.
constexpr std::array kSockets = std::to_array<std::string_view>({
    "accept",
    "accept4",
    "bind",
    "connect",
    "getpeername",
    "getsockname",
    "getsockopt",
    "listen",
    "recvfrom",
    "recvmmsg",
    "recvmsg",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "setsockopt",
    "shutdown",
});

// In an own IPC namespace.
constexpr std::array kInterprocess = std::to_array<std::string_view>({
    "mq_getsetattr",
    "mq_notify",
    "mq_open",
    "mq_timedreceive",
    "mq_timedsend",
    "mq_unlink",
    "msgctl",
    "msgget",
    "msgrcv",
    "msgsnd",
    "semctl",
    "semget",
    "semop",
    "semtimedop",
    "shmat",
    "shmctl",
    "shmdt",
    "shmget",
});

constexpr std::array kAboutTheMachine = std::to_array<std::string_view>({"getrandom", "sysinfo", "uname"});

// A process may close itself in further; what it adds can only take away.
constexpr std::array kSelfRestraint = std::to_array<std::string_view>({
    "landlock_add_rule",
    "landlock_create_ruleset",
    "landlock_restrict_self",
    "seccomp",
});

constexpr std::array<std::span<const std::string_view>, 12> kAllowed{
    kFiles,   kMemory,  kProcesses,    kSignals,         kTime,          kScheduling,
    kWaiting, kSockets, kInterprocess, kAboutTheMachine, kSelfRestraint, kAsynchronousFiles,
};

// Named so that a program that tries hears "not permitted" and not "no such thing".
constexpr std::array kRefused = std::to_array<std::string_view>({
    // New namespaces and mounts: the kernel's largest attack surface for an unprivileged process.
    "chroot",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "mount",
    "mount_setattr",
    "move_mount",
    "open_tree",
    "pivot_root",
    "setns",
    "umount2",
    "unshare",
    // Keyrings are not namespaced.
    "add_key",
    "keyctl",
    "request_key",
    // Other processes' memory and descriptors.
    "kcmp",
    "pidfd_getfd",
    "process_madvise",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    // Kernel interfaces with a history of holes that a job does not need.
    "bpf",
    "fanotify_init",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "perf_event_open",
    "userfaultfd",
    // Names that go around the directory tree, and the machine itself.
    "acct",
    "clock_adjtime",
    "clock_settime",
    "delete_module",
    "finit_module",
    "init_module",
    "ioperm",
    "iopl",
    "kexec_file_load",
    "kexec_load",
    "name_to_handle_at",
    "open_by_handle_at",
    "quotactl",
    "reboot",
    "setdomainname",
    "sethostname",
    "settimeofday",
    "swapoff",
    "swapon",
    "syslog",
    "vhangup",
});

enum class Compare { Equal, MaskedEqual, Greater };

struct Conditional {
  std::string_view name;
  unsigned argument;
  Compare compare;
  std::uint64_t value;             // the mask of MaskedEqual
  std::uint64_t masked_value = 0;  // what the masked argument must be
  int error_number = 0;            // 0: allowed
};

constexpr Conditional allow_equal(std::string_view name, unsigned argument, std::uint64_t value) {
  return {name, argument, Compare::Equal, value};
}
constexpr Conditional allow_without(std::string_view name, unsigned argument, std::uint64_t bits) {
  return {name, argument, Compare::MaskedEqual, bits, 0};
}
constexpr Conditional refuse_with(std::string_view name, unsigned argument, std::uint64_t bit) {
  return {name, argument, Compare::MaskedEqual, bit, bit, EPERM};
}

constexpr std::array kConditional = std::to_array<Conditional>({
    // From linux/sched.h: every CLONE_NEW* flag that clone can carry. clone3 hides its flags behind a pointer and does
    // not exist here; the C libraries then use clone.
    allow_without("clone", 0, 0x7e02'0000),
    refuse_with("clone", 0, 0x0002'0000),
    refuse_with("clone", 0, 0x0200'0000),
    refuse_with("clone", 0, 0x0400'0000),
    refuse_with("clone", 0, 0x0800'0000),
    refuse_with("clone", 0, 0x1000'0000),
    refuse_with("clone", 0, 0x2000'0000),
    refuse_with("clone", 0, 0x4000'0000),
    // AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. Above them are AF_PACKET, AF_ALG, AF_XDP and AF_VSOCK, which reaches the
    // hypervisor from any network namespace.
    allow_equal("socket", 0, 1),
    allow_equal("socket", 0, 2),
    allow_equal("socket", 0, 10),
    allow_equal("socket", 0, 16),
    {"socket", 0, Compare::Greater, 16, 0, EAFNOSUPPORT},
    allow_equal("socketpair", 0, 1),
    // PER_LINUX and the question what is set. Other personalities switch protections off.
    allow_equal("personality", 0, 0),
    allow_equal("personality", 0, 0xffff'ffff),
    // What a job writes belongs to the caller outside, where its mounts' nosuid does not reach: no set-id programs.
    allow_without("chmod", 1, 06000),
    refuse_with("chmod", 1, 04000),
    refuse_with("chmod", 1, 02000),
    allow_without("fchmod", 1, 06000),
    refuse_with("fchmod", 1, 04000),
    refuse_with("fchmod", 1, 02000),
    allow_without("fchmodat", 2, 06000),
    refuse_with("fchmodat", 2, 04000),
    refuse_with("fchmodat", 2, 02000),
    allow_without("creat", 1, 06000),
    allow_without("open", 2, 06000),
    allow_without("openat", 3, 06000),
    // S_IFIFO (0010000) and permission bits only: named pipes are useful, device nodes are not for jobs.
    {"mknod", 1, Compare::MaskedEqual, 0xffff'ffff & ~std::uint64_t{0777}, 0010000},
    {"mknodat", 2, Compare::MaskedEqual, 0xffff'ffff & ~std::uint64_t{0777}, 0010000},
});

constexpr const char* operator_of(Compare compare) {
  switch (compare) {
    case Compare::Equal:
      return "SCMP_CMP_EQ";
    case Compare::MaskedEqual:
      return "SCMP_CMP_MASKED_EQ";
    case Compare::Greater:
      return "SCMP_CMP_GT";
  }
  return "SCMP_CMP_EQ";
}

Json names(std::span<const std::string_view> calls) {
  Json list = Json::array();
  for (auto call : calls) list.push(call);
  return list;
}

Json rule_for(Json calls, int error_number) {
  Json rule = Json::object();
  rule.set("names", std::move(calls)).set("action", error_number == 0 ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO");
  if (error_number != 0) rule.set("errnoRet", error_number);
  return rule;
}

Json conditional_rule(const Conditional& call) {
  Json condition = Json::object();
  condition.set("index", call.argument).set("value", call.value).set("valueTwo", call.masked_value);
  condition.set("op", operator_of(call.compare));
  Json rule = rule_for(Json::array({call.name}), call.error_number);
  rule.set("args", Json::array({std::move(condition)}));
  return rule;
}

// The watcher lets them go on, or refuses them as a real run would.
constexpr std::array kToldInRehearsal = std::to_array<std::string_view>({
    "bind",
    "chown",
    "connect",
    "creat",
    "fchownat",
    "lchown",
    "open",
    "openat",
    "sendmmsg",
    "sendto",
    "setgid",
    "setresuid",
    "setuid",
});

Json told_rule(Json calls) {
  Json rule = Json::object();
  rule.set("names", std::move(calls)).set("action", "SCMP_ACT_NOTIFY");
  return rule;
}

// Standard input is descriptor 0: only reading that is worth a detour through the watcher.
void add_watch_rules(Json& rules) {
  rules.push(told_rule(names(kToldInRehearsal)));
  rules.push(told_rule(names(kRefused)));
  Json input = told_rule(Json::array({"read"}));
  input.set("args", Json::array({Json::object({{"index", 0}, {"value", 0}, {"op", "SCMP_CMP_EQ"}})}));
  rules.push(std::move(input));
  rules.push(conditional_rule({"read", 0, Compare::Greater, 0}));
}

constexpr const char* architecture() {
#if defined(__aarch64__)
  return "SCMP_ARCH_AARCH64";
#else
  return "SCMP_ARCH_X86_64";
#endif
}

}  // namespace

std::vector<std::string_view> allowed_system_calls() {
  std::vector<std::string_view> calls;
  for (auto group : kAllowed) calls.insert(calls.end(), group.begin(), group.end());
  return calls;
}

std::vector<std::string_view> refused_system_calls() {
  return {kRefused.begin(), kRefused.end()};
}

std::string_view name_of_refused_call(int number) {
  static constexpr std::pair<std::string_view, int> kNumbers[] = {
      {"chroot", SYS_chroot},
      {"fsconfig", SYS_fsconfig},
      {"fsmount", SYS_fsmount},
      {"fsopen", SYS_fsopen},
      {"fspick", SYS_fspick},
      {"mount", SYS_mount},
      {"mount_setattr", SYS_mount_setattr},
      {"move_mount", SYS_move_mount},
      {"open_tree", SYS_open_tree},
      {"pivot_root", SYS_pivot_root},
      {"setns", SYS_setns},
      {"umount2", SYS_umount2},
      {"unshare", SYS_unshare},
      {"add_key", SYS_add_key},
      {"keyctl", SYS_keyctl},
      {"request_key", SYS_request_key},
      {"kcmp", SYS_kcmp},
      {"pidfd_getfd", SYS_pidfd_getfd},
      {"process_madvise", SYS_process_madvise},
      {"process_vm_readv", SYS_process_vm_readv},
      {"process_vm_writev", SYS_process_vm_writev},
      {"ptrace", SYS_ptrace},
      {"bpf", SYS_bpf},
      {"fanotify_init", SYS_fanotify_init},
      {"io_uring_enter", SYS_io_uring_enter},
      {"io_uring_register", SYS_io_uring_register},
      {"io_uring_setup", SYS_io_uring_setup},
      {"perf_event_open", SYS_perf_event_open},
      {"userfaultfd", SYS_userfaultfd},
      {"acct", SYS_acct},
      {"clock_adjtime", SYS_clock_adjtime},
      {"clock_settime", SYS_clock_settime},
      {"delete_module", SYS_delete_module},
      {"finit_module", SYS_finit_module},
      {"init_module", SYS_init_module},
      {"kexec_file_load", SYS_kexec_file_load},
      {"kexec_load", SYS_kexec_load},
      {"name_to_handle_at", SYS_name_to_handle_at},
      {"open_by_handle_at", SYS_open_by_handle_at},
      {"quotactl", SYS_quotactl},
      {"reboot", SYS_reboot},
      {"setdomainname", SYS_setdomainname},
      {"sethostname", SYS_sethostname},
      {"settimeofday", SYS_settimeofday},
      {"swapoff", SYS_swapoff},
      {"swapon", SYS_swapon},
      {"syslog", SYS_syslog},
      {"vhangup", SYS_vhangup},
#if defined(__x86_64__)
      {"ioperm", SYS_ioperm},
      {"iopl", SYS_iopl},
#endif
  };
  for (auto [name, known] : kNumbers)
    if (known == number) return name;
  return "";
}

Json seccomp_profile(const std::string& watch_socket) {
  bool is_watched = !watch_socket.empty();
  auto is_told = [&](std::string_view call) {
    return is_watched && std::ranges::find(kToldInRehearsal, call) != kToldInRehearsal.end();
  };
  Json rules = Json::array();
  for (auto group : kAllowed) {
    std::vector<std::string_view> calls;
    for (auto call : group)
      if (!is_told(call) && !(is_watched && call == "read")) calls.push_back(call);
    rules.push(rule_for(names(calls), 0));
  }
  for (const auto& call : kConditional)
    if (!is_told(call.name)) rules.push(conditional_rule(call));
  if (is_watched) {
    add_watch_rules(rules);
  } else {
    rules.push(rule_for(names(kRefused), EPERM));
  }
  Json profile = Json::object();
  profile.set("defaultAction", "SCMP_ACT_ERRNO").set("defaultErrnoRet", ENOSYS);
  profile.set("architectures", Json::array({architecture()}));
  if (is_watched) profile.set("listenerPath", watch_socket);
  profile.set("syscalls", std::move(rules));
  return profile;
}

}  // namespace pratique::run
