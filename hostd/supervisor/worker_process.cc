#include "hostd/supervisor/worker_process.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <climits>
#include <new>

#include "hostd/sandbox/layers.h"
#include "hostd/supervisor/exit_report.h"
#include "hostd/supervisor/init.h"
#include "hostd/supervisor/spawn.h"
#include "proto/base/clock.h"
#include "proto/channel/layout.h"
#include "proto/wire/socket.h"

namespace tvmffi::hostd {
namespace {

Result<std::pair<UniqueFd, UniqueFd>> LogPipeEnds() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "cannot create a worker's log pipe");
  return std::make_pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

// Zero when the child has not ended. The raw call: the library's drops the resource usage.
int WaitPidfd(int pidfd, int options, siginfo_t* info, rusage* usage) {
  *info = {};
  long result;
  do {
    result = ::syscall(SYS_waitid, P_PIDFD, pidfd, info, options | WEXITED | WNOHANG, usage);
  } while (result != 0 && errno == EINTR);
  return result == 0 ? info->si_pid : 0;
}

Result<UniqueFd> Duplicate(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 4));
  if (!copy.valid()) return ErrnoStatus(errno, "cannot duplicate descriptor " + std::to_string(fd));
  return copy;
}

}  // namespace

WorkerProcess::WorkerProcess(EventLoop* loop, const SpawnOptions& options, OnExit on_exit)
    : loop_(loop),
      layers_(options.layers),
      on_exit_(std::move(on_exit)),
      retry_(loop, [this] { OnChildExit(); }),
      wall_(loop, [this] { Kill(wire::KillCause::kDeadline); }) {}

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::Spawn(EventLoop* loop,
                                                            const SpawnOptions& options,
                                                            OnExit on_exit) {
  std::unique_ptr<WorkerProcess> worker(new WorkerProcess(loop, options, std::move(on_exit)));
  TVMFFI_RETURN_IF_ERROR(worker->TakeOver(options));
  TVMFFI_RETURN_IF_ERROR(worker->CreateMemory());
  TVMFFI_RETURN_IF_ERROR(worker->StartProgram(options));
  TVMFFI_RETURN_IF_ERROR(worker->SendStart(options, /*environment=*/{}));
  return worker;
}

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::Prepare(EventLoop* loop,
                                                              const SpawnOptions& options,
                                                              std::function<void()> on_started,
                                                              OnExit on_exit) {
  std::unique_ptr<WorkerProcess> worker(new WorkerProcess(loop, options, std::move(on_exit)));
  TVMFFI_RETURN_IF_ERROR(worker->CreateMemory());
  TVMFFI_RETURN_IF_ERROR(worker->BeginPrepared(options, std::move(on_started)));
  return worker;
}

bool WorkerProcess::MayBeAssigned() const {
  if (assigned_ || !started_ || report_.has_value() || kill_cause_.has_value()) return false;
  // It runs, and has come so far as to listen.
  if (!control_->PeerHasRead()) return false;
  pollfd ended{pidfd_.get(), POLLIN, 0};
  return ::poll(&ended, 1, 0) == 0;
}

Status WorkerProcess::Assign(const SpawnOptions& options, OnExit on_exit) {
  on_exit_ = std::move(on_exit);
  progress_.reset();
  spawned_.progress.reset();
  TVMFFI_RETURN_IF_ERROR(TakeOver(options));
  return SendStart(options, options.policy.environment);
}

Status WorkerProcess::TakeOver(const SpawnOptions& options) {
  assigned_ = true;
  label_ = options.label;
  session_ = options.session;
  start_ns_ = MonotonicNanos();
  wire::Limits counted = options.policy.limits;
  if (!Has(layers_, kCgroupMemory)) counted.memory_bytes = 0;
  if (!Has(layers_, kCgroupPids)) counted.processes = 0;
  Result<std::unique_ptr<WorkerCgroup>> cgroup = WorkerCgroup::Create(*options.cgroups, counted);
  if (!cgroup.ok()) return cgroup.status();
  cgroup_ = std::move(*cgroup);
  return OkStatus();
}

Status WorkerProcess::CreateMemory() {
  Result<ShmSegment> channel = ShmSegment::Create(kChannelSize, "tvmffi-channel");
  if (!channel.ok()) return channel.status();
  new (channel->data()) ChannelHeader{kChannelMagic, kChannelVersion};
  channel_ = std::move(*channel);
  // Only the daemon can ever write it.
  Result<ShmSegment> death_page = ShmSegment::CreateInput(kPage, "tvmffi-death");
  if (!death_page.ok()) return death_page.status();
  new (death_page->data()) DeathPage{};
  death_page_ = std::move(*death_page);
  Result<ShmSegment> recorder = ShmSegment::Create(kRecorderSize, "tvmffi-recorder");
  if (!recorder.ok()) return recorder.status();
  recorder_ = std::move(*recorder);
  return OkStatus();
}

Status WorkerProcess::Connect(UniqueFd* log_end, UniqueFd* control_end) {
  Result<std::pair<UniqueFd, UniqueFd>> log = LogPipeEnds();
  if (!log.ok()) return log.status();
  Result<std::pair<UniqueFd, UniqueFd>> control = ControlSocketPair();
  if (!control.ok()) return control.status();
  // A worker has nothing to tell the daemon: what it sends, descriptors above all, is refused.
  ::shutdown(control->first.get(), SHUT_RD);
  Result<std::unique_ptr<LogPipe>> pipe = LogPipe::Create(loop_, std::move(log->first));
  if (!pipe.ok()) return pipe.status();
  log_ = std::move(*pipe);
  Stream::Callbacks callbacks;
  callbacks.on_end = [this](Status status) {
    // It is missing a message and can get no other. One that closed its end is ending, or its
    // client notices.
    if (status.code != Code::kUnavailable) Kill(wire::KillCause::kClosed);
    FailPasses(status);
  };
  callbacks.on_written = [this](uint64_t frames_sent) { OnWritten(frames_sent); };
  Result<std::unique_ptr<Stream>> stream =
      Stream::Create(loop_, std::move(control->first), std::move(callbacks));
  if (!stream.ok()) return stream.status();
  control_ = std::move(*stream);
  *log_end = std::move(log->second);
  *control_end = std::move(control->second);
  return OkStatus();
}

Status WorkerProcess::StartProgram(const SpawnOptions& options) {
  UniqueFd log_end;
  UniqueFd control_end;
  TVMFFI_RETURN_IF_ERROR(Connect(&log_end, &control_end));
  Result<SpawnedProgram> spawned = SpawnProgram(options.program, options.policy.environment,
                                                {log_end.get(), control_end.get()}, options.layers);
  if (!spawned.ok()) return spawned.status();
  spawned_ = std::move(*spawned);
  started_ = true;
  return WatchChild();
}

Status WorkerProcess::BeginPrepared(const SpawnOptions& options, std::function<void()> on_started) {
  UniqueFd log_end;
  UniqueFd control_end;
  TVMFFI_RETURN_IF_ERROR(Connect(&log_end, &control_end));
  start_ns_ = MonotonicNanos();
  Result<SpawnedProgram> spawned =
      BeginProgram(options.program, {}, {log_end.get(), control_end.get()}, options.layers);
  if (!spawned.ok()) return spawned.status();
  spawned_ = std::move(*spawned);
  TVMFFI_RETURN_IF_ERROR(WatchChild());
  Result<std::unique_ptr<FdWatch>> progress =
      FdWatch::Create(loop_, spawned_.progress.get(),
                      [this, program = options.program, on_started = std::move(on_started)](int) {
                        OnProgress(program, on_started);
                      });
  if (!progress.ok()) return progress.status();
  progress_ = std::move(*progress);
  progress_->SetEvents(FdWatch::kReadable);
  Pass(wire::WorkerPrepare{options.layers, options.audit, options.policy.grants.tmpfs_bytes,
                           options.policy.grants.network},
       {}, nullptr);
  return OkStatus();
}

void WorkerProcess::OnProgress(const std::string& program,
                               const std::function<void()>& on_started) {
  Result<bool> started = HasStarted(program, &spawned_);
  if (started.ok() && !*started) return;
  progress_->SetEvents(0);
  if (!started.ok()) return events_.Add(started.status().message);
  started_ = true;
  on_started();
}

Status WorkerProcess::WatchChild() {
  // Not reaped before, so the pid is still this child's.
  pidfd_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, child(), 0)));
  if (!pidfd_.valid()) return ErrnoStatus(errno, "cannot open the pidfd of a worker");
  Result<std::unique_ptr<ChildWatch>> watch =
      ChildWatch::Create(loop_, pidfd_.get(), [this] { OnChildExit(); });
  if (!watch.ok()) return watch.status();
  watch_ = std::move(*watch);
  return OkStatus();
}

Status WorkerProcess::SendStart(const SpawnOptions& options,
                                const std::vector<std::string>& environment) {
  if (options.forward_log) {
    log_->ForwardTo(std::make_unique<LineForwarder>(STDERR_FILENO, label_));
  }
  // It waits for its start message, with one thread.
  TVMFFI_RETURN_IF_ERROR(cgroup_->Add(child()));
  if (pid() != child()) TVMFFI_RETURN_IF_ERROR(cgroup_->Add(pid()));
  WatchUsage(options);
  const uint64_t wall_seconds = options.policy.limits.wall_seconds;
  if (wall_seconds != 0) wall_.Start(wall_seconds * 1000);
  Result<UniqueFd> channel = Duplicate(channel_.fd());
  if (!channel.ok()) return channel.status();
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(*channel));
  Pass(wire::WorkerStart{options.worker_id, options.policy.limits, options.policy.grants,
                         options.layers, options.audit, options.poison, options.one_call,
                         environment, static_cast<uint64_t>(options.cold_wake_ns)},
       std::move(fds), nullptr);
  return OkStatus();
}

void WorkerProcess::WatchUsage(const SpawnOptions& options) {
  if (!Has(layers_, kUsage)) return;
  const wire::Limits& limits = options.policy.limits;
  // Entering a group takes the kernel up to 20 ms: those that nobody asked for are not made.
  UsageLimits watched = options.usual;
  if (limits.memory_bytes != 0) {
    watched.memory_bytes = Has(layers_, kCgroupMemory) ? 0 : limits.memory_bytes;
  }
  if (limits.processes != 0) watched.processes = Has(layers_, kCgroupPids) ? 0 : limits.processes;
  if (watched.memory_bytes == 0 && watched.processes == 0) return;
  // Process 1 of the namespace is not the worker's.
  if (watched.processes != 0) ++watched.processes;
  usage_ = std::make_unique<UsageWatch>(loop_, child(), watched, [this](const char* limit) {
    if (kill_cause_.has_value()) return;
    exceeded_ = limit;
    Kill(wire::KillCause::kViolation);
  });
}

WorkerProcess::~WorkerProcess() {
  if (child() < 0 || report_.has_value()) return;
  ::kill(-child(), SIGKILL);
  ::kill(child(), SIGKILL);  // unreaped, so the pid is ours; a pidfd may not have been had
  ::waitpid(child(), nullptr, WNOHANG);
}

void WorkerProcess::Kill(wire::KillCause cause) {
  if (report_.has_value()) return;
  if (!kill_cause_.has_value()) kill_cause_ = cause;
  events_.Add(std::string("killed: ") + CauseName(cause));
  ::kill(-child(), SIGKILL);
  ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  if (cgroup_ != nullptr) cgroup_->Kill();
}

void WorkerProcess::ForgetPasses() {
  for (Passing& pass : passing_) pass.done = nullptr;
}

void WorkerProcess::Pass(const wire::Message& message, std::vector<UniqueFd> fds,
                         std::function<void(Status)> done) {
  Status status = OkStatus();
  const bool has_fds = !fds.empty();
  if (std::string event = EventText(message); !event.empty()) events_.Add(std::move(event));
  Result<std::vector<char>> payload = wire::Encode(message);
  if (!payload.ok()) {
    status = payload.status();
  } else if (passing_.size() >= kMaxPassing || (has_fds && passing_fds_ >= kMaxPassingFds)) {
    status = {Code::kResourceExhausted, "worker '" + label_ + "' does not read its messages: " +
                                            std::to_string(passing_.size()) + " wait"};
  } else {
    status = control_->Send(*payload, std::move(fds));
  }
  if (status.ok()) {
    passing_.push_back({++frames_queued_, has_fds, std::move(done)});
    if (has_fds) ++passing_fds_;
    NoteLent(message);
  } else if (done != nullptr) {
    done(std::move(status));
  }
}

void WorkerProcess::NoteLent(const wire::Message& message) {
  if (usage_ == nullptr) return;
  if (const auto* share = std::get_if<wire::ShareArena>(&message)) {
    usage_->Lend(share->arena_id, share->size);
  } else if (const auto* retire = std::get_if<wire::RetireArena>(&message)) {
    usage_->TakeBack(retire->arena_id);
  }
}

void WorkerProcess::OnWritten(uint64_t frames_sent) {
  while (!passing_.empty() && passing_.front().frame <= frames_sent) {
    std::function<void(Status)> done = std::move(passing_.front().done);
    if (passing_.front().has_fds) --passing_fds_;
    passing_.pop_front();
    if (done != nullptr) done(OkStatus());
  }
}

void WorkerProcess::FailPasses(const Status& status) {
  std::deque<Passing> passing;
  passing.swap(passing_);
  passing_fds_ = 0;
  for (Passing& pass : passing) {
    if (pass.done != nullptr) {
      pass.done({Code::kUnavailable, "worker '" + label_ + "' is gone: " + status.message});
    }
  }
}

Result<std::vector<UniqueFd>> WorkerProcess::TakeClientFds() {
  std::vector<UniqueFd> fds;
  for (int fd : {channel_.fd(), death_page_.fd(), pidfd_.get(), recorder_.fd()}) {
    Result<UniqueFd> copy = Duplicate(fd);
    if (!copy.ok()) return copy.status();
    fds.push_back(std::move(*copy));
  }
  channel_ = ShmSegment();
  return fds;
}

void WorkerProcess::OnChildExit() {
  siginfo_t info;
  rusage usage{};
  if (WaitPidfd(pidfd_.get(), WNOWAIT, &info, nullptr) == 0) {
    // A debugger has it and must let go first.
    retry_.Start(10);
    return;
  }
  // While it is not reaped its pid, and so its process group, cannot be anybody else's.
  ::kill(-child(), SIGKILL);
  WaitPidfd(pidfd_.get(), 0, &info, &usage);
  if (std::optional<WorkerEnd> end = ReadWorkerEnd(spawned_.end.get())) {
    info.si_code = WIFEXITED(end->wait_status) ? CLD_EXITED : CLD_KILLED;
    info.si_status =
        WIFEXITED(end->wait_status) ? WEXITSTATUS(end->wait_status) : WTERMSIG(end->wait_status);
    usage = end->usage;
  }
  info.si_pid = pid();
  wall_.Stop();
  usage_.reset();
  AnnounceDeath();
  log_->Drain();
  report_ = MakeExitReport(info, usage, kill_cause_, MonotonicNanos() - start_ns_, log_->ring());
  if (report_->cause == "signal" && report_->signal == SIGKILL && cgroup_ != nullptr &&
      cgroup_->RanOutOfMemory()) {
    report_->cause = "oom";
    report_->limits_hit.emplace_back("memory");
  }
  if (exceeded_ != nullptr && report_->cause == CauseName(wire::KillCause::kViolation)) {
    if (std::string_view(exceeded_) == "memory") report_->cause = "oom";
    report_->limits_hit.emplace_back(exceeded_);
  }
  events_.Add(Sentence(*report_));
  cgroup_.reset();
  control_->Close();
  FailPasses({Code::kUnavailable, "it " + Sentence(*report_)});
  on_exit_(this);
}

Recording WorkerProcess::ReadCalls(int64_t now) const {
  return ReadRecorder(*reinterpret_cast<const RecorderMemory*>(recorder_.data()), now);
}

EndedWorker WorkerProcess::Obituary() const {
  const int64_t now = MonotonicNanos();
  Recording calls = ReadCalls(now);
  calls.EndRunning();
  return {pid(), session_, label_, layers_, now, *report_, std::move(calls), events_};
}

void WorkerProcess::AnnounceDeath() {
  auto* page = reinterpret_cast<DeathPage*>(death_page_.data());
  page->dead.store(1);
  ::syscall(SYS_futex, &page->dead, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace tvmffi::hostd
