// Namespaces of a worker's own: made by the daemon when it starts one, filled by the worker.
#ifndef TVMFFI_HOSTD_SANDBOX_NAMESPACES_H_
#define TVMFFI_HOSTD_SANDBOX_NAMESPACES_H_

#include <sched.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "proto/base/status.h"

namespace tvmffi::hostd {

// For clone(): those of `layers` that are namespaces.
int NamespaceFlags(const std::vector<std::string>& layers);

// Those that a process is born into: the user's, which comes before all others, and pids. It makes
// the others itself.
inline constexpr int kBornInto = CLONE_NEWUSER | CLONE_NEWPID;

// fork() into new namespaces. Only for a process of one thread: no handler of the C library runs.
pid_t ForkInto(int flags);

// The first thing in a new user namespace: there this process is user 0 of a namespace that holds
// nobody but `uid` and `gid`, which were its own outside. Zero or an errno; makes system calls
// only.
int MapUser(uid_t uid, gid_t gid);

// Makes a child with these namespaces and does there what a worker would.
Status TryNamespaces(const std::vector<std::string>& layers);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SANDBOX_NAMESPACES_H_
