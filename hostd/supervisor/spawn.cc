#include "hostd/supervisor/spawn.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "hostd/sandbox/namespaces.h"
#include "hostd/supervisor/init.h"
#include "proto/base/signals.h"

namespace tvmffi::hostd {
namespace {

// What a child tells of its start.
struct Progress {
  pid_t pid;
  int error;
};

struct Start {
  const char* program;
  char* const* argv;
  char* const* environment;
  ProgramFds fds;
  int flags;  // namespaces
  uid_t uid;
  gid_t gid;
  int progress;
  int end;
};

// From here to the exec: a fork of the daemon, which touches nothing of it and makes system calls.

// In the daemon's own /proc, which is still in place.
pid_t PidOutside() {
  char text[16] = {};
  return ::readlink("/proc/self", text, sizeof(text) - 1) > 0 ? std::atoi(text) : 0;
}

[[noreturn]] void FailStart(const Start& start, int error) {
  const Progress failed{0, error};
  // Without it the daemon sees that nothing was started.
  if (::write(start.progress, &failed, sizeof(failed)) < 0) ::_exit(126);
  ::_exit(127);
}

bool ArrangeDescriptors(const ProgramFds& fds) {
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || ::dup2(null, 0) < 0) return false;
  if (::dup2(fds.log, 1) < 0 || ::dup2(fds.log, 2) < 0) return false;
  if (fds.control == 3 ? ::fcntl(3, F_SETFD, 0) < 0 : ::dup2(fds.control, 3) < 0) return false;
  // They end with the exec; until then the daemon is to hear of a failure.
  if (::syscall(SYS_close_range, 4, ~0u, CLOSE_RANGE_CLOEXEC) == 0) return true;
  const long count = ::sysconf(_SC_OPEN_MAX);
  for (int fd = 4; fd < count; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return true;
}

[[noreturn]] void Exec(const Start& start) {
  ResetSignals();
  const Progress started{PidOutside(), 0};
  if (::setsid() < 0 || !ArrangeDescriptors(start.fds) || ::chdir("/") != 0 ||
      ::write(start.progress, &started, sizeof(started)) != sizeof(started)) {
    FailStart(start, errno);
  }
  ::execve(start.program, start.argv, start.environment);
  FailStart(start, errno);
}

// The daemon goes on meanwhile: a connection it ends is to be ended.
void CloseOthers(const Start& start) {
  std::array<int, 4> kept = {start.fds.log, start.fds.control, start.progress, start.end};
  std::sort(kept.begin(), kept.end());
  unsigned from = 3;
  for (int fd : kept) {
    if (fd < 3) continue;  // there is no `end`
    const auto at = static_cast<unsigned>(fd);
    if (at > from) ::syscall(SYS_close_range, from, at - 1, 0);
    from = at + 1;
  }
  ::syscall(SYS_close_range, from, ~0u, 0);
}

[[noreturn]] void RunChild(const Start& start) {
  // What the daemon had open must not outlive it here.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  CloseOthers(start);
  // The daemon hides its memory; what it starts need not.
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  if ((start.flags & CLONE_NEWUSER) != 0) {
    if (int error = MapUser(start.uid, start.gid); error != 0) FailStart(start, error);
  }
  // Here and not when it is cloned: a network takes the kernel long to make, and the daemon would
  // wait.
  if (::unshare(start.flags & ~kBornInto) != 0) FailStart(start, errno);
  if ((start.flags & CLONE_NEWPID) == 0) Exec(start);
  if (::setsid() < 0) FailStart(start, errno);
  const pid_t worker = ForkInto(0);
  if (worker < 0) FailStart(start, errno);
  if (worker == 0) Exec(start);
  RunInit(worker, start.end);
}

Status MakePipe(int flags, UniqueFd* read_end, UniqueFd* write_end) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | flags) != 0) return ErrnoStatus(errno, "cannot create a pipe");
  *read_end = UniqueFd(ends[0]);
  *write_end = UniqueFd(ends[1]);
  return OkStatus();
}

void KillAndReap(pid_t child) {
  ::kill(child, SIGKILL);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

Result<SpawnedProgram> BeginProgram(const std::string& program,
                                    const std::vector<std::string>& environment,
                                    const ProgramFds& fds, const std::vector<std::string>& layers) {
  if (fds.log <= 3 || fds.control < 3) {
    return Status{Code::kInternal, "cannot start a program with descriptors " +
                                       std::to_string(fds.log) + " and " +
                                       std::to_string(fds.control) + ": they stand in the way"};
  }
  std::string name = program.substr(program.rfind('/') + 1);
  char* argv[] = {name.data(), nullptr};
  std::vector<char*> envp;
  for (const std::string& entry : environment) envp.push_back(const_cast<char*>(entry.c_str()));
  envp.push_back(nullptr);
  SpawnedProgram spawned;
  UniqueFd progress_end;
  UniqueFd end;
  TVMFFI_RETURN_IF_ERROR(MakePipe(0, &spawned.progress, &progress_end));
  const int flags = NamespaceFlags(layers);
  if ((flags & CLONE_NEWPID) != 0) {
    // The daemon reads it when the init has ended, and never waits.
    TVMFFI_RETURN_IF_ERROR(MakePipe(O_NONBLOCK, &spawned.end, &end));
  }

  const Start start{program.c_str(), argv,        envp.data(),        fds,      flags,
                    ::geteuid(),     ::getegid(), progress_end.get(), end.get()};
  spawned.child = ForkInto(flags & kBornInto);
  if (spawned.child == 0) RunChild(start);
  if (spawned.child < 0) return ErrnoStatus(errno, "cannot start '" + program + "'");
  spawned.pid = spawned.child;
  return spawned;
}

Result<bool> HasStarted(const std::string& program, SpawnedProgram* spawned) {
  for (;;) {
    Progress next;
    const ssize_t size = ::read(spawned->progress.get(), &next, sizeof(next));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return false;
    if (size != static_cast<ssize_t>(sizeof(next))) return true;  // the exec, or the child's end
    if (next.error != 0) return ErrnoStatus(next.error, "cannot start '" + program + "'");
    // Without a pid namespace it is the child itself.
    if (spawned->end.valid() && next.pid > 0) spawned->pid = next.pid;
  }
}

Result<SpawnedProgram> SpawnProgram(const std::string& program,
                                    const std::vector<std::string>& environment,
                                    const ProgramFds& fds, const std::vector<std::string>& layers) {
  Result<SpawnedProgram> spawned = BeginProgram(program, environment, fds, layers);
  if (!spawned.ok()) return spawned;
  Result<bool> started = HasStarted(program, &*spawned);
  spawned->progress.reset();
  if (started.ok()) return spawned;
  KillAndReap(spawned->child);
  return started.status();
}

Result<std::string> ProgramBesideThisOne(const std::string& name) {
  char path[PATH_MAX];
  ssize_t size = ::readlink("/proc/self/exe", path, sizeof(path));
  if (size < 0) return ErrnoStatus(errno, "cannot read /proc/self/exe");
  std::string self(path, static_cast<size_t>(size));
  return self.substr(0, self.rfind('/') + 1) + name;
}

}  // namespace tvmffi::hostd
