// Locks a worker up: everything that stands between a plug-in and the machine, in order.
#ifndef TVMFFI_HOSTD_SANDBOX_LOCK_H_
#define TVMFFI_HOSTD_SANDBOX_LOCK_H_

#include <vector>

#include "hostd/sandbox/mounts.h"
#include "proto/base/status.h"
#include "proto/wire/validate.h"

namespace tvmffi::hostd {

// Puts the limits and every layer of `start.layers` on this process, which the daemon has started
// in the namespaces among them. To be called before a second thread is started and anything of a
// plug-in is read but its ELF headers. Places `links` in the worker's own root, where there is one,
// and says which. After a failure the process must end.
Status LockSelf(const wire::WorkerStart& start, std::vector<FileLink>* links);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SANDBOX_LOCK_H_
