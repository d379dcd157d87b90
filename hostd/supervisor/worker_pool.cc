#include "hostd/supervisor/worker_pool.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "hostd/sandbox/reads.h"
#include "hostd/supervisor/exit_report.h"

namespace tvmffi::hostd {
namespace {

constexpr uint64_t kFirstWaitMs = 1'000;
constexpr uint64_t kLongestWaitMs = 60'000;

bool CanBeSetLater(const std::vector<std::string>& environment) {
  return std::all_of(environment.begin(), environment.end(), [](const std::string& entry) {
    return hostd::CanBeSetLater(std::string_view(entry).substr(0, entry.find('=')));
  });
}

// What it has said last.
std::string LastWords(const WorkerProcess& worker) {
  std::string words;
  for (const WorkerEvent& event : worker.events().events()) words += event.text + "; ";
  const std::vector<std::string> lines = worker.log_ring().TailLines();
  return lines.empty() ? words : words + lines.back();
}

}  // namespace

WorkerPool::WorkerPool(EventLoop* loop, spdlog::logger* log, std::function<size_t()> room,
                       std::function<void()> on_gone)
    : loop_(loop),
      log_(log),
      room_(std::move(room)),
      on_gone_(std::move(on_gone)),
      start_(loop, [this] {
        waiting_ = false;
        StartOne();
      }) {}

void WorkerPool::Configure(const SpawnOptions& usual, size_t size) {
  usual_ = usual;
  size_ = std::min(size, kMaxSize);
  if (size_ == 0) return;
  std::vector<std::string> paths = SystemPaths();
  paths.push_back(usual.program);
  machine_.emplace(std::move(paths));
}

size_t WorkerPool::size() const {
  return static_cast<size_t>(std::count_if(workers_.begin(), workers_.end(),
                                           [](const Entry& entry) { return !entry.ending; }));
}

bool WorkerPool::Owns(pid_t child) const {
  return std::any_of(workers_.begin(), workers_.end(),
                     [child](const Entry& entry) { return entry.process->child() == child; });
}

void WorkerPool::Fill() {
  if (!waiting_ && size() < size_) start_.Start(0);
}

void WorkerPool::StartOne() {
  if (size() >= size_ || room_() == 0) return;
  Result<std::unique_ptr<WorkerProcess>> process = WorkerProcess::Prepare(
      loop_, usual_, [this] { Fill(); }, [this](WorkerProcess* worker) { OnExit(worker); });
  if (!process.ok()) return OnFailure(process.status().message);
  workers_.push_back({std::move(*process)});
}

void WorkerPool::OnFailure(const std::string& why) {
  if (waiting_) return;
  const uint64_t wait = std::min(kFirstWaitMs << std::min(failures_, 6u), kLongestWaitMs);
  ++failures_;
  log_->warn("cannot prepare a worker, the next try is in {} s: {}", wait / 1000, why);
  waiting_ = true;
  start_.Start(wait);
}

std::unique_ptr<WorkerProcess> WorkerPool::Take(const SpawnOptions& options) {
  if (size_ == 0 || !Suits(options)) return nullptr;
  if (machine_->Changed()) {
    EndAll();
    return nullptr;
  }
  auto found = std::find_if(workers_.begin(), workers_.end(), [](const Entry& entry) {
    return !entry.ending && entry.process->MayBeAssigned();
  });
  if (found == workers_.end()) return nullptr;
  std::unique_ptr<WorkerProcess> process = std::move(found->process);
  workers_.erase(found);
  failures_ = 0;
  ++used_;
  return process;
}

bool WorkerPool::Suits(const SpawnOptions& options) const {
  const wire::Grants& grants = options.policy.grants;
  const wire::Grants& usual = usual_.policy.grants;
  return options.program == usual_.program && options.layers == usual_.layers &&
         options.audit == usual_.audit && grants.tmpfs_bytes == usual.tmpfs_bytes &&
         grants.network == usual.network && CanBeSetLater(options.policy.environment);
}

void WorkerPool::End(Entry* entry) {
  entry->ending = true;
  entry->process->Kill(wire::KillCause::kClosed);
}

bool WorkerPool::EndOne() {
  auto found = std::find_if(workers_.begin(), workers_.end(),
                            [](const Entry& entry) { return !entry.ending; });
  if (found == workers_.end()) return false;
  End(&*found);
  return true;
}

void WorkerPool::EndAll() {
  for (Entry& entry : workers_) {
    if (!entry.ending) End(&entry);
  }
}

void WorkerPool::Stop() {
  size_ = 0;
  start_.Stop();
  EndAll();
}

void WorkerPool::OnExit(WorkerProcess* worker) {
  auto found = std::find_if(workers_.begin(), workers_.end(),
                            [worker](const Entry& entry) { return entry.process.get() == worker; });
  const bool expected = found->ending;
  // It is calling; it goes once it has returned.
  std::shared_ptr<WorkerProcess> process = std::move(found->process);
  workers_.erase(found);
  if (!expected) OnFailure(LastWords(*process));
  loop_->Defer([this, process] { on_gone_(); });
  if (expected) Fill();
}

}  // namespace tvmffi::hostd
