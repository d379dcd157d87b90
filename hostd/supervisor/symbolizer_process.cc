#include "hostd/supervisor/symbolizer_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "hostd/supervisor/spawn.h"
#include "proto/wire/socket.h"

namespace tvmffi::hostd {

SymbolizerProcess::SymbolizerProcess(EventLoop* loop, OnExit on_exit)
    : on_exit_(std::move(on_exit)), timer_(loop, [this] { Kill(); }) {}

Result<std::unique_ptr<SymbolizerProcess>> SymbolizerProcess::Start(EventLoop* loop,
                                                                    const std::string& program,
                                                                    OnExit on_exit) {
  std::unique_ptr<SymbolizerProcess> process(new SymbolizerProcess(loop, std::move(on_exit)));
  TVMFFI_RETURN_IF_ERROR(process->Spawn(loop, program));
  return process;
}

Status SymbolizerProcess::Spawn(EventLoop* loop, const std::string& program) {
  UniqueFd log(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (!log.valid()) return ErrnoStatus(errno, "cannot open /dev/null");
  Result<std::pair<UniqueFd, UniqueFd>> ends = ControlSocketPair();
  if (!ends.ok()) return ends.status();
  Result<SpawnedProgram> spawned =
      SpawnProgram(program, {}, {log.get(), ends->second.get()}, /*layers=*/{});
  if (!spawned.ok()) return spawned.status();
  pid_ = spawned->pid;
  pidfd_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!pidfd_.valid()) return ErrnoStatus(errno, "cannot open the pidfd of a symbolizer");
  Result<std::unique_ptr<ChildWatch>> watch =
      ChildWatch::Create(loop, pidfd_.get(), [this] { OnChildExit(); });
  if (!watch.ok()) return watch.status();
  watch_ = std::move(*watch);
  connection_ = std::move(ends->first);
  timer_.Start(kMaxMs);
  return OkStatus();
}

SymbolizerProcess::~SymbolizerProcess() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);  // unreaped, so the pid is ours
  ::waitpid(pid_, nullptr, WNOHANG);
}

void SymbolizerProcess::Kill() {
  ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
}

void SymbolizerProcess::OnChildExit() {
  timer_.Stop();
  ::waitpid(pid_, nullptr, WNOHANG);
  pid_ = -1;
  on_exit_(this);
}

}  // namespace tvmffi::hostd
