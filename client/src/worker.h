// One worker process as the client sees it, from its start to its end.
#ifndef TVMFFI_CLIENT_SRC_WORKER_H_
#define TVMFFI_CLIENT_SRC_WORKER_H_

#include <linux/futex.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "client/src/arena.h"
#include "client/src/connection.h"
#include "client/src/module_copy.h"
#include "client/src/report.h"
#include "client/src/staging_pool.h"
#include "client/src/tensor_pool.h"
#include "proto/base/clock.h"
#include "proto/base/shm_segment.h"
#include "proto/channel/layout.h"
#include "proto/channel/recorder.h"
#include "proto/codec/any.h"
#include "proto/codec/value.h"
#include "proto/policy/policy.h"

namespace tvmffi::host {

struct WorkerOptions {
  std::string label;
  wire::Limits limits;
  std::vector<std::string> environment;
  bool log_forward = false;
  wire::Grants grants = Policy().grants;
  std::vector<std::string> require;
  // What a call leaves in memory that the worker has mapped is overwritten.
  bool poison = false;
  // It serves one call, and is to leave nothing to the next worker.
  bool one_call = false;
};

// Workers started with either may do the same.
bool SameWorker(const WorkerOptions& a, const WorkerOptions& b);

// Thread-safe. Owns the channel's mapping, the death page, the pidfd and the worker's own arenas;
// destruction ends the process if it still runs.
class Worker : public std::enable_shared_from_this<Worker> {
 public:
  static Result<std::shared_ptr<Worker>> Start(std::shared_ptr<Connection> connection,
                                               const WorkerOptions& options, uint64_t slot_id,
                                               uint64_t generation);
  ~Worker();

  // Never reused within this process; 0 is no worker.
  uint64_t id() const { return id_; }
  // Of the slot it works for. The generation is how many workers had this one's place before, plus
  // one.
  uint64_t slot_id() const { return slot_id_; }
  uint64_t generation() const { return generation_; }
  int pid() const { return pid_; }
  const std::string& label() const { return label_; }
  // What the daemon says it is locked with.
  const std::vector<std::string>& layers() const { return layers_; }
  bool HasLayer(std::string_view name) const;
  // When this process asked for it and got it (MonotonicNanos()), and what it says of its own
  // start.
  int64_t asked() const { return asked_; }
  int64_t created() const { return created_; }
  // When its modules were loaded, as this process saw it.
  void SetAnswered() { answered_.store(MonotonicNanos(), std::memory_order_relaxed); }
  int64_t answered() const { return answered_.load(std::memory_order_relaxed); }
  const StartTimes& start_times() const;
  Connection* connection() const { return connection_.get(); }

  LaneMemory* lane(uint32_t index) const;
  // Where this process notes the lane's calls.
  LaneRecord* record(uint32_t lane) const;
  // What a function is called there.
  uint32_t RecordedName(std::string_view function);
  const std::atomic<uint32_t>* death_word() const;
  // True when the daemon says so, or the kernel has marked the lane's owner word: a hint, the
  // worker can write that too.
  bool SeemsDead(uint32_t lane_index) const {
    return death_word()->load(std::memory_order_relaxed) != 0 ||
           (lane(lane_index)->worker.owner.load(std::memory_order_relaxed) & FUTEX_OWNER_DIED) != 0;
  }
  // The next lane nobody has, served by the worker from now on. ResourceExhausted after the last
  // one.
  Result<uint32_t> OpenLane();

  // Lends an arena, once.
  Status Share(const std::shared_ptr<Arena>& arena);
  // The arena is ending.
  void Retire(uint32_t arena_id);
  // An arena this worker has been lent and the client still has, or null.
  std::shared_ptr<Arena> FindLent(uint32_t arena_id);

  StagingPool* staging() { return &staging_; }
  TensorPool* tensors() { return tensors_.get(); }
  // Memory for at least `size` bytes of results. Kept until the worker's end, and by every tensor
  // in it beyond.
  Result<std::shared_ptr<Arena>> GrowResults(uint64_t size);

  // What GrowResults has made: for whoever needs it after the worker's end.
  std::vector<std::shared_ptr<Arena>> results();

  // A block the worker goes on using after its call, until Drop; the object keeps the memory from
  // being freed.
  void Retain(uint64_t block_id, std::shared_ptr<StagingBlock> block, ObjectRef object,
              std::shared_ptr<PoolBlock> pool_block);
  void Drop(uint64_t block_id);
  // Memory of a retained staged block that contains the range.
  bool IsRetained(const Arena& arena, uint64_t offset, uint64_t size);

  // The client let go of a handle. Rides on a later frame.
  void Release(uint64_t handle);
  void MoveReleasesTo(FrameWriter* writer);
  bool has_releases() const { return has_releases_.load(std::memory_order_acquire); }

  // The worker is about to load the file at `path`, of which it gets `copy` unless that is null.
  // InvalidArgument when it has loaded another version of that file.
  Status LendModule(const std::string& path, std::shared_ptr<const ModuleCopy> copy);
  // It has.
  void SetLoaded(const std::string& path);
  // Handles of the modules this worker has loaded, in their slot's order.
  std::optional<uint64_t> ModuleHandle(uint32_t index);
  void SetModuleHandle(uint32_t index, uint64_t handle);

  // False once it is certain that no answer will come. Looks, never waits.
  bool Alive();
  bool ended() const { return ended_.load(std::memory_order_acquire); }

  // Has it killed, if `cause` is given, and waits until it is reaped. The first caller's cause
  // counts; all callers get the same end. Drops the worker's arenas.
  WorkerEnd End(std::optional<wire::KillCause> cause);
  // After End: waits until the kernel says so too, which a daemon that ended could not.
  bool AwaitDeath(double seconds);
  // True the first time.
  bool MarkForgotten() { return !forgotten_.exchange(true); }
  // As End, without waiting, and the end is of no interest.
  void Close();

 private:
  Worker(std::shared_ptr<Connection> connection, const WorkerOptions& options, uint64_t slot_id,
         uint64_t generation);
  WorkerEnd AskForEnd(std::optional<wire::KillCause> cause);
  void ReadCrashPage(WorkerEnd* end);
  // Notes what the failure of a message to the worker means for it.
  Status Unpassed(const Status& status);
  Result<std::shared_ptr<Arena>> NewArena(size_t size, ArenaUse use);
  bool IsLent(uint32_t arena_id);
  void DropMemory();

  const uint64_t id_;
  const uint64_t slot_id_;
  const uint64_t generation_;
  const uint32_t epoch_;
  const std::string label_;
  const std::shared_ptr<Connection> connection_;
  uint32_t worker_id_ = 0;  // the daemon's number
  int pid_ = 0;
  int64_t asked_ = 0;
  int64_t created_ = 0;
  std::atomic<int64_t> answered_{0};
  std::vector<std::string> layers_;
  ShmSegment channel_;
  ShmSegment death_page_;
  ShmSegment recorder_;
  UniqueFd pidfd_;
  StagingPool staging_;
  const std::shared_ptr<TensorPool> tensors_;

  std::mutex end_lock_;
  WorkerEnd end_;
  std::atomic<bool> ended_{false};
  std::atomic<bool> forgotten_{false};
  // The daemon cannot reach it: it is about to die, or gets killed.
  std::atomic<bool> deaf_{false};

  // Held while the worker is handed an arena: it takes each one once.
  std::mutex share_lock_;

  // Guards what follows; never held while something is waited for or destroyed.
  std::mutex lock_;
  uint32_t next_lane_ = 0;
  std::map<uint32_t, std::weak_ptr<Arena>> lent_;
  std::vector<std::shared_ptr<Arena>> results_;
  std::vector<std::optional<uint64_t>> modules_;
  KnownModules known_modules_;
  std::set<std::string> loaded_;
  struct Retained {
    std::shared_ptr<StagingBlock> block;
    ObjectRef object;
    std::shared_ptr<PoolBlock> pool_block;
  };
  std::map<uint64_t, Retained> retained_;

  std::mutex releases_lock_;
  std::vector<uint64_t> releases_;
  std::atomic<bool> has_releases_{false};
};

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_WORKER_H_
