#include "hostd/supervisor/wake_trial.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "proto/channel/wakeup.h"

namespace tvmffi::hostd {
namespace {

constexpr int kPatienceMs = 1000;

}  // namespace

WakeTrial::WakeTrial() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return;
  answer_ = UniqueFd(ends[0]);
  const UniqueFd write_end(ends[1]);
  pid_ = ::fork();
  if (pid_ != 0) return;
  const int64_t cost = MeasureColdWake();
  ::_exit(::write(write_end.get(), &cost, sizeof(cost)) == sizeof(cost) ? 0 : 1);
}

int64_t WakeTrial::Result() {
  pollfd answer{answer_.get(), POLLIN, 0};
  int64_t cost = 0;
  if (pid_ < 0 || ::poll(&answer, 1, kPatienceMs) != 1) return 0;
  if (::read(answer_.get(), &cost, sizeof(cost)) != sizeof(cost)) return 0;
  return std::max<int64_t>(cost, 0);
}

WakeTrial::~WakeTrial() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace tvmffi::hostd
