// C1.10: signals to processes outside.

#include <signal.h>
#include <sys/syscall.h>
#include <tvm/ffi/function.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "attempts.h"

namespace adversarial {

// Signal `number` to the process `pid`, as the caller numbers it, by several ways.
Attempts Send(int64_t pid, int64_t number) {
  Attempts attempts;
  const pid_t target = static_cast<pid_t>(pid);
  const int signal = static_cast<int>(number);
  Note(&attempts, "kill", kill(target, signal) == 0);
  Note(&attempts, "tgkill", syscall(SYS_tgkill, target, target, signal) == 0);
  sigval value{};
  Note(&attempts, "sigqueue", sigqueue(target, signal, value) == 0);
  const long pidfd = syscall(SYS_pidfd_open, target, 0);
  Note(&attempts, "pidfd_send_signal",
       pidfd >= 0 && syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0);
  return attempts;
}

// The signal 0 harms nobody: whether a parent or anybody at all could be named.
Attempts Probe() {
  Attempts attempts;
  const pid_t parent = getppid();
  errno = ESRCH;  // what it is when there is none to name
  Note(&attempts, "name the parent outside", parent > 1 && kill(parent, 0) == 0);
  // Threads of its own answer too.
  auto is_own = [](pid_t pid) { return syscall(SYS_tgkill, getpid(), pid, 0) == 0; };
  bool found = false;
  for (pid_t pid = 10; pid < 65536 && !found; ++pid) found = kill(pid, 0) == 0 && !is_own(pid);
  Note(&attempts, "find anybody", found);
  return attempts;
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(send, Send);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(probe, Probe);

}  // namespace adversarial
