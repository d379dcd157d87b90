#include "hostd/sandbox/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace tvmffi::hostd {
namespace {

// What distributions call nobody.
constexpr uid_t kNobody = 65534;

}  // namespace

Status BecomeNobody() {
  if (::setgroups(0, nullptr) != 0) return ErrnoStatus(errno, "cannot leave all groups");
  if (::setresgid(kNobody, kNobody, kNobody) != 0) {
    return ErrnoStatus(errno, "cannot become group " + std::to_string(kNobody));
  }
  if (::setresuid(kNobody, kNobody, kNobody) != 0) {
    return ErrnoStatus(errno, "cannot become user " + std::to_string(kNobody));
  }
  // Otherwise it could not read its own /proc.
  if (::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) return ErrnoStatus(errno, "cannot show itself");
  return OkStatus();
}

Status DropCapabilities() {
  for (unsigned long capability = 0;; ++capability) {
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    // EINVAL: that was the last one. EPERM: there was nothing to give up.
    if (errno == EINVAL || errno == EPERM) break;
    return ErrnoStatus(errno, "cannot give up capability " + std::to_string(capability));
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capset, &header, none) != 0) {
    return ErrnoStatus(errno, "cannot give up all capabilities");
  }
  return OkStatus();
}

Status SetNoNewPrivileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) return OkStatus();
  return ErrnoStatus(errno, "cannot set no_new_privs");
}

}  // namespace tvmffi::hostd
