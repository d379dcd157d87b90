// Rights that a process gives up.
#ifndef TVMFFI_HOSTD_SANDBOX_PRIVILEGES_H_
#define TVMFFI_HOSTD_SANDBOX_PRIVILEGES_H_

#include "proto/base/status.h"

namespace tvmffi::hostd {

// Root becomes a user and group that own nothing, in no other group.
Status BecomeNobody();

// No capability now, and none after an exec.
Status DropCapabilities();

// An exec gains nothing any more; Landlock and seccomp ask for it.
Status SetNoNewPrivileges();

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SANDBOX_PRIVILEGES_H_
