// One client: its connection, its workers, the requests it waits for.
#ifndef TVMFFI_HOSTD_SESSION_H_
#define TVMFFI_HOSTD_SESSION_H_

#include <spdlog/logger.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hostd/loop/stream.h"
#include "hostd/loop/timer.h"
#include "hostd/sandbox/layers.h"
#include "hostd/supervisor/supervisor.h"
#include "proto/wire/validate.h"

namespace tvmffi::hostd {

// What a session needs of its daemon.
struct SessionContext {
  EventLoop* loop;
  spdlog::logger* log;
  Supervisor* supervisor;
  std::string worker_program;
  std::string symbolizer_program;
  // Forwarding a worker's output to stderr makes sense only where that is the client's.
  bool may_forward_log;
  const LayerReport* layers;
  const Cgroups* cgroups;
  bool seccomp_audit;
  int64_t cold_wake_ns;
  std::function<wire::Stats()> stats;
  // It may only look on, and end workers.
  bool observer = false;
};

// Destruction kills its workers. Not to be destroyed inside `on_end`.
class Session {
 public:
  static constexpr size_t kMaxWorkers = 64;
  static constexpr size_t kMaxWaiting = 64;   // requests about the end of one worker
  static constexpr size_t kMaxPassing = 256;  // messages with descriptors, workers have not read
  static constexpr size_t kKeptReports = 64;  // of dead workers nobody has asked about yet

  // `on_end` is called once when the client has gone, broke the protocol or never introduced
  // itself.
  static Result<std::unique_ptr<Session>> Create(SessionContext context, UniqueFd socket,
                                                 uint32_t id, std::function<void()> on_end);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

 private:
  struct Worker {
    WorkerProcess* process = nullptr;
    std::vector<uint64_t> waiting;  // request ids answered when it has ended
  };

  Session(SessionContext context, uint32_t id, std::function<void()> on_end);
  void OnFrame(ControlFrame frame);
  void OnWorkerExit(uint32_t worker_id);
  void CountFrame();

  void Handle(const wire::Hello& request);
  void Handle(const wire::CreateWorker& request);
  void Handle(const wire::KillWorker& request);
  void Handle(const wire::AwaitExit& request);
  void Handle(const wire::GetStats& request);
  void Handle(const wire::StartSymbolizer& request);
  void Handle(const wire::GetDocument& request);
  void Handle(const wire::EndWorker& request);
  Result<std::string> MakeDocument(const wire::GetDocument& request) const;
  // Passed on to the worker as they are.
  template <typename Request>
  void PassOn(const Request& request, std::vector<UniqueFd> fds);
  // Answers now if the worker has ended, else later. Null when there is no such worker or it has
  // ended.
  WorkerProcess* AnswerExit(uint64_t request_id, uint32_t worker_id);
  void NoSuchWorker(uint64_t request_id, uint32_t worker_id);

  void Reply(const wire::Message& message, std::vector<UniqueFd> fds = {});
  void Fail(uint64_t request_id, Status status);
  void End(const std::string& why);

  SessionContext context_;
  uint32_t id_;
  std::function<void()> on_end_;
  bool welcomed_ = false;
  bool ended_ = false;
  uint32_t next_worker_id_ = 1;
  std::map<uint32_t, Worker> workers_;
  std::map<uint32_t, wire::ExitReport> reports_;  // by worker id, so the first is the oldest
  int64_t window_start_ = 0;
  int frames_in_window_ = 0;
  Timer hello_timer_;
  Timer rest_timer_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SESSION_H_
