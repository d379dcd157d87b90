// Writes down how a thread dies. Async-signal-safe and without allocations; what it writes is a
// hint for the client's report, the wait status stays what it would have been.
#ifndef TVMFFI_HOSTD_WORKER_CRASH_HANDLER_H_
#define TVMFFI_HOSTD_WORKER_CRASH_HANDLER_H_

#include <cstdint>

#include "proto/base/status.h"
#include "proto/channel/layout.h"

namespace tvmffi::hostd {

// Handles SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT and SIGTRAP from now on: fills `*page`, once,
// and dies of the same signal. `page` stays valid for ever. Replaces the handlers of libraries
// loaded before.
Status InstallCrashHandler(CrashPage* page);

// Gives the calling thread a stack to crash on, so that its own may overflow. For the life of the
// thread.
Status UseCrashStack();

// The call that the calling thread serves, for the record; 0 for none.
void SetCurrentCall(uint64_t call_id);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_WORKER_CRASH_HANDLER_H_
