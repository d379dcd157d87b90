// Signals of a child that is about to become another program.
#ifndef TVMFFI_PROTO_BASE_SIGNALS_H_
#define TVMFFI_PROTO_BASE_SIGNALS_H_

#include <signal.h>

namespace tvmffi {

// Default actions, nothing blocked, whatever the parent had. System calls only: for between fork or
// clone and exec.
inline void ResetSignals() {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &action, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_BASE_SIGNALS_H_
