// What a process and all that it started take, as /proc tells: for machines on which no control
// group counts it.
#ifndef TVMFFI_HOSTD_SANDBOX_USAGE_H_
#define TVMFFI_HOSTD_SANDBOX_USAGE_H_

#include <sys/types.h>

#include <cstdint>

#include "proto/base/status.h"

namespace tvmffi::hostd {

struct Usage {
  // Bytes of each one's own, and of shared memory beyond what it was lent. What several of them
  // share counts for each.
  uint64_t memory_bytes = 0;
  uint64_t processes = 0;  // threads count too
};

// Of `root` and its descendants. `lent_bytes` of the shared memory that each has mapped are
// somebody else's. Ends early once it has counted more than `max_processes`.
Usage UsageOf(pid_t root, uint64_t lent_bytes, uint64_t max_processes);

// Unavailable where the kernel does not show this of every process.
Status ProbeUsage();

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SANDBOX_USAGE_H_
