// Stands in for tvmffi-worker: does one thing, named by its environment, and ends or serves.
//   FAKE_WORKER=exit:N | segv | kill | hang | serve | describe | orphan | group |
//               closed_log | deaf
//   FAKE_WORKER_PRINT=text   printed first
//   FAKE_WORKER_FLOOD=bytes  printed first, in lines
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "hostd/sandbox/rlimits.h"
#include "proto/base/shm_segment.h"
#include "proto/channel/layout.h"
#include "proto/wire/socket.h"
#include "proto/wire/validate.h"

extern char** environ;

namespace tvmffi {
namespace {

void Say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

[[noreturn]] void Die(const std::string& why) {
  Say("fake worker: " + why);
  std::_Exit(99);
}

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The next message, or the end of this process when the daemon has gone.
wire::Message Next(ControlConnection* control, std::vector<UniqueFd>* fds) {
  Result<ControlFrame> frame = control->Receive(kNever);
  if (!frame.ok()) std::_Exit(0);
  Result<wire::Message> message = wire::Decode(*frame);
  if (!message.ok()) Die(message.status().message);
  *fds = std::move(frame->fds);
  return *message;
}

// Of the signal itself, also where a sanitizer would turn it into an exit.
void DieOfSegv() {
  ::signal(SIGSEGV, SIG_DFL);
  ::raise(SIGSEGV);
}

void Serve(ControlConnection* control) {
  for (;;) {
    std::vector<UniqueFd> fds;
    wire::Message message = Next(control, &fds);
    std::string line = wire::MessageName(message);
    if (auto* arena = std::get_if<wire::ShareArena>(&message)) {
      auto access = arena->read_only ? Access::kReadOnly : Access::kReadWrite;
      Result<ShmSegment> segment = ShmSegment::Map(std::move(fds[0]), arena->size, access);
      if (!segment.ok()) Die(segment.status().message);
      line += " " + std::to_string(arena->arena_id) + " holds " + segment->data();
    } else if (auto* lane = std::get_if<wire::OpenLane>(&message)) {
      line += " " + std::to_string(lane->lane);
      Say(line);
      if (lane->lane == 13) DieOfSegv();
      continue;
    }
    Say(line);
  }
}

void DescribeItself() {
  std::string fds;
  for (int fd = 0; fd < 256; ++fd) {
    if (::fcntl(fd, F_GETFD) != -1) fds += " " + std::to_string(fd);
  }
  Say("fds" + fds);
  std::string names;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    names += " " + std::string(*entry, std::strcspn(*entry, "="));
  }
  Say("environment" + names);
  Say(std::string("session ") + (::getsid(0) == ::getpid() ? "own" : "foreign"));
  rlimit core{}, files{};
  ::getrlimit(RLIMIT_CORE, &core);
  ::getrlimit(RLIMIT_NOFILE, &files);
  Say("core " + std::to_string(core.rlim_max) + " files " + std::to_string(files.rlim_max));
  char stdin_target[64] = {};
  if (::readlink("/proc/self/fd/0", stdin_target, sizeof(stdin_target) - 1) < 0) Die("no stdin");
  Say(std::string("stdin ") + stdin_target);
  sigset_t blocked;
  ::sigprocmask(SIG_SETMASK, nullptr, &blocked);
  struct sigaction pipe_action {};
  ::sigaction(SIGPIPE, nullptr, &pipe_action);
  bool clean = ::sigisemptyset(&blocked) == 1 && pipe_action.sa_handler == SIG_DFL;
  Say(std::string("signals ") + (clean ? "default" : "changed"));
}

// Leaves a process behind: in the worker's process group, or in a session of its own.
void LeaveProcess(bool in_own_session) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) Die("no pipe");
  if (::fork() == 0) {
    if (in_own_session) ::setsid();
    if (in_own_session && ::fork() != 0) std::_Exit(0);
    pid_t self = ::getpid();
    if (::write(ends[1], &self, sizeof(self)) != sizeof(self)) std::_Exit(1);
    for (;;) ::pause();
  }
  pid_t left = 0;
  if (::read(ends[0], &left, sizeof(left)) != sizeof(left)) Die("no child");
  Say("left " + std::to_string(left));
}

// The daemon's death must not be missed: from the first call on the kernel reports it, before that
// the socket has.
void DieWithTheDaemon() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  pollfd control{3, 0, 0};
  if (::poll(&control, 1, 0) == 1 && (control.revents & POLLHUP) != 0) std::_Exit(0);
}

int Main() {
  DieWithTheDaemon();
  ControlConnection control{UniqueFd(3)};
  std::vector<UniqueFd> fds;
  wire::Message first = Next(&control, &fds);
  if (std::holds_alternative<wire::WorkerPrepare>(first)) first = Next(&control, &fds);
  auto* start = std::get_if<wire::WorkerStart>(&first);
  if (start == nullptr) Die(std::string("started with ") + wire::MessageName(first));
  for (std::string& entry : start->environment) {
    const size_t equals = entry.find('=');
    ::setenv(entry.substr(0, equals).c_str(), entry.c_str() + equals + 1, 1);
  }
  Status limited = hostd::ApplyRlimits(start->limits);
  if (!limited.ok()) Die(limited.message);
  Result<ShmSegment> channel = ShmSegment::Map(std::move(fds[0]), kChannelSize, Access::kReadWrite);
  if (!channel.ok()) Die(channel.status().message);
  if (reinterpret_cast<ChannelHeader*>(channel->data())->magic != kChannelMagic) Die("no channel");
  // For the client to see through its own mapping.
  channel->data()[kLanesOffset] = static_cast<char>(start->worker_id);

  std::string text = Variable("FAKE_WORKER_PRINT");
  if (!text.empty()) Say(text);
  std::string flood = Variable("FAKE_WORKER_FLOOD");
  std::string line(99, 'x');
  for (long left = std::atol(flood.c_str()); left > 0; left -= 100) Say(line);

  std::string mode = Variable("FAKE_WORKER");
  if (mode == "describe") DescribeItself();
  if (mode.rfind("exit:", 0) == 0) std::_Exit(std::atoi(mode.c_str() + 5));
  if (mode == "segv") {
    DieOfSegv();
  } else if (mode == "kill") {
    ::raise(SIGKILL);
  } else if (mode == "group") {
    LeaveProcess(/*in_own_session=*/false);
  } else if (mode == "orphan") {
    LeaveProcess(/*in_own_session=*/true);
  } else if (mode == "closed_log") {
    ::close(1);
    ::close(2);
  } else if (mode == "hang") {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    for (;;) ::pause();
  } else if (mode == "deaf") {
    for (;;) ::pause();
  }
  Serve(&control);
  return 0;
}

}  // namespace
}  // namespace tvmffi

int main() { return tvmffi::Main(); }
