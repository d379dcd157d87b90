// The profile of a worker that computes on CPUs. An allow-list: what a C, C++ or OpenMP runtime, a
// dynamic linker and a numerical library use; files are bounded by other layers. Everything newer
// than this list fails in a way that libraries fall back from.
#include "hostd/sandbox/seccomp.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "hostd/sandbox/seccomp_filter.h"

namespace tvmffi::hostd {
namespace {

constexpr int kAllowed[] = {
    // memory
    SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(mincore), SCMP_SYS(mlock), SCMP_SYS(mlock2),
    SCMP_SYS(mlockall), SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(mremap), SCMP_SYS(msync),
    SCMP_SYS(munlock), SCMP_SYS(munlockall), SCMP_SYS(munmap), SCMP_SYS(pkey_alloc),
    SCMP_SYS(pkey_free), SCMP_SYS(pkey_mprotect), SCMP_SYS(memfd_create), SCMP_SYS(mbind),
    SCMP_SYS(get_mempolicy), SCMP_SYS(set_mempolicy), SCMP_SYS(membarrier),
    // threads and processes
    SCMP_SYS(futex), SCMP_SYS(futex_waitv), SCMP_SYS(set_robust_list), SCMP_SYS(get_robust_list),
    SCMP_SYS(set_tid_address), SCMP_SYS(rseq), SCMP_SYS(arch_prctl), SCMP_SYS(fork),
    SCMP_SYS(vfork), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(wait4), SCMP_SYS(waitid),
    SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(gettid), SCMP_SYS(getpgid), SCMP_SYS(getpgrp),
    SCMP_SYS(getsid), SCMP_SYS(setsid), SCMP_SYS(setpgid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
    SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(getresuid), SCMP_SYS(getresgid),
    SCMP_SYS(getgroups), SCMP_SYS(capget), SCMP_SYS(getrlimit), SCMP_SYS(setrlimit),
    SCMP_SYS(prlimit64), SCMP_SYS(getrusage), SCMP_SYS(times), SCMP_SYS(getpriority),
    SCMP_SYS(setpriority), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_setaffinity), SCMP_SYS(sched_getparam), SCMP_SYS(sched_getscheduler),
    SCMP_SYS(sched_setscheduler), SCMP_SYS(sched_setparam), SCMP_SYS(sched_get_priority_max),
    SCMP_SYS(sched_get_priority_min), SCMP_SYS(sched_getattr), SCMP_SYS(sched_rr_get_interval),
    SCMP_SYS(getcpu), SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_send_signal),
    // signals
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigpending), SCMP_SYS(rt_sigtimedwait), SCMP_SYS(rt_sigsuspend),
    SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo), SCMP_SYS(sigaltstack), SCMP_SYS(kill),
    SCMP_SYS(tkill), SCMP_SYS(tgkill), SCMP_SYS(pause), SCMP_SYS(restart_syscall),
    SCMP_SYS(signalfd), SCMP_SYS(signalfd4),
    // time
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(nanosleep), SCMP_SYS(alarm),
    SCMP_SYS(getitimer), SCMP_SYS(setitimer), SCMP_SYS(timer_create), SCMP_SYS(timer_settime),
    SCMP_SYS(timer_gettime), SCMP_SYS(timer_getoverrun), SCMP_SYS(timer_delete),
    SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(timerfd_gettime),
    // descriptors
    SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(preadv), SCMP_SYS(preadv2),
    SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(pwrite64), SCMP_SYS(pwritev), SCMP_SYS(pwritev2),
    SCMP_SYS(close), SCMP_SYS(close_range), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3),
    SCMP_SYS(flock), SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(lseek), SCMP_SYS(pipe),
    SCMP_SYS(pipe2), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6),
    SCMP_SYS(epoll_create), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(eventfd), SCMP_SYS(eventfd2),
    SCMP_SYS(sendfile), SCMP_SYS(copy_file_range), SCMP_SYS(splice), SCMP_SYS(tee),
    SCMP_SYS(fadvise64), SCMP_SYS(readahead), SCMP_SYS(inotify_init1), SCMP_SYS(inotify_add_watch),
    SCMP_SYS(inotify_rm_watch),
    // files
    SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(creat), SCMP_SYS(access),
    SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(fstat),
    SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(getdents),
    SCMP_SYS(getdents64), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd),
    SCMP_SYS(chdir), SCMP_SYS(fchdir), SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(rmdir),
    SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2),
    SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(symlink), SCMP_SYS(symlinkat), SCMP_SYS(truncate),
    SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(umask),
    // its own socket, and pairs of them
    SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(recvfrom), SCMP_SYS(sendto), SCMP_SYS(shutdown),
    SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
    // the machine
    SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(getrandom), SCMP_SYS(prctl)};

constexpr int kOwnFiles[] = {SCMP_SYS(chmod), SCMP_SYS(fchmod), SCMP_SYS(fchmodat),
                             SCMP_SYS(utime), SCMP_SYS(utimes), SCMP_SYS(utimensat)};

constexpr int kNetwork[] = {SCMP_SYS(socket),   SCMP_SYS(connect), SCMP_SYS(bind),
                            SCMP_SYS(listen),   SCMP_SYS(accept),  SCMP_SYS(accept4),
                            SCMP_SYS(recvmmsg), SCMP_SYS(sendmmsg)};

// Would be namespaces of its own, where it has every capability again.
constexpr unsigned kNamespaceFlags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
                                     CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

Status AddRules(const SeccompProfile& profile, SeccompFilter* filter) {
  TVMFFI_RETURN_IF_ERROR(filter->Allow(kAllowed));
  if (profile.own_files) TVMFFI_RETURN_IF_ERROR(filter->Allow(kOwnFiles));
  if (profile.network) TVMFFI_RETURN_IF_ERROR(filter->Allow(kNetwork));
  TVMFFI_RETURN_IF_ERROR(
      filter->AllowIf(SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, kNamespaceFlags, 0)));
  TVMFFI_RETURN_IF_ERROR(filter->AllowIf(SCMP_SYS(socketpair), SCMP_A0(SCMP_CMP_EQ, AF_UNIX)));
  // The commands from there on are hints that stay with a file, whoever opens it next.
  TVMFFI_RETURN_IF_ERROR(filter->AllowIf(SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_LT, F_SET_RW_HINT)));
  // Putting characters into a terminal's input is a way out; nothing else there is. Numbers above
  // 32 bits mean the same to the kernel.
  for (unsigned long request : {FIONREAD, FIONBIO, TCGETS, TIOCGWINSZ, FIOCLEX, FIONCLEX}) {
    TVMFFI_RETURN_IF_ERROR(
        filter->AllowIf(SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, request)));
  }
  return profile.audit ? OkStatus() : filter->FailWith(ENOSYS, SCMP_SYS(clone3));
}

}  // namespace

Result<SeccompProgram> MakeSeccomp(const SeccompProfile& profile) {
  Result<SeccompFilter> filter = SeccompFilter::Create(profile.audit);
  if (!filter.ok()) return filter.status();
  TVMFFI_RETURN_IF_ERROR(AddRules(profile, &*filter));
  return filter->Compile();
}

Status InstallSeccomp(const SeccompProgram& program) { return SeccompFilter::Install(program); }

Status RefuseOwnFiles(bool audit) {
  Result<SeccompFilter> filter = SeccompFilter::CreateAllowing();
  if (!filter.ok()) return filter.status();
  for (int call : kOwnFiles) {
    TVMFFI_RETURN_IF_ERROR(audit ? filter->Log(call) : filter->FailWith(EPERM, call));
  }
  return filter->Load();
}

}  // namespace tvmffi::hostd
