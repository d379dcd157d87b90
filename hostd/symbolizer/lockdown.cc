#include "hostd/symbolizer/lockdown.h"

#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

#include "hostd/sandbox/privileges.h"
#include "hostd/sandbox/rlimits.h"
#include "hostd/sandbox/seccomp_filter.h"

namespace tvmffi::hostd {
namespace {

// Of addresses: large files are mapped, not read.
[[maybe_unused]] constexpr uint64_t kMemory = uint64_t{4} << 30;
constexpr uint32_t kCpuSeconds = 4;
constexpr uint32_t kFiles = 256;

constexpr int kAllowed[] = {
    SCMP_SYS(brk),          SCMP_SYS(clock_gettime),
    SCMP_SYS(close),        SCMP_SYS(exit),
    SCMP_SYS(exit_group),   SCMP_SYS(fcntl),
    SCMP_SYS(fstat),        SCMP_SYS(futex),
    SCMP_SYS(getpid),       SCMP_SYS(getrandom),
    SCMP_SYS(gettid),       SCMP_SYS(lseek),
    SCMP_SYS(madvise),      SCMP_SYS(mremap),
    SCMP_SYS(munmap),       SCMP_SYS(newfstatat),
    SCMP_SYS(poll),         SCMP_SYS(ppoll),
    SCMP_SYS(pread64),      SCMP_SYS(read),
    SCMP_SYS(recvmsg),      SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(sendmsg),
    SCMP_SYS(write),
#if defined(__SANITIZE_ADDRESS__)
    SCMP_SYS(pipe2),        SCMP_SYS(sigaltstack),  // its own questions
#endif
};

// New memory is data only.
Status AllowDataMappings(SeccompFilter* filter) {
  for (int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    TVMFFI_RETURN_IF_ERROR(filter->AllowIf(
        call, SCMP_A2(SCMP_CMP_MASKED_EQ, static_cast<scmp_datum_t>(PROT_EXEC), 0)));
  }
  return OkStatus();
}

Status FilterCalls() {
  Result<SeccompFilter> filter = SeccompFilter::Create(/*audit=*/false);
  if (!filter.ok()) return filter.status();
  TVMFFI_RETURN_IF_ERROR(filter->Allow(kAllowed));
  TVMFFI_RETURN_IF_ERROR(AllowDataMappings(&*filter));
  return filter->Load();
}

Status LimitResources() {
  wire::Limits limits;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  limits.address_space_bytes = kMemory;
#endif
  limits.cpu_seconds = kCpuSeconds;
  limits.open_files = kFiles;
  TVMFFI_RETURN_IF_ERROR(ApplyRlimits(limits));
  // Zero is "unlimited" there: nothing may be written to a file.
  const rlimit none{0, 0};
  return ::setrlimit(RLIMIT_FSIZE, &none) == 0 ? OkStatus()
                                               : ErrnoStatus(errno, "cannot set limit file size");
}

}  // namespace

Status LockDown() {
  TVMFFI_RETURN_IF_ERROR(LimitResources());
  if (::geteuid() == 0) TVMFFI_RETURN_IF_ERROR(BecomeNobody());
  TVMFFI_RETURN_IF_ERROR(DropCapabilities());
  TVMFFI_RETURN_IF_ERROR(SetNoNewPrivileges());
  // Changing the user clears the first; the daemon's death must still end this process.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::prctl(PR_SET_DUMPABLE, 0) != 0) {
    return ErrnoStatus(errno, "cannot lock the symbolizer");
  }
  return FilterCalls();
}

}  // namespace tvmffi::hostd
