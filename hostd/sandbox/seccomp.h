// seccomp: which system calls a worker may make at all.
#ifndef TVMFFI_HOSTD_SANDBOX_SECCOMP_H_
#define TVMFFI_HOSTD_SANDBOX_SECCOMP_H_

#include <linux/filter.h>

#include <vector>

#include "proto/base/status.h"

namespace tvmffi::hostd {

struct SeccompProfile {
  bool network = false;    // sockets may be made and connected
  bool own_files = false;  // modes and times of files may change: Landlock does not restrict that
  bool audit = false;      // what would be refused is done, and written to the kernel's audit log
};

// A filter as the kernel takes it.
using SeccompProgram = std::vector<sock_filter>;

Status ProbeSeccomp();

// What is not on the list fails with EPERM; clone3, whose flags cannot be seen, with ENOSYS. Making
// it takes ten times as long as installing it.
Result<SeccompProgram> MakeSeccomp(const SeccompProfile& profile);

// For all threads of this process and all that they start, for good. Needs no_new_privs.
Status InstallSeccomp(const SeccompProgram& program);

// On top of a profile with `own_files`: they are refused after all.
Status RefuseOwnFiles(bool audit);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SANDBOX_SECCOMP_H_
