// Spawns, counts and ends the workers of all sessions.
#ifndef TVMFFI_HOSTD_SUPERVISOR_SUPERVISOR_H_
#define TVMFFI_HOSTD_SUPERVISOR_SUPERVISOR_H_

#include <spdlog/logger.h>

#include <functional>
#include <memory>
#include <vector>

#include "hostd/loop/event_loop.h"
#include "hostd/loop/signal_watch.h"
#include "hostd/loop/timer.h"
#include "hostd/supervisor/flight_recorder.h"
#include "hostd/supervisor/orphans.h"
#include "hostd/supervisor/symbolizer_process.h"
#include "hostd/supervisor/worker_pool.h"
#include "hostd/supervisor/worker_process.h"

namespace tvmffi::hostd {

class Supervisor {
 public:
  static constexpr size_t kMaxWorkers = 256;
  static constexpr size_t kMaxSymbolizers = 8;

  // Borrows the loop and the logger.
  Supervisor(EventLoop* loop, spdlog::logger* log);

  // Watches for orphans. That they cannot be ended is logged, not fatal.
  Status Start();
  // Ok where what a worker leaves behind is ended, else why not.
  const Status& ends_orphans() const { return ends_orphans_; }

  // Keeps `size` workers ready that are what `usual` asks for, from the first Spawn or FillPool on.
  void KeepPrepared(const SpawnOptions& usual, size_t size) { pool_.Configure(usual, size); }
  void FillPool() { pool_.Fill(); }

  // The worker stays valid until `on_exit` has returned. That is called when what the worker left
  // behind has ended too, or does not end.
  Result<WorkerProcess*> Spawn(const SpawnOptions& options, WorkerProcess::OnExit on_exit);

  // Kills a worker nobody asks about any more: neither its `on_exit` nor a `done` given to it is
  // called again.
  void Abandon(WorkerProcess* worker);

  // A symbolizer for a client: the client's end of the connection to it.
  Result<UniqueFd> StartSymbolizer(const std::string& program);

  // Calls back (once, from the loop) when no worker is left.
  void NotifyWhenEmpty(std::function<void()> on_empty);

  // The worker of that process number, if it runs.
  WorkerProcess* Find(pid_t pid);
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const Entry& entry : workers_) visit(*entry.process);
  }
  // Of those that have ended.
  const FlightRecorder& recorder() const { return recorder_; }

  size_t workers() const { return workers_.size(); }
  // Nobody's yet.
  const WorkerPool& pool() const { return pool_; }
  uint64_t workers_created() const { return created_; }
  uint64_t workers_died() const { return died_; }

 private:
  struct Entry {
    std::unique_ptr<WorkerProcess> process;
    WorkerProcess::OnExit on_exit;
    int64_t announce_by = 0;  // once it has ended
  };
  void OnExit(WorkerProcess* worker);
  void OnSymbolizerExit(SymbolizerProcess* symbolizer);
  bool IsOurs(pid_t pid) const;
  void SweepOrphans();
  void AnnounceExits(size_t orphans);
  void CheckEmpty();
  size_t Room() const;
  Result<std::unique_ptr<WorkerProcess>> StartWorker(const SpawnOptions& options);

  EventLoop* loop_;
  spdlog::logger* log_;
  Orphans orphans_;
  Status ends_orphans_;
  FlightRecorder recorder_;
  std::unique_ptr<SignalWatch> child_signal_;
  std::vector<Entry> workers_;
  std::vector<Entry> ended_;  // and reaped, but not announced
  Timer sweep_again_;
  std::vector<std::unique_ptr<SymbolizerProcess>> symbolizers_;
  std::function<void()> on_empty_;
  uint64_t created_ = 0;
  uint64_t died_ = 0;
  WorkerPool pool_;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SUPERVISOR_SUPERVISOR_H_
