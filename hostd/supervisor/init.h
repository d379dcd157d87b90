// Process 1 of a worker's pid namespace: waits for the worker, hands its end on, and takes with it
// everything the worker has started.
#ifndef TVMFFI_HOSTD_SUPERVISOR_INIT_H_
#define TVMFFI_HOSTD_SUPERVISOR_INIT_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <optional>

namespace tvmffi::hostd {

// How the worker ended. Process 1 cannot end that way itself: signals of its own mean nothing to
// it.
struct WorkerEnd {
  int wait_status;
  rusage usage;
};

// In the forked child. Keeps no descriptor but `end`, to which it writes a WorkerEnd. Ends with the
// worker, with the daemon (whose end of `end` is the only one), or killed: then without a word.
[[noreturn]] void RunInit(pid_t worker, int end);

// What was written to the other end of `end`, if anything was.
std::optional<WorkerEnd> ReadWorkerEnd(int end);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SUPERVISOR_INIT_H_
