// Workers that are started before anybody needs them.
#ifndef TVMFFI_HOSTD_SUPERVISOR_WORKER_POOL_H_
#define TVMFFI_HOSTD_SUPERVISOR_WORKER_POOL_H_

#include <spdlog/logger.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "hostd/loop/event_loop.h"
#include "hostd/loop/timer.h"
#include "hostd/supervisor/machine_view.h"
#include "hostd/supervisor/worker_process.h"

namespace tvmffi::hostd {

// Each has a process, namespaces and a file tree of its own, and has read nothing but what the
// daemon told it. It becomes one session's, once, and is that worker from then on.
class WorkerPool {
 public:
  static constexpr size_t kMaxSize = 16;

  // `room`: how many more workers there may be. `on_gone`: one that was nobody's has ended.
  WorkerPool(EventLoop* loop, spdlog::logger* log, std::function<size_t()> room,
             std::function<void()> on_gone);

  // Keeps `size` workers ready that are what `usual` asks for, from the next Fill on.
  void Configure(const SpawnOptions& usual, size_t size);
  // Starts those that are missing, one after the other, from the loop; after a failure some time
  // later, longer each time.
  void Fill();
  // A worker to be assigned these options, or null: there is none, or it would not be the same as
  // one that is started for them.
  std::unique_ptr<WorkerProcess> Take(const SpawnOptions& options);
  // Ends one, for another to take its room. False when there is none.
  bool EndOne();
  // Ends all and starts no more.
  void Stop();

  bool Owns(pid_t child) const;
  // Ending ones included.
  bool empty() const { return workers_.empty(); }
  size_t size() const;
  uint64_t used() const { return used_; }
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const Entry& entry : workers_) {
      if (!entry.ending) visit(*entry.process);
    }
  }

 private:
  struct Entry {
    std::unique_ptr<WorkerProcess> process;
    bool ending = false;
  };
  bool Suits(const SpawnOptions& options) const;
  void StartOne();
  void OnFailure(const std::string& why);
  void OnExit(WorkerProcess* worker);
  void End(Entry* entry);
  void EndAll();

  EventLoop* loop_;
  spdlog::logger* log_;
  std::function<size_t()> room_;
  std::function<void()> on_gone_;
  SpawnOptions usual_;
  size_t size_ = 0;
  std::optional<MachineView> machine_;
  Timer start_;
  std::vector<Entry> workers_;
  bool waiting_ = false;   // after a failure
  unsigned failures_ = 0;  // since one was taken
  uint64_t used_ = 0;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SUPERVISOR_WORKER_POOL_H_
