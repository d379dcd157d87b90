// The place of one worker: what it has loaded, how it is started again, and the lanes of the
// threads that call into it.
#ifndef TVMFFI_CLIENT_SRC_WORKER_SLOT_H_
#define TVMFFI_CLIENT_SRC_WORKER_SLOT_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "client/src/session.h"
#include "client/src/stats.h"
#include "client/src/transfer.h"
#include "client/src/worker.h"
#include "proto/base/clock.h"
#include "proto/channel/lane.h"

namespace tvmffi::host {

// A thread, so that its lane can go to another one when it ends.
struct ThreadMark {
  std::atomic<bool> alive{true};
};

// One exchange at a time with a slot's worker. What is not atomic belongs to whoever made `busy`
// true.
struct CallLane {
  CallLane();

  const uint64_t id;  // of this process
  std::atomic<bool> busy{false};
  std::atomic<bool> in_callback{false};
  std::shared_ptr<ThreadMark> owner;  // guarded by the slot's lock

  // Null until bound, and again after the worker's end.
  std::shared_ptr<Worker> worker;
  uint32_t index = 0;
  LaneRecord* record = nullptr;
  SpinBudget spin;
  Lane lane;
  uint32_t lane_call = 0;
  FrameWriter writer;
  FrameReader reader;
  std::vector<char> frame;
  Transfer transfer;
  LaneCounters counters;

  // Of its exchange number `call`: unique in this process.
  uint64_t CallId(uint32_t call) const { return (id << 32) | call; }
  Status Bind(std::shared_ptr<Worker> new_worker);
  void Unbind();
};

class CallRecorder;

// A call that runs after every start of the worker.
struct InitCall {
  std::string function;
  std::vector<OwnedAny> args;
};

struct ModuleSpec {
  std::string given_path;  // as the user wrote it
  std::string path;        // absolute
  std::string name;        // file name
  double deadline = 30.0;
  double queue_deadline = -1;       // negative: none of its own
  double callback_deadline = 30.0;  // for the callbacks of one call together
  double load_deadline = -1;        // for a worker's start; negative: the call's that needs one
  std::vector<InitCall> init;
  std::map<std::string, ReadOnlyArguments> read_only;
  bool all_read_only = false;
  std::optional<std::vector<std::string>> libraries;  // all that it may need; none: any
  // Null: calls are not recorded.
  std::shared_ptr<const CallRecorder> recorder;
  // What is loaded, by every worker; null for a file whose name is no library's.
  std::shared_ptr<const ModuleCopy> copy;

  // When a call that began at `start` must have ended.
  int64_t Deadline(int64_t start) const {
    const double nanos = deadline * 1e9;
    return nanos < 9e18 - static_cast<double>(start) ? start + static_cast<int64_t>(nanos) : kNever;
  }
  double load_limit() const { return load_deadline >= 0 ? load_deadline : deadline; }
  // Until when a call that must end by `call_deadline` may wait for its turn.
  int64_t QueueDeadline(int64_t call_deadline) const;
};

// For whom a worker, and so what it remembers and the memory it has mapped, is used again.
enum class Reuse {
  kNever,    // it serves one call, and has ended when the caller sees what came of that
  kModule,   // the module it was started for, and those put into it by name
  kSession,  // modules of one folder in one session, loaded with equal options
};

struct SlotOptions {
  WorkerOptions worker;
  Reuse reuse = Reuse::kModule;
  bool respawn = true;
  int breaker_deaths = 5;
  double breaker_seconds = 30.0;
};

// Thread-safe. Dropping the last reference ends the worker.
class WorkerSlot : public std::enable_shared_from_this<WorkerSlot> {
 public:
  WorkerSlot(std::shared_ptr<Session> session, SlotOptions options);
  ~WorkerSlot();

  // Loads a module into this slot's worker, and into every later one. Its index among the slot's
  // modules.
  Failure Load(std::unique_ptr<ModuleSpec> spec, uint32_t* index);
  const ModuleSpec& module(uint32_t index) const;
  // A lane of the calling thread, bound to a live worker, started if there is none, for a call into
  // `spec` that began at `start`; `*deadline` becomes when it must end. A worker's start is no part
  // of it where `spec` has a deadline for that. Null with a failure when there is none in time. To
  // be given back.
  CallLane* AcquireFor(const ModuleSpec& spec, int64_t start, int64_t* deadline, Failure* failure);
  // The lane of the calling thread's last call, if that was into this slot and nothing has changed
  // since; else null. To be given back.
  CallLane* AcquireAgain();
  void GiveBack(CallLane* lane);

  // `worker` ended; `blame` says that it died of its own doing.
  void Forget(const std::shared_ptr<Worker>& worker, bool blame, const OwnedAny& report);
  void Succeeded() {
    if (deaths_.load(std::memory_order_relaxed) != 0) deaths_.store(0, std::memory_order_relaxed);
  }
  // No call that began before is running.
  bool Idle() const;
  // A worker is ended after each call. There is one call at a time then.
  bool one_call_per_worker() const { return one_call_per_worker_; }
  // A module may be put here that asks to share its worker within the session: nobody's who may yet
  // fail to load, and not more than a worker can have.
  bool Shares(const SlotOptions& options, const std::string& path) const;
  // Closes the circuit breaker.
  void Reset();

  uint64_t id() const { return id_; }
  const SlotOptions& options() const { return options_; }
  // "a.so", or "a.so, b.so".
  std::string Label() const;
  std::shared_ptr<Worker> current() const;
  uint64_t generation() const { return generation_.load(std::memory_order_relaxed); }
  int deaths() const { return deaths_.load(std::memory_order_relaxed); }
  Session* session() const { return session_.get(); }
  void AddCounters(Totals* totals) const;

 private:
  // What getting a lane may take.
  struct Patience {
    int64_t deadline = kNever;
    double load_deadline = -1;  // of a start; negative: none of its own
    int64_t starting = 0;       // nanoseconds that a start with one has taken, which do not count
  };
  CallLane* Acquire(Patience* patience, Failure* failure);
  bool TakeTurn(int64_t deadline, Failure* failure);
  void EndTurn();
  void PutBack(CallLane* lane);
  CallLane* AcquireSlow(Patience* patience, Failure* failure);
  CallLane* TakeLane(const std::shared_ptr<Worker>& worker, bool* wait);
  std::shared_ptr<Worker> EnsureWorker(Patience* patience, Failure* failure);
  std::shared_ptr<Worker> EnsureWorker(int64_t deadline, Failure* failure);
  // Checks the module's file, or rather the copy of it that workers will load.
  Failure Preflight(ModuleSpec* spec);
  Failure TakeCopy(ModuleSpec* spec);
  bool LockStart(int64_t deadline, Failure* failure);
  Failure CheckMayStart();
  Failure StartFailure(const Status& why) const;
  // What can be granted to a worker when it is started.
  size_t MaxModules() const;
  std::shared_ptr<Worker> StartWorker(int64_t deadline, Failure* failure);
  WorkerOptions StartOptions() const;
  // New calls go to `worker` from now on; `lane` is the calling thread's. Needs the lock.
  void Adopt(const std::shared_ptr<Worker>& worker, std::unique_ptr<CallLane> lane);
  // Waits until the worker has locked itself and takes requests.
  Failure AwaitReady(CallLane* lane, int64_t deadline);
  Failure LoadInto(CallLane* lane, uint32_t index, int64_t deadline);
  Failure LoadAnother(CallLane* lane, std::unique_ptr<ModuleSpec> spec, int64_t deadline,
                      uint32_t* index);
  Failure RunInit(CallLane* lane, uint32_t index, int64_t deadline);

  const uint64_t id_;
  const uint32_t epoch_;
  const bool one_call_per_worker_;  // read in every call
  const std::shared_ptr<Session> session_;
  const SlotOptions options_;
  std::atomic<int> deaths_{0};
  std::atomic<uint64_t> generation_{0};
  // The worker new calls go to, for comparing only; `current_owner_` keeps it.
  std::atomic<Worker*> current_{nullptr};

  // Held while a worker is started.
  std::mutex start_lock_;
  std::atomic<int> starter_{0};  // thread id
  // Held from Acquire to GiveBack where there is one call at a time.
  std::mutex turn_lock_;
  std::atomic<int> turn_holder_{0};  // thread id

  // Guards what follows.
  mutable std::mutex lock_;
  std::shared_ptr<Worker> current_owner_;
  std::vector<std::unique_ptr<ModuleSpec>> modules_;
  bool loaded_ = false;  // the first of them, once
  std::vector<std::unique_ptr<CallLane>> lanes_;
  OwnedAny last_report_;
  int64_t last_death_ = 0;
};

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_WORKER_SLOT_H_
