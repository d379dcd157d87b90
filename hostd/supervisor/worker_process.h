// One worker: its process, what it says on its log pipe, the memory it shares with its client.
#ifndef TVMFFI_HOSTD_SUPERVISOR_WORKER_PROCESS_H_
#define TVMFFI_HOSTD_SUPERVISOR_WORKER_PROCESS_H_

#include <sys/types.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hostd/loop/child_watch.h"
#include "hostd/loop/stream.h"
#include "hostd/loop/timer.h"
#include "hostd/sandbox/cgroups.h"
#include "hostd/sandbox/policy.h"
#include "hostd/supervisor/flight_recorder.h"
#include "hostd/supervisor/log_pipe.h"
#include "hostd/supervisor/spawn.h"
#include "hostd/supervisor/usage_watch.h"
#include "proto/base/shm_segment.h"
#include "proto/base/unique_fd.h"
#include "proto/wire/validate.h"

namespace tvmffi::hostd {

struct SpawnOptions {
  std::string program;
  std::string label;
  uint32_t worker_id = 0;  // the client's name for it
  Policy policy;
  bool forward_log = false;
  std::vector<std::string> layers;
  bool audit = false;
  bool poison = false;
  bool one_call = false;
  const Cgroups* cgroups = nullptr;
  UsageLimits usual = {};  // where the policy says nothing
  uint32_t session = 0;
  int64_t cold_wake_ns = 0;  // what a wake-up costs here, 0 if that is not known
};

// Held by pidfd, so a recycled pid can never be signalled. Destruction kills; whoever destroys it
// before its end has been seen leaves the reaping to the daemon's own end.
class WorkerProcess {
 public:
  // Called once, from the loop, after the worker was reaped, its report made and its client woken.
  using OnExit = std::function<void(WorkerProcess*)>;

  static Result<std::unique_ptr<WorkerProcess>> Spawn(EventLoop* loop, const SpawnOptions& options,
                                                      OnExit on_exit);

  // A worker for nobody yet, of these layers and this size of /tmp. Does not wait for the exec:
  // `on_started` is called when that has happened; when it fails, the worker ends.
  static Result<std::unique_ptr<WorkerProcess>> Prepare(EventLoop* loop,
                                                        const SpawnOptions& options,
                                                        std::function<void()> on_started,
                                                        OnExit on_exit);
  // It is prepared, and has not ended.
  bool MayBeAssigned() const;
  // Becomes somebody's, once. After a failure it is to be destroyed.
  Status Assign(const SpawnOptions& options, OnExit on_exit);

  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;
  ~WorkerProcess();

  // SIGKILL to the worker, its pid namespace and its process group. The first cause given is the
  // one reported.
  void Kill(wire::KillCause cause);

  // Writes a message to the worker's socket. `done` is called once it is written, or when it never
  // will be.
  void Pass(const wire::Message& message, std::vector<UniqueFd> fds,
            std::function<void(Status)> done);

  static constexpr size_t kMaxPassing = 256;
  // Of these with descriptors: of its session's allowance, what one worker can use up.
  static constexpr size_t kMaxPassingFds = 32;
  // Messages with descriptors that the worker has not read yet.
  size_t passing() const { return passing_fds_; }
  // No `done` given so far is called any more.
  void ForgetPasses();

  // Duplicates of what its client gets: channel, death page, pidfd, recorder. To be asked once, the
  // channel is let go of.
  Result<std::vector<UniqueFd>> TakeClientFds();

  // Null while it runs.
  const wire::ExitReport* exit_report() const { return report_ ? &*report_ : nullptr; }
  pid_t pid() const { return spawned_.pid; }
  // The daemon's child: the worker, or process 1 of its pid namespace.
  pid_t child() const { return spawned_.child; }
  // Empty while it is nobody's.
  const std::string& label() const { return label_; }
  uint32_t session() const { return session_; }
  const std::vector<std::string>& layers() const { return layers_; }
  int64_t start() const { return start_ns_; }
  const LogRing& log_ring() const { return log_->ring(); }
  const EventRing& events() const { return events_; }
  // Its client's word.
  Recording ReadCalls(int64_t now) const;
  // What is kept of it once it has ended.
  EndedWorker Obituary() const;

 private:
  WorkerProcess(EventLoop* loop, const SpawnOptions& options, OnExit on_exit);
  Status TakeOver(const SpawnOptions& options);
  Status CreateMemory();
  Status Connect(UniqueFd* log_end, UniqueFd* control_end);
  Status StartProgram(const SpawnOptions& options);
  Status BeginPrepared(const SpawnOptions& options, std::function<void()> on_started);
  void OnProgress(const std::string& program, const std::function<void()>& on_started);
  Status WatchChild();
  void WatchUsage(const SpawnOptions& options);
  // Puts it into its groups and tells it what it is to do.
  Status SendStart(const SpawnOptions& options, const std::vector<std::string>& environment);
  void OnChildExit();
  void AnnounceDeath();
  void NoteLent(const wire::Message& message);
  void OnWritten(uint64_t frames_sent);
  void FailPasses(const Status& status);

  EventLoop* loop_;
  std::string label_;
  uint32_t session_ = 0;
  std::vector<std::string> layers_;
  OnExit on_exit_;
  int64_t start_ns_ = 0;
  bool assigned_ = false;
  std::unique_ptr<WorkerCgroup> cgroup_;
  std::unique_ptr<UsageWatch> usage_;
  const char* exceeded_ = nullptr;  // the limit it was ended for
  SpawnedProgram spawned_;
  bool started_ = false;
  UniqueFd pidfd_;  // of the child
  ShmSegment channel_;
  ShmSegment death_page_;
  ShmSegment recorder_;
  EventRing events_;
  std::unique_ptr<LogPipe> log_;
  std::unique_ptr<Stream> control_;
  std::unique_ptr<FdWatch> progress_;
  std::unique_ptr<ChildWatch> watch_;
  Timer retry_;
  Timer wall_;
  struct Passing {
    uint64_t frame;  // written when this many frames are
    bool has_fds;
    std::function<void(Status)> done;
  };
  std::deque<Passing> passing_;
  size_t passing_fds_ = 0;
  uint64_t frames_queued_ = 0;
  std::optional<wire::KillCause> kill_cause_;
  std::optional<wire::ExitReport> report_;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SUPERVISOR_WORKER_PROCESS_H_
