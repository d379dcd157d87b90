// Locks a worker up: everything that stands between a plug-in and the machine, in order.
#ifndef TVMFFI_HOSTD_SANDBOX_LOCK_H_
#define TVMFFI_HOSTD_SANDBOX_LOCK_H_

#include <vector>

#include "hostd/sandbox/mounts.h"
#include "hostd/sandbox/seccomp.h"
#include "proto/base/status.h"
#include "proto/channel/start_times.h"
#include "proto/wire/validate.h"

namespace tvmffi::hostd {

// In two steps, so that a worker can wait between them for somebody who needs it. Nothing of a
// plug-in may be read before both are done, but its ELF headers, and no second thread started.
// After a failure the process must end.
class SelfLock {
 public:
  // What takes long and is the same for everybody: a file tree of its own, in which nothing is to
  // be seen yet but the system's, and the making of the filter of system calls. The daemon has
  // started this process in the namespaces among `start.layers`.
  Status Prepare(const wire::WorkerPrepare& prepare, StartTimes* times);

  // Puts the limits and every layer of `start.layers` on this process; those and whatever else
  // Prepare was told must be the same. Places `links` in the worker's own root, where there is one,
  // and says which.
  Status Finish(const wire::WorkerStart& start, std::vector<FileLink>* links, StartTimes* times);

 private:
  Status FinishRoot(const wire::WorkerStart& start, std::vector<std::string>* readable,
                    std::vector<FileLink>* links);

  NewRoot root_;
  SeccompProfile profile_;
  SeccompProgram program_;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SANDBOX_LOCK_H_
