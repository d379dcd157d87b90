#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "hostd/sandbox/seccomp.h"

namespace tvmffi::hostd {

// Apart from the profile, which only the worker links.
Status ProbeSeccomp() {
  uint32_t action = SECCOMP_RET_ERRNO;
  if (::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0) return OkStatus();
  return ErrnoStatus(errno, "the kernel does not offer seccomp filters");
}

}  // namespace tvmffi::hostd
