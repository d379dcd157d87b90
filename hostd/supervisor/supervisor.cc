#include "hostd/supervisor/supervisor.h"

#include <signal.h>

#include <algorithm>

#include "hostd/logging.h"
#include "hostd/supervisor/exit_report.h"
#include "proto/base/clock.h"

namespace tvmffi::hostd {
namespace {

// A process that was killed ends within a millisecond, unless the machine is very busy or it is
// stuck in the kernel. No worker's end is kept back longer than the patience.
constexpr uint64_t kSweepMs = 2;
constexpr int64_t kPatienceNanos = 1'000'000'000;

}  // namespace

Supervisor::Supervisor(EventLoop* loop, spdlog::logger* log)
    : loop_(loop),
      log_(log),
      sweep_again_(loop, [this] { SweepOrphans(); }),
      pool_(
          loop, log, [this] { return Room(); }, [this] { CheckEmpty(); }) {}

Status Supervisor::Start() {
  ends_orphans_ = orphans_.Start();
  if (!ends_orphans_.ok()) {
    log_->warn("processes that workers leave behind are not ended: {}", ends_orphans_.message);
  }
  Result<std::unique_ptr<SignalWatch>> watch =
      SignalWatch::Create(loop_, SIGCHLD, [this] { SweepOrphans(); });
  if (!watch.ok()) return watch.status();
  child_signal_ = std::move(*watch);
  return OkStatus();
}

size_t Supervisor::Room() const {
  return kMaxWorkers - std::min(kMaxWorkers, workers_.size() + pool_.size());
}

Result<std::unique_ptr<WorkerProcess>> Supervisor::StartWorker(const SpawnOptions& options) {
  WorkerProcess::OnExit on_exit = [this](WorkerProcess* worker) { OnExit(worker); };
  if (std::unique_ptr<WorkerProcess> process = pool_.Take(options)) {
    Status assigned = process->Assign(options, std::move(on_exit));
    if (!assigned.ok()) return assigned;
    return process;
  }
  if (Room() == 0) pool_.EndOne();
  return WorkerProcess::Spawn(loop_, options, std::move(on_exit));
}

Result<WorkerProcess*> Supervisor::Spawn(const SpawnOptions& options,
                                         WorkerProcess::OnExit on_exit) {
  if (workers_.size() >= kMaxWorkers) {
    return Status{Code::kResourceExhausted, "cannot create worker '" + options.label +
                                                "': " + std::to_string(workers_.size()) +
                                                " are running, limit is " +
                                                std::to_string(kMaxWorkers)};
  }
  Result<std::unique_ptr<WorkerProcess>> process = StartWorker(options);
  pool_.Fill();
  if (!process.ok()) return process.status();
  ++created_;
  WorkerProcess* worker = process->get();
  recorder_.Expect(worker->label());
  workers_.push_back({std::move(*process), std::move(on_exit)});
  LogEvent(log_, spdlog::level::info,
           "worker '" + worker->label() + "' (pid " + std::to_string(worker->pid()) + ") started",
           {{"event", "worker_started"},
            {"worker", worker->label()},
            {"worker_pid", worker->pid()},
            {"session", worker->session()}});
  return worker;
}

void Supervisor::Abandon(WorkerProcess* worker) {
  for (std::vector<Entry>* entries : {&workers_, &ended_}) {
    for (Entry& entry : *entries) {
      if (entry.process.get() == worker) entry.on_exit = nullptr;
    }
  }
  worker->ForgetPasses();
  worker->Kill(wire::KillCause::kClosed);
}

WorkerProcess* Supervisor::Find(pid_t pid) {
  for (Entry& entry : workers_) {
    if (entry.process->pid() == pid) return entry.process.get();
  }
  return nullptr;
}

Result<UniqueFd> Supervisor::StartSymbolizer(const std::string& program) {
  if (symbolizers_.size() >= kMaxSymbolizers) {
    return Status{Code::kResourceExhausted,
                  std::to_string(symbolizers_.size()) + " crash reports are being made already"};
  }
  Result<std::unique_ptr<SymbolizerProcess>> process = SymbolizerProcess::Start(
      loop_, program, [this](SymbolizerProcess* symbolizer) { OnSymbolizerExit(symbolizer); });
  if (!process.ok()) return process.status();
  UniqueFd connection = (*process)->TakeConnection();
  symbolizers_.push_back(std::move(*process));
  return connection;
}

void Supervisor::OnSymbolizerExit(SymbolizerProcess* symbolizer) {
  auto found = std::find_if(symbolizers_.begin(), symbolizers_.end(),
                            [&](const auto& process) { return process.get() == symbolizer; });
  // It is calling; it goes once it has returned.
  std::shared_ptr<SymbolizerProcess> ended = std::move(*found);
  symbolizers_.erase(found);
  loop_->Defer([ended] {});
}

void Supervisor::NotifyWhenEmpty(std::function<void()> on_empty) {
  on_empty_ = std::move(on_empty);
  pool_.Stop();
  loop_->Defer([this] { CheckEmpty(); });
}

void Supervisor::OnExit(WorkerProcess* worker) {
  ++died_;
  const wire::ExitReport& report = *worker->exit_report();
  bool expected = report.cause == "closed";
  const auto level = expected ? spdlog::level::info : spdlog::level::warn;
  LogEvent(log_, level,
           "worker '" + worker->label() + "' (pid " + std::to_string(worker->pid()) + ") " +
               Sentence(report),
           {{"event", "worker_ended"},
            {"worker", worker->label()},
            {"worker_pid", worker->pid()},
            {"session", worker->session()},
            {"cause", report.cause},
            {"signal", report.signal},
            {"exit_status", report.exit_status},
            {"lifetime_us", static_cast<int64_t>(report.lifetime_us)}});
  recorder_.Add(worker->Obituary());
  auto entry = std::find_if(workers_.begin(), workers_.end(),
                            [&](const Entry& e) { return e.process.get() == worker; });
  entry->announce_by = MonotonicNanos() + kPatienceNanos;
  ended_.push_back(std::move(*entry));
  workers_.erase(entry);
  SweepOrphans();
  pool_.Fill();  // there may be room again
}

// Each end in its own time, whatever else ends meanwhile.
void Supervisor::AnnounceExits(size_t orphans) {
  const int64_t now = MonotonicNanos();
  std::vector<Entry> announced;
  std::vector<Entry> kept_back;
  for (Entry& entry : ended_) {
    (orphans == 0 || now >= entry.announce_by ? announced : kept_back).push_back(std::move(entry));
  }
  ended_ = std::move(kept_back);
  if (!ended_.empty()) sweep_again_.Start(kSweepMs);
  if (orphans > 0 && !announced.empty()) {
    log_->error("{} processes that workers left behind do not end", orphans);
  }
  for (Entry& entry : announced) {
    if (entry.on_exit != nullptr) entry.on_exit(entry.process.get());
    // It may be calling; it goes once it has returned.
    std::shared_ptr<WorkerProcess> process = std::move(entry.process);
    loop_->Defer([this, process] { CheckEmpty(); });
  }
}

bool Supervisor::IsOurs(pid_t pid) const {
  return std::any_of(workers_.begin(), workers_.end(),
                     [pid](const Entry& entry) { return entry.process->child() == pid; }) ||
         pool_.Owns(pid) ||
         std::any_of(symbolizers_.begin(), symbolizers_.end(),
                     [pid](const auto& process) { return process->pid() == pid; });
}

void Supervisor::SweepOrphans() {
  const Orphans::Swept swept = orphans_.Sweep([this](pid_t pid) { return IsOurs(pid); });
  if (swept.killed > 0) log_->warn("ended {} processes that workers left behind", swept.killed);
  AnnounceExits(swept.left);
}

void Supervisor::CheckEmpty() {
  if (!workers_.empty() || !ended_.empty() || !pool_.empty() || on_empty_ == nullptr) return;
  std::function<void()> on_empty;
  on_empty.swap(on_empty_);
  on_empty();
}

}  // namespace tvmffi::hostd
