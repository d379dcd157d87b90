// C1.3, C1.4: processes that try to outlive the kill.

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <tvm/ffi/function.h>
#include <unistd.h>

#include <cstdint>
#include <thread>

namespace adversarial {
namespace {

// Deaf to every signal it can be deaf to, in a session of its own, nobody's child.
[[noreturn]] void Linger(const char* name) {
  prctl(PR_SET_NAME, name, 0, 0, 0);
  prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_IGN);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  for (;;) pause();
}

}  // namespace

// Leaves `count` processes called `name` behind. How many could be started.
int64_t Escape(tvm::ffi::String name, int64_t count) {
  int64_t started = 0;
  for (int64_t i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child < 0) break;
    if (child == 0) {
      setsid();
      const pid_t grandchild = fork();
      if (grandchild == 0) Linger(name.c_str());
      _exit(grandchild > 0 ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    started += status == 0;
  }
  return started;
}

// C1.3: the same, and then this process is deaf as well, in every thread, and never returns.
void EscapeAndHang(tvm::ffi::String name, int64_t count) {
  Escape(name, count);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_IGN);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  for (int i = 0; i < 3; ++i) {
    std::thread([] {
      for (;;) pause();
    }).detach();
  }
  for (;;) pause();
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(escape, Escape);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(escape_and_hang, EscapeAndHang);

}  // namespace adversarial
