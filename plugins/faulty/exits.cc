// The process ends, or never does.

#include <signal.h>
#include <stdlib.h>
#include <tvm/ffi/function.h>
#include <unistd.h>

namespace faulty {

int64_t Pid() { return getpid(); }

void Exit(int code) { exit(code); }
void ExitNow(int code) { _exit(code); }

void Hang() {
  for (;;) pause();
}

void HangBlockingSignals() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  Hang();
}

void Spin() {
  for (volatile unsigned turns = 0;; turns = turns + 1) {
  }
}

void AtexitHang() { atexit(Hang); }

TVM_FFI_DLL_EXPORT_TYPED_FUNC(pid, Pid);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(exit, Exit);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(exit_now, ExitNow);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(atexit_hang, AtexitHang);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(hang, Hang);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(hang_blocking_signals, HangBlockingSignals);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(spin, Spin);

}  // namespace faulty
