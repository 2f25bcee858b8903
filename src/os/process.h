// Other programs: started with exactly the descriptors, environment and directory we say, and always reaped.
//
// A child gets no descriptor but those named, default signal handlers and an empty signal mask, whatever ours are.
// Starting is safe from any thread of a busy process: the child only makes system calls until it is the new program.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "os/fd.h"

namespace pratique::os {

struct ExitState {
  int code = 0;    // exit code; 128 + signal where a signal ended it
  int signal = 0;  // 0: it exited by itself
  bool ok() const { return code == 0; }
};

struct Command {
  std::string program;                          // looked up in PATH unless it holds a "/"
  std::vector<std::string> args;                // without the program's name
  std::optional<std::vector<std::string>> env;  // "K=V"; nullopt: ours
  std::string directory;                        // "" : ours
  // fd_map[i] = {ours, theirs}: dup'ed in the child. 0, 1, 2 not named here are /dev/null, inherited, inherited.
  std::vector<std::pair<int, int>> fd_map;
  // The kernel kills it when this process ends, however it ends. Not when the starting thread ends: such children are
  // started by a thread that lives as long as the process, and so have its namespaces.
  bool dies_with_parent = true;
  bool new_session = false;  // setsid; signal(), stop() and the destructor then reach its whole process group
  // The calling thread itself starts it: it has this thread's namespaces, and dies_with_parent means this thread.
  bool in_calling_thread = false;
  std::vector<int> cgroups;  // open cgroup.procs files: the child joins each before it becomes the program
};

// A running child. Killed and reaped when this goes, unless waited for. One thread at a time.
class Process {
 public:
  // NotFound when there is no such program or directory, Unavailable when it cannot be executed.
  static Result<Process> start(const Command& command);
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&&) noexcept;

  pid_t pid() const { return pid_; }
  const Fd& pidfd() const { return pidfd_; }  // readable (poll) when it has ended
  void signal(int number) const;              // nothing once it has been waited for
  // The same answer each time once it has ended; nullopt at the deadline; nullopt deadline waits for good.
  std::optional<ExitState> wait(std::optional<std::chrono::milliseconds> timeout = std::nullopt);
  // TERM, up to `grace`, then KILL; reaped on return.
  ExitState stop(std::chrono::milliseconds grace);

 private:
  Process(pid_t pid, Fd pidfd, bool leads_group) : pid_(pid), pidfd_(std::move(pidfd)), leads_group_(leads_group) {}
  void abandon();
  pid_t pid_ = -1;
  Fd pidfd_;
  bool leads_group_ = false;
  std::optional<ExitState> exit_;
};

struct Output {
  ExitState exit;
  std::string out;
  std::string err;
};
// Runs to the end with captured output (each at most `bytes_max`, then Limit); Unavailable at the timeout. `input` is
// its standard input. Output of descendants that outlive the program is not waited for.
Result<Output> run(const Command& command, std::string_view input = {},
                   std::chrono::milliseconds timeout = std::chrono::minutes(1), std::size_t bytes_max = 16 << 20);
// The full path of a program in PATH; nullopt where there is none. Relative PATH entries are skipped: the program must
// not depend on where we stand.
std::optional<std::string> find_program(const std::string& name);

}  // namespace pratique::os
