#include "hostd/symbolizer/lockdown.h"

#include <grp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

namespace tvmffi::hostd {
namespace {

constexpr uid_t kNobody = 65534;
constexpr rlim_t kMemory = rlim_t{4} << 30;  // of addresses: large files are mapped, not read
constexpr rlim_t kCpuSeconds = 4;
constexpr rlim_t kFiles = 256;

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

struct FilterDeleter {
  void operator()(void* filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, FilterDeleter>;

Status Limit(__rlimit_resource resource, const char* name, rlim_t value) {
  const rlimit limit{value, value};
  if (::setrlimit(resource, &limit) == 0) return OkStatus();
  return ErrnoStatus(errno, std::string("cannot set limit ") + name);
}

Status DropRoot() {
  if (::geteuid() != 0) return OkStatus();
  if (::setgroups(0, nullptr) != 0 || ::setresgid(kNobody, kNobody, kNobody) != 0 ||
      ::setresuid(kNobody, kNobody, kNobody) != 0) {
    return ErrnoStatus(errno, "cannot give up the rights of root");
  }
  return OkStatus();
}

// New memory is data only.
int AllowDataMappings(const Filter& filter) {
  const scmp_arg_cmp not_executable = {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0};
  int error = 0;
  for (int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    if (error == 0)
      error = ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 1, not_executable);
  }
  return error;
}

Status FilterCalls() {
  Filter filter(::seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (filter == nullptr) return {Code::kResourceExhausted, "cannot make a seccomp filter"};
  int error = 0;
  for (int call : kAllowed) {
    if (error == 0) error = ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0);
  }
  if (error == 0) error = AllowDataMappings(filter);
  if (error == 0) error = ::seccomp_load(filter.get());
  return error == 0 ? OkStatus() : ErrnoStatus(-error, "cannot install a seccomp filter");
}

}  // namespace

Status LockDown() {
  TVMFFI_RETURN_IF_ERROR(Limit(RLIMIT_CORE, "core", 0));
  TVMFFI_RETURN_IF_ERROR(Limit(RLIMIT_FSIZE, "file size", 0));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  TVMFFI_RETURN_IF_ERROR(Limit(RLIMIT_AS, "address space", kMemory));
#endif
  TVMFFI_RETURN_IF_ERROR(Limit(RLIMIT_CPU, "cpu seconds", kCpuSeconds));
  TVMFFI_RETURN_IF_ERROR(Limit(RLIMIT_NOFILE, "open files", kFiles));
  TVMFFI_RETURN_IF_ERROR(DropRoot());
  // Changing the user clears it; the daemon's death must still end this process.
  if (::prctl(PR_SET_PDEATHSIG, 9) != 0 || ::prctl(PR_SET_DUMPABLE, 0) != 0 ||
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return ErrnoStatus(errno, "cannot lock the symbolizer");
  }
  return FilterCalls();
}

}  // namespace tvmffi::hostd
