// tvmffi-worker: the only program that loads plug-ins. Started by the daemon with its socket as
// descriptor 3.
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "hostd/worker/control.h"

namespace {

constexpr int kSocket = 3;
constexpr int kStartExit = 71;

int Fail(const tvmffi::Status& status) {
  std::fprintf(stderr, "tvmffi-worker: %s\n", status.message.c_str());
  return kStartExit;
}

}  // namespace

int main() {
  // A daemon that died before this line has left its end of the socket closed: the first receive
  // ends.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return kStartExit;
  ::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  ::setvbuf(stderr, nullptr, _IONBF, 0);

  tvmffi::hostd::Control control{tvmffi::ControlConnection(tvmffi::UniqueFd(kSocket))};
  tvmffi::Status status = control.Start();
  if (status.ok()) status = control.Run();
  const int code = status.ok() ? 0 : Fail(status);
  std::fflush(nullptr);
  // Lanes may be inside plug-in code: nothing is torn down under them.
  ::_exit(code);
}
