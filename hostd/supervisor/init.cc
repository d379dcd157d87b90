#include "hostd/supervisor/init.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "hostd/sandbox/privileges.h"

namespace tvmffi::hostd {
namespace {

// The daemon waits until its pipe has ended in every child: nothing of it may stay open.
void CloseAllButFirst() {
  if (::syscall(SYS_close_range, 1, ~0u, 0) == 0) return;
  const long count = ::sysconf(_SC_OPEN_MAX);
  for (int fd = 1; fd < count; ++fd) ::close(fd);
}

}  // namespace

// A fork of the daemon that never returns: its copy of the daemon's memory is hidden from the
// worker.
void RunInit(pid_t worker, int end) {
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) ::_exit(1);
  ::prctl(PR_SET_NAME, "tvmffi-init", 0, 0, 0);
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) ::_exit(1);
  if (end != 0 && ::dup2(end, 0) < 0) ::_exit(1);
  CloseAllButFirst();
  if (!DropCapabilities().ok()) ::_exit(1);
  pollfd daemon{0, 0, 0};
  if (::poll(&daemon, 1, 0) != 0) ::_exit(1);  // it ended before its death was ours
  for (;;) {
    WorkerEnd ended{};
    const pid_t pid = ::wait4(-1, &ended.wait_status, 0, &ended.usage);
    if (pid < 0 && errno != EINTR) ::_exit(1);
    if (pid != worker) continue;
    // Less than a pipe writes at once. Nobody is left to tell when it fails.
    ::_exit(::write(0, &ended, sizeof(ended)) == sizeof(ended) ? 0 : 1);
  }
}

std::optional<WorkerEnd> ReadWorkerEnd(int end) {
  // Without it a report tells of the init's end instead.
  constexpr int kAttempts = 3;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    WorkerEnd ended{};
    const ssize_t size = ::read(end, &ended, sizeof(ended));
    if (size == static_cast<ssize_t>(sizeof(ended))) return ended;
    if (size >= 0 || errno == EAGAIN) break;
  }
  return std::nullopt;
}

}  // namespace tvmffi::hostd
