// C1.11: doors of the kernel that a computation has no business at. A call counts as reached unless
// it is refused before the kernel looks at its (bad) arguments.

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <tvm/ffi/function.h>
#include <unistd.h>

#include <cstdint>

#include "attempts.h"

namespace adversarial {

using tvm::ffi::String;

namespace {

void Call(Attempts* attempts, const char* name, long result) {
  const bool refused = result == -1 && (errno == EPERM || errno == ENOSYS);
  Note(attempts, name, !refused);
}

}  // namespace

// Nothing here changes anything where it is reached: arguments are bad or without effect.
Attempts Knock(int64_t pid) {
  Attempts attempts;
  char space[256] = {};
  Call(&attempts, "io_uring_setup", syscall(SYS_io_uring_setup, 0, space));
  Call(&attempts, "userfaultfd", syscall(SYS_userfaultfd, 0x7fffffff));
  Call(&attempts, "keyctl", syscall(SYS_keyctl, 0x7fffffff, 0, 0, 0, 0));
  Call(&attempts, "add_key", syscall(SYS_add_key, nullptr, nullptr, nullptr, 0, 0));
  Call(&attempts, "perf_event_open", syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0));
  Call(&attempts, "bpf", syscall(SYS_bpf, 0x7fffffff, space, sizeof(space)));
  Call(&attempts, "ptrace", syscall(SYS_ptrace, 0x7fffffff, pid, nullptr, nullptr));
  Call(&attempts, "process_vm_writev",
       syscall(SYS_process_vm_writev, pid, space, -1, space, -1, 0));
  Call(&attempts, "kcmp", syscall(SYS_kcmp, getpid(), getpid(), 0x7fff, 0, 0));
  Call(&attempts, "unshare", syscall(SYS_unshare, CLONE_NEWUSER | CLONE_SIGHAND | 1));
  Call(&attempts, "setns", syscall(SYS_setns, -1, 0));
  Call(&attempts, "personality", syscall(SYS_personality, 0xffffffff));
  Call(&attempts, "open_by_handle_at", syscall(SYS_open_by_handle_at, -1, space, -1));
  Call(&attempts, "name_to_handle_at", syscall(SYS_name_to_handle_at, -1, "x", space, space, -1));
  Call(&attempts, "pidfd_getfd", syscall(SYS_pidfd_getfd, -1, -1, 0));
  Call(&attempts, "mount_setattr", syscall(SYS_mount_setattr, -1, "x", -1, space, 0));
  Call(&attempts, "clone3", syscall(SYS_clone3, nullptr, 0));
  Call(&attempts, "execveat", syscall(SYS_execveat, -1, nullptr, nullptr, nullptr, -1));
  Call(&attempts, "mknod", syscall(SYS_mknodat, -1, "x", 0, 0));
  Call(&attempts, "fanotify_init", syscall(SYS_fanotify_init, -1, -1));
  return attempts;
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(knock, Knock);

}  // namespace adversarial
