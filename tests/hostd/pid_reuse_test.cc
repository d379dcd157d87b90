// What a number that was given to somebody else does, in a pid namespace where numbers can be
// chosen.
#include <gtest/gtest.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "proto/base/unique_fd.h"

namespace tvmffi {
namespace {

enum Outcome { kNewcomerLives, kNewcomerKilled, kNoNamespace, kBroken };

[[noreturn]] void Idle() {
  for (;;) ::pause();
}

// A child with this number.
pid_t ForkAs(pid_t number) {
  clone_args arguments = {};
  arguments.exit_signal = SIGCHLD;
  arguments.set_tid = reinterpret_cast<uint64_t>(&number);
  arguments.set_tid_size = 1;
  const long child = ::syscall(SYS_clone3, &arguments, sizeof(arguments));
  if (child == 0) Idle();
  return static_cast<pid_t>(child);
}

// A worker ends and is reaped, another process gets its number, and then somebody who still has the
// number, or a pidfd of the worker, kills.
Outcome KillAfterReuse(bool by_pidfd) {
  const pid_t worker = ::fork();
  if (worker == 0) Idle();
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, worker, 0)));
  if (!pidfd.valid() || ::kill(worker, SIGKILL) != 0) return kBroken;
  if (::waitpid(worker, nullptr, 0) != worker) return kBroken;
  if (ForkAs(worker) != worker) return kBroken;

  const long sent = by_pidfd ? ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0)
                             : ::kill(worker, SIGKILL);

  int status = 0;
  if (sent != 0) {
    const bool lives = errno == ESRCH && ::waitpid(worker, &status, WNOHANG) == 0;
    return lives ? kNewcomerLives : kBroken;
  }
  if (::waitpid(worker, &status, 0) != worker) return kBroken;
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? kNewcomerKilled : kBroken;
}

// In a child, whose children are in a pid namespace of their own; its end takes them along.
Outcome InNamespaceOfItsOwn(bool by_pidfd) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) ::_exit(kNoNamespace);
    const pid_t first = ::fork();
    if (first == 0) ::_exit(KillAfterReuse(by_pidfd));
    int status = 0;
    ::_exit(first > 0 && ::waitpid(first, &status, 0) == first && WIFEXITED(status)
                ? WEXITSTATUS(status)
                : kBroken);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return kBroken;
  return static_cast<Outcome>(WEXITSTATUS(status));
}

TEST(PidReuse, C2_12_APidfdOfTheFirstReachesNobodyElse) {
  const Outcome outcome = InNamespaceOfItsOwn(/*by_pidfd=*/true);
  if (outcome == kNoNamespace) GTEST_SKIP() << "no user and pid namespaces here";
  EXPECT_EQ(outcome, kNewcomerLives);
}

TEST(PidReuse, C2_12_ControlANumberKillsWhoeverHasItNow) {
  const Outcome outcome = InNamespaceOfItsOwn(/*by_pidfd=*/false);
  if (outcome == kNoNamespace) GTEST_SKIP() << "no user and pid namespaces here";
  EXPECT_EQ(outcome, kNewcomerKilled);
}

}  // namespace
}  // namespace tvmffi
