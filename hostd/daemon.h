// Accepts clients, keeps their sessions, and ends with nothing left behind.
#ifndef TVMFFI_HOSTD_DAEMON_H_
#define TVMFFI_HOSTD_DAEMON_H_

#include <spdlog/logger.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "hostd/config.h"
#include "hostd/loop/event_loop.h"
#include "hostd/loop/listener.h"
#include "hostd/loop/signal_watch.h"
#include "hostd/loop/timer.h"
#include "hostd/observe/metrics_server.h"
#include "hostd/sandbox/layers.h"
#include "hostd/session.h"
#include "hostd/supervisor/supervisor.h"
#include "proto/wire/unix_path.h"

namespace tvmffi::hostd {

class Daemon {
 public:
  static constexpr size_t kMaxSessions = 64;

  // Borrows the loop and the logger.
  Daemon(EventLoop* loop, spdlog::logger* log, Config config);
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Everything that can fail at the start. Afterwards the loop is to be run; it stops when the
  // daemon is done.
  Status Start();

 private:
  Status FindLayers();
  void KeepPrepared();
  Status StartPrivate(int fd);
  Status StartShared();
  Status WatchParent(int pidfd);
  void OnConnection(UniqueFd socket);
  Status OpenSession(UniqueFd socket, bool observer);
  // Where others can look on; a private daemon does without when that is not to be had.
  void StartObserving();
  Status Listen(const std::string& path);
  void OnSessionEnd(uint32_t id);
  void StartIdleTimer();
  // Ends sessions and workers, then the loop; at the latest after a few seconds.
  void Shutdown(const std::string& why);
  wire::Stats MakeStats() const;

  EventLoop* loop_;
  spdlog::logger* log_;
  Config config_;
  std::string symbolizer_program_;
  int64_t start_ns_;
  bool shutting_down_ = false;
  Cgroups cgroups_;
  LayerReport layers_;
  int64_t cold_wake_ns_ = 0;
  Supervisor supervisor_;
  std::unique_ptr<SignalWatch> terminate_;
  std::unique_ptr<SignalWatch> interrupt_;
  UniqueFd parent_pidfd_;
  std::unique_ptr<FdWatch> parent_;
  Timer idle_timer_;
  Timer shutdown_timer_;
  std::optional<ListeningSocket> socket_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<MetricsServer> metrics_;
  uint32_t next_session_ = 1;
  std::map<uint32_t, std::unique_ptr<Session>> sessions_;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_DAEMON_H_
