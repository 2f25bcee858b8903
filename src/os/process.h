// Other programs: started with exactly the descriptors, environment and directory we say, and always reaped.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "os/fd.h"

namespace pratique::os {

struct ExitState {
  int code = 0;    // exit code; 128 + signal where a signal ended it
  int signal = 0;  // 0: it exited by itself
  bool ok() const { return code == 0; }
};

struct Command {
  std::string program;             // looked up in PATH unless it holds a "/"
  std::vector<std::string> args;   // without the program's name
  std::optional<std::vector<std::string>> env;  // "K=V"; nullopt: ours
  std::string directory;           // "" : ours
  // fd_map[i] = {ours, theirs}: dup'ed in the child. 0, 1, 2 not named here are /dev/null, inherited, inherited.
  std::vector<std::pair<int, int>> fd_map;
  bool dies_with_parent = true;    // PR_SET_PDEATHSIG SIGKILL
  bool new_session = false;        // setsid: own process group for signals
};

// A running child. Killed and reaped when this goes, unless waited for. One thread at a time.
class Process {
 public:
  static Result<Process> start(const Command& command);  // NotFound when there is no such program
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&&) noexcept;

  pid_t pid() const { return pid_; }
  const Fd& pidfd() const { return pidfd_; }  // readable (poll) when it has ended
  void signal(int number) const;
  // nullopt at the deadline; nullopt deadline waits for good.
  std::optional<ExitState> wait(std::optional<std::chrono::milliseconds> timeout = std::nullopt);
  // TERM, up to `grace`, then KILL; reaped on return.
  ExitState stop(std::chrono::milliseconds grace);

 private:
  Process(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  pid_t pid_ = -1;
  Fd pidfd_;
};

struct Output {
  ExitState exit;
  std::string out;
  std::string err;
};
// Runs to the end with captured output (each at most `bytes_max`, then Limit); Unavailable at the timeout.
Result<Output> run(const Command& command, std::string_view input = {}, std::chrono::milliseconds timeout = std::chrono::minutes(1),
                   std::size_t bytes_max = 16 << 20);
// The full path of a program in PATH; nullopt where there is none.
std::optional<std::string> find_program(const std::string& name);

}  // namespace pratique::os
