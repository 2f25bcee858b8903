// Processes that only exist for the namespace they are in.
#pragma once

#include <sys/types.h>

#include "base/result.h"

namespace pratique::run {

// A child that shares our memory and runs `body` on a stack of its own, with all signals blocked, until it is killed.
// `body` makes system calls and nothing else, and none that fails while the starting thread looks at errno: the two
// share it.
class HelperProcess {
 public:
  static Result<HelperProcess> start(int (*body)(void*), void* argument, int clone_flags);
  ~HelperProcess();  // killed and reaped; the first process of a namespace only when our children in it are reaped
  HelperProcess(HelperProcess&& other) noexcept;
  HelperProcess& operator=(HelperProcess&&) = delete;
  pid_t pid() const { return pid_; }
  void kill() const;

 private:
  HelperProcess(pid_t pid, void* stack) : pid_(pid), stack_(stack) {}
  pid_t pid_;
  void* stack_;
};

// Whether this process may make a user namespace. Under chroot(2) not even root may (clone(2), EPERM).
Status check_user_namespaces();

// A process namespace for the children this thread starts from now on, and /proc mounted for it in this thread's own
// mount namespace. Its first process is ours: when that goes (with this object, or with our process however that ends)
// the kernel kills everything inside. After this, /proc does not show the calling process itself.
Result<HelperProcess> enter_process_namespace();

}  // namespace pratique::run
