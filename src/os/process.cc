#include "os/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <thread>

#include "base/format.h"
#include "base/text.h"

namespace pratique::os {

namespace {

using SteadyClock = std::chrono::steady_clock;
using Deadline = std::optional<SteadyClock::time_point>;

// What a shell would use without PATH; never the current directory.
constexpr std::string_view kPathWithoutEnvironment = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// The child runs on this until exec. It needs one small frame; sanitizers make frames larger.
constexpr std::size_t kChildStackBytes = 256 << 10;

// The exit state of a child somebody else reaped (SIGCHLD ignored in this process): not known, so not a success.
constexpr int kUnknownExitCode = 255;

enum class Step { None, ParentGone, Session, Cgroup, Directory, Descriptors, Exec };

std::string_view describe(Step step) {
  switch (step) {
    case Step::None:
      return "starting";
    case Step::ParentGone:
      return "binding its life to ours for";
    case Step::Session:
      return "opening a session for";
    case Step::Cgroup:
      return "entering the cgroup for";
    case Step::Directory:
      return "entering the working directory of";
    case Step::Descriptors:
      return "arranging the descriptors of";
    case Step::Exec:
      return "executing";
  }
  return "starting";
}

// Everything the child needs, prepared before it exists: between clone and exec it shares our memory, so it must not
// allocate, lock, or touch anything but this.
struct Launch {
  const char* program;
  char* const* argv;
  char* const* envp;
  const char* directory;  // nullptr: stay
  const std::pair<int, int>* fd_map;
  int* staged;  // room for fd_map's size
  std::size_t fd_count;
  const int* cgroups;
  std::size_t cgroup_count;
  int staging_floor;  // above every descriptor number the child will end up with
  bool default_stdin;
  bool dies_with_parent;
  bool new_session;
  pid_t parent;
  // The answer. Shared memory carries it: the parent stands still until the child has executed or exited.
  volatile Step failed = Step::None;
  volatile int error = 0;
};

// Handlers are addresses in the old program, and an ignored SIGPIPE would be inherited: writers would never end.
__attribute__((no_sanitize("address", "undefined"))) void reset_signals() {
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action;
    if (::sigaction(number, nullptr, &action) != 0) continue;
    if (action.sa_handler == SIG_DFL || (action.sa_handler == SIG_IGN && number != SIGPIPE)) continue;
    action.sa_handler = SIG_DFL;
    action.sa_flags = 0;
    ::sigaction(number, &action, nullptr);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// First every source is copied above all targets, so that no dup2 overwrites a source that is still needed.
__attribute__((no_sanitize("address", "undefined"))) bool arrange_descriptors(const Launch& launch) {
  for (std::size_t i = 0; i < launch.fd_count; ++i) {
    launch.staged[i] = ::fcntl(launch.fd_map[i].first, F_DUPFD_CLOEXEC, launch.staging_floor);
    if (launch.staged[i] < 0) return false;
  }
  // The raw call: a libc older than the kernel has no wrapper.
  if (::syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) != 0) return false;
  if (launch.default_stdin) {
    int null = ::open("/dev/null", O_RDONLY);
    if (null < 0 || (null != 0 && ::dup2(null, 0) < 0)) return false;
    if (null > 2) ::close(null);
  }
  for (std::size_t i = 0; i < launch.fd_count; ++i) {
    if (::dup2(launch.staged[i], launch.fd_map[i].second) < 0) return false;
  }
  return true;
}

__attribute__((no_sanitize("address", "undefined"))) Step prepare_and_execute(const Launch& launch) {
  if (launch.dies_with_parent) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return Step::ParentGone;
    // The parent may have died before the request was in force; then nothing would ever kill us. A parent outside our
    // process namespace reads as 0 while it lives.
    pid_t parent = ::getppid();
    errno = ESRCH;
    if (parent != launch.parent && parent != 0) return Step::ParentGone;
  }
  if (launch.new_session && ::setsid() < 0) return Step::Session;
  // "0" is the writer itself.
  for (std::size_t i = 0; i < launch.cgroup_count; ++i) {
    if (::write(launch.cgroups[i], "0", 1) != 1) return Step::Cgroup;
  }
  if (launch.directory && ::chdir(launch.directory) != 0) return Step::Directory;
  if (!arrange_descriptors(launch)) return Step::Descriptors;
  reset_signals();
  ::execve(launch.program, launch.argv, launch.envp);
  return Step::Exec;
}

__attribute__((no_sanitize("address", "undefined"))) int child_main(void* argument) {
  auto* launch = static_cast<Launch*>(argument);
  launch->failed = prepare_and_execute(*launch);
  launch->error = errno;
  ::_exit(127);
}

class ChildStack {
 public:
  ChildStack() {
    base_ = ::mmap(nullptr, kChildStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    // The lowest page is a guard: an overrun must not write into whatever is mapped below.
    if (base_ != MAP_FAILED) ::mprotect(base_, 4096, PROT_NONE);
  }
  ~ChildStack() {
    if (base_ != MAP_FAILED) ::munmap(base_, kChildStackBytes);
  }
  ChildStack(const ChildStack&) = delete;
  ChildStack& operator=(const ChildStack&) = delete;
  void* top() const { return base_ == MAP_FAILED ? nullptr : static_cast<char*>(base_) + kChildStackBytes; }

 private:
  void* base_;
};

struct Child {
  pid_t pid = -1;
  int pidfd = -1;
  int error = 0;
};

// clone with shared memory, as vfork: cost does not grow with our size, and no page of a multithreaded heap is copied
// in the middle of somebody's change. All signals wait meanwhile: a handler run by the child would act on our memory.
Child clone_child(Launch& launch) {
  Child child;
  ChildStack stack;
  if (!stack.top()) return Child{.error = ENOMEM};
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  child.pid = ::clone(child_main, stack.top(), CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &launch, &child.pidfd);
  child.error = child.pid < 0 ? errno : 0;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return child;
}

// The parent-death signal of the kernel is sent when the *thread* that cloned ends. This thread never does, so its
// children die with the process and not with a request handler. Never destroyed: exit() must not wait for it.
class Spawner {
 public:
  static Spawner& instance() {
    static auto* spawner = new Spawner;
    return *spawner;
  }

  Child clone(Launch& launch) {
    // The main thread lives as long as the process; a forked copy of us has no spawner thread.
    if (::gettid() == ::getpid() || ::getpid() != process_) return clone_child(launch);
    std::lock_guard one_at_a_time(turn_);
    std::unique_lock lock(mutex_);
    request_ = &launch;
    answer_.reset();
    changed_.notify_all();
    changed_.wait(lock, [&] { return answer_.has_value(); });
    return *answer_;
  }

 private:
  Spawner() : process_(::getpid()) {
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread([this] { serve(); }).detach();
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return request_ != nullptr; });
      answer_ = clone_child(*std::exchange(request_, nullptr));
      changed_.notify_all();
    }
  }

  const pid_t process_;
  std::mutex turn_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Launch* request_ = nullptr;
  std::optional<Child> answer_;
};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const auto& string : strings) out.push_back(const_cast<char*>(string.c_str()));
  out.push_back(nullptr);
  return out;
}

// A NUL inside would silently cut the string the child sees.
Status check_strings(const Command& command) {
  auto has_nul = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  bool bad = has_nul(command.program) || has_nul(command.directory) || std::ranges::any_of(command.args, has_nul) ||
             (command.env && std::ranges::any_of(*command.env, has_nul));
  if (bad) return invalid(format("starting {}: a string holds a NUL byte", printable(command.program)));
  return {};
}

int exit_code_of(const siginfo_t& info) {
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

// Blocks unless `flags` holds WNOHANG; nullopt while it runs.
std::optional<ExitState> reap(const Fd& pidfd, int flags) {
  siginfo_t info;
  for (;;) {
    info.si_pid = 0;
    if (::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED | flags) == 0) break;
    if (errno != EINTR) return ExitState{.code = kUnknownExitCode};
  }
  if (info.si_pid == 0) return std::nullopt;
  return ExitState{.code = exit_code_of(info), .signal = info.si_code == CLD_EXITED ? 0 : info.si_status};
}

int milliseconds_left(const Deadline& deadline) {
  if (!deadline) return -1;
  auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - SteadyClock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 1'000'000'000));
}

Result<Fd> memory_file(std::string_view content) {
  Fd file(::memfd_create("stdin", MFD_CLOEXEC));
  if (!file.is_open()) return from_errno("making a memory file", errno);
  TRY(write_all(file, as_bytes(content)));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return from_errno("rewinding a memory file", errno);
  return file;
}

enum class Drained { More, End, Over };

// Reads what is there now; the descriptor is non-blocking.
Drained drain(const Fd& fd, std::string& into, std::size_t bytes_max) {
  std::array<std::byte, 64 << 10> buffer;
  for (;;) {
    auto got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN ? Drained::More : Drained::End;
    if (got == 0) return Drained::End;
    into.append(reinterpret_cast<const char*>(buffer.data()), static_cast<std::size_t>(got));
    if (into.size() > bytes_max) return Drained::Over;
  }
}

struct Capture {
  Pipe pipe;
  std::string text;

  static Result<Capture> create() {
    Capture capture{.pipe = TRY(make_pipe()), .text = {}};
    if (::fcntl(capture.pipe.read_end.get(), F_SETFL, O_NONBLOCK) != 0) return from_errno("making a pipe", errno);
    return capture;
  }
  // false when the limit is passed.
  bool take(std::size_t bytes_max) {
    if (!pipe.read_end.is_open()) return true;
    auto drained = drain(pipe.read_end, text, bytes_max);
    if (drained != Drained::More) pipe.read_end.reset();
    return drained != Drained::Over;
  }
};

// Collects both streams until the program itself has ended.
Status collect(Process& process, Capture& out, Capture& err, const Deadline& deadline, std::size_t bytes_max) {
  for (bool ended = false; !ended;) {
    std::array<pollfd, 3> watched{{{process.pidfd().get(), POLLIN, 0},
                                   {out.pipe.read_end.get(), POLLIN, 0},
                                   {err.pipe.read_end.get(), POLLIN, 0}}};
    int ready = ::poll(watched.data(), watched.size(), milliseconds_left(deadline));
    if (ready < 0 && errno != EINTR) return from_errno("waiting for a program", errno);
    if (ready == 0) return unavailable("it did not end in time and was killed");
    // Asked before the last drain: what it wrote before it ended is in the pipes by then.
    ended = ready > 0 && (watched[0].revents & POLLIN) != 0;
    if (!out.take(bytes_max) || !err.take(bytes_max)) {
      return over_limit(format("it printed more than {} and was killed", human_bytes(bytes_max)));
    }
  }
  return {};
}

bool is_executable(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::optional<std::string> find_program(const std::string& name) {
  if (name.empty()) return std::nullopt;
  if (name.find('/') != std::string::npos) return is_executable(name) ? std::optional(name) : std::nullopt;
  const char* path = ::getenv("PATH");
  for (auto directory : split(path ? std::string_view(path) : kPathWithoutEnvironment, ':')) {
    if (!directory.starts_with('/')) continue;
    auto candidate = format("{}/{}", directory, name);
    if (is_executable(candidate)) return candidate;
  }
  return std::nullopt;
}

Result<Process> Process::start(const Command& command) {
  TRY(check_strings(command));
  auto program = find_program(command.program);
  if (!program) return not_found(format("there is no program {}", printable(command.program)));
  std::vector<std::string> words{command.program};
  words.insert(words.end(), command.args.begin(), command.args.end());
  auto argv = pointers(words);
  auto env = command.env ? pointers(*command.env) : std::vector<char*>();
  std::vector<int> staged(command.fd_map.size());
  Launch launch{.program = program->c_str(),
                .argv = argv.data(),
                .envp = command.env ? env.data() : ::environ,
                .directory = command.directory.empty() ? nullptr : command.directory.c_str(),
                .fd_map = command.fd_map.data(),
                .staged = staged.data(),
                .fd_count = staged.size(),
                .cgroups = command.cgroups.data(),
                .cgroup_count = command.cgroups.size(),
                .staging_floor = 3,
                .default_stdin = true,
                .dies_with_parent = command.dies_with_parent,
                .new_session = command.new_session,
                .parent = ::getpid()};
  for (auto [ours, theirs] : command.fd_map) {
    if (ours < 0 || theirs < 0) return invalid(format("starting {}: a negative descriptor", command.program));
    launch.staging_floor = std::max(launch.staging_floor, theirs + 1);
    if (theirs == 0) launch.default_stdin = false;
  }
  bool lives_on = command.dies_with_parent && !command.in_calling_thread;
  Child child = lives_on ? Spawner::instance().clone(launch) : clone_child(launch);
  if (child.pid < 0) return from_errno(format("starting {}", command.program), child.error);
  Process process(child.pid, Fd(child.pidfd), command.new_session);
  if (launch.failed != Step::None) {
    process.exit_ = reap(process.pidfd_, 0);
    return from_errno(format("{} {}", describe(launch.failed), printable(command.program)), launch.error);
  }
  return process;
}

Process::~Process() {
  abandon();
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      leads_group_(other.leads_group_),
      exit_(other.exit_) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this == &other) return *this;
  abandon();
  pid_ = std::exchange(other.pid_, -1);
  pidfd_ = std::move(other.pidfd_);
  leads_group_ = other.leads_group_;
  exit_ = other.exit_;
  return *this;
}

void Process::abandon() {
  if (pid_ < 0 || exit_) return;
  signal(SIGKILL);
  exit_ = reap(pidfd_, 0);
}

void Process::signal(int number) const {
  if (pid_ < 0 || exit_) return;
  // Not reaped yet, so the number still is this child's and its group's.
  if (leads_group_ && ::kill(-pid_, number) == 0) return;
  ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

std::optional<ExitState> Process::wait(std::optional<std::chrono::milliseconds> timeout) {
  CHECK(pid_ >= 0, "waiting for a process that was moved away");
  if (exit_) return exit_;
  Deadline deadline;
  if (timeout) deadline = SteadyClock::now() + *timeout;
  for (;;) {
    pollfd watched{pidfd_.get(), POLLIN, 0};
    int ready = ::poll(&watched, 1, milliseconds_left(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return std::nullopt;
    exit_ = reap(pidfd_, 0);
    return exit_;
  }
}

ExitState Process::stop(std::chrono::milliseconds grace) {
  signal(SIGTERM);
  if (auto exit = wait(grace)) return *exit;
  signal(SIGKILL);
  return *wait();
}

Result<Output> run(const Command& command, std::string_view input, std::chrono::milliseconds timeout,
                   std::size_t bytes_max) {
  Deadline deadline = SteadyClock::now() + timeout;
  auto in = TRY(memory_file(input));
  auto out = TRY(Capture::create());
  auto err = TRY(Capture::create());
  Command captured = command;
  captured.fd_map.push_back({in.get(), 0});
  captured.fd_map.push_back({out.pipe.write_end.get(), 1});
  captured.fd_map.push_back({err.pipe.write_end.get(), 2});
  auto process = TRY(Process::start(captured));
  out.pipe.write_end.reset();
  err.pipe.write_end.reset();
  TRY(collect(process, out, err, deadline, bytes_max).with_context(format("running {}", command.program)));
  return Output{.exit = *process.wait(), .out = std::move(out.text), .err = std::move(err.text)};
}

}  // namespace pratique::os
