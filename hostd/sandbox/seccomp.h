// seccomp: which system calls a worker may make at all.
#ifndef TVMFFI_HOSTD_SANDBOX_SECCOMP_H_
#define TVMFFI_HOSTD_SANDBOX_SECCOMP_H_

#include "proto/base/status.h"

namespace tvmffi::hostd {

struct SeccompProfile {
  bool network = false;    // sockets may be made and connected
  bool own_files = false;  // modes and times of files may change: Landlock does not restrict that
  bool audit = false;      // what would be refused is done, and written to the kernel's audit log
};

Status ProbeSeccomp();

// For all threads of this process and all that they start, for good: what is not on the list fails
// with EPERM; clone3, whose flags cannot be seen, with ENOSYS. Needs no_new_privs.
Status ApplySeccomp(const SeccompProfile& profile);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SANDBOX_SECCOMP_H_
