// tvmffi-hostd: the daemon. Exit status 0 after a clean end, 1 when it cannot start, 2 for a bad
// command line.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "hostd/config.h"
#include "hostd/daemon.h"
#include "hostd/logging.h"
#include "hostd/loop/event_loop.h"
#include "hostd/version.h"

namespace tvmffi::hostd {
namespace {

// What the daemon relies on and its parent may have left otherwise. Workers inherit the core limit.
Status NormalizeProcess(const Config& config) {
  // Descriptors 0 to 3 are taken: none of ours may lie where a worker's will.
  int fd;
  do {
    fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0) return ErrnoStatus(errno, "cannot open /dev/null");
  } while (fd <= 3);
  ::signal(SIGPIPE, SIG_IGN);
  // Ignored, it would make the kernel discard the status of every worker.
  ::signal(SIGCHLD, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  rlimit no_core{0, 0};
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0) {
    return ErrnoStatus(errno, "cannot set the limit of core files to 0");
  }
  // Its memory is nobody's to read, whatever a worker's layers.
  if (!config.debuggable && ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return ErrnoStatus(errno, "cannot hide the daemon's memory");
  }
  return OkStatus();
}

int Run(const Config& config) {
  const Status normal = NormalizeProcess(config);
  auto log = MakeLogger(STDERR_FILENO, spdlog::level::from_str(config.log_level), config.log_json);
  if (!normal.ok()) {
    log->error("{}", normal.message);
    return 1;
  }
  Result<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) {
    log->error("{}", loop.status().message);
    return 1;
  }
  Daemon daemon(loop->get(), log.get(), config);
  if (Status status = daemon.Start(); !status.ok()) {
    log->error("{}", status.message);
    return 1;
  }
  (*loop)->Run();
  return 0;
}

int Main(int argc, char** argv) {
  Result<Config> config = ParseConfig(std::vector<std::string>(argv + (argc > 0), argv + argc));
  if (!config.ok()) {
    std::fprintf(stderr, "tvmffi-hostd: %s\nTry 'tvmffi-hostd --help'.\n",
                 config.status().message.c_str());
    return 2;
  }
  if (config->show_help) {
    std::fputs(HelpText().c_str(), stdout);
    return 0;
  }
  if (config->show_version) {
    std::printf("tvmffi-hostd %s\n", kVersion);
    return 0;
  }
  return Run(*config);
}

}  // namespace
}  // namespace tvmffi::hostd

int main(int argc, char** argv) { return tvmffi::hostd::Main(argc, argv); }
