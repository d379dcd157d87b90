#include "hostd/daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "hostd/observe/documents.h"
#include "hostd/supervisor/spawn.h"
#include "hostd/supervisor/wake_trial.h"
#include "hostd/version.h"
#include "proto/base/clock.h"
#include "proto/wire/socket.h"

namespace tvmffi::hostd {
namespace {

constexpr uint64_t kShutdownMs = 5'000;

// Takes a descriptor that the parent passed by number, and keeps it out of the workers.
Result<UniqueFd> TakeInherited(const char* flag, int fd, bool must_be_socket) {
  struct stat info {};
  if (::fstat(fd, &info) != 0 || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    return ErrnoStatus(errno, std::string("cannot use ") + flag + " " + std::to_string(fd));
  }
  if (must_be_socket && !S_ISSOCK(info.st_mode)) {
    return Status{Code::kInvalidArgument, std::string("cannot use ") + flag + " " +
                                              std::to_string(fd) + ": it is not a socket"};
  }
  return UniqueFd(fd);
}

}  // namespace

Daemon::Daemon(EventLoop* loop, spdlog::logger* log, Config config)
    : loop_(loop),
      log_(log),
      config_(std::move(config)),
      start_ns_(MonotonicNanos()),
      supervisor_(loop, log),
      idle_timer_(loop, [this] { Shutdown("no client for too long"); }),
      shutdown_timer_(loop, [this] {
        log_->error("{} workers do not end", supervisor_.workers());
        loop_->Stop();
      }) {}

Status Daemon::Start() {
  if (config_.worker_program.empty()) {
    Result<std::string> program = ProgramBesideThisOne("tvmffi-worker");
    if (!program.ok()) return program.status();
    config_.worker_program = std::move(*program);
  }
  // Looked for when a report needs it: without one reports have no symbols.
  Result<std::string> symbolizer = ProgramBesideThisOne("tvmffi-symbolizer");
  if (!symbolizer.ok()) return symbolizer.status();
  symbolizer_program_ = std::move(*symbolizer);
  {
    WakeTrial trial;
    TVMFFI_RETURN_IF_ERROR(FindLayers());
    cold_wake_ns_ = trial.Result();
  }
  TVMFFI_RETURN_IF_ERROR(supervisor_.Start());
  if (const Status& status = supervisor_.ends_orphans(); !status.ok()) {
    layers_.Miss(kOrphans, status.message);
  }
  KeepPrepared();
  for (auto [signal, watch] : {std::pair{SIGTERM, &terminate_}, std::pair{SIGINT, &interrupt_}}) {
    Result<std::unique_ptr<SignalWatch>> made = SignalWatch::Create(
        loop_, signal, [this, number = signal] { Shutdown("signal " + std::to_string(number)); });
    if (!made.ok()) return made.status();
    *watch = std::move(*made);
  }
  if (config_.parent_pidfd.has_value()) {
    TVMFFI_RETURN_IF_ERROR(WatchParent(*config_.parent_pidfd));
  }
  if (!config_.metrics_path.empty()) {
    Result<std::unique_ptr<MetricsServer>> metrics = MetricsServer::Create(
        loop_, config_.metrics_path, [this] { return MetricsText(supervisor_, MakeStats()); });
    if (!metrics.ok()) return metrics.status();
    metrics_ = std::move(*metrics);
  }
  return config_.private_fd.has_value() ? StartPrivate(*config_.private_fd) : StartShared();
}

Status Daemon::FindLayers() {
  cgroups_ = Cgroups::Find();
  Result<LayerReport> layers = ProbeLayers(cgroups_, config_.without_layers);
  if (!layers.ok()) return layers.status();
  layers_ = std::move(*layers);
  for (const Layer& layer : layers_.layers()) {
    if (layer.missing.empty()) continue;
    log_->info("workers go without layer '{}': {}", layer.name, layer.missing);
  }
  return OkStatus();
}

void Daemon::KeepPrepared() {
  SpawnOptions usual;
  usual.program = config_.worker_program;
  usual.policy.grants.tmpfs_bytes = wire::kDefaultTmpfs;
  usual.layers = layers_.Active();
  usual.audit = config_.seccomp_audit;
  supervisor_.KeepPrepared(usual, config_.prepared_workers);
}

Status Daemon::WatchParent(int pidfd) {
  Result<UniqueFd> fd = TakeInherited("--parent-pidfd", pidfd, /*must_be_socket=*/false);
  if (!fd.ok()) return fd.status();
  parent_pidfd_ = std::move(*fd);
  Result<std::unique_ptr<FdWatch>> watch = FdWatch::Create(loop_, parent_pidfd_.get(), [this](int) {
    parent_->SetEvents(0);
    Shutdown("the parent ended");
  });
  if (!watch.ok()) return watch.status();
  parent_ = std::move(*watch);
  parent_->SetEvents(FdWatch::kReadable);
  return OkStatus();
}

Status Daemon::StartPrivate(int fd) {
  Result<UniqueFd> socket = TakeInherited("--private-fd", fd, /*must_be_socket=*/true);
  if (!socket.ok()) return socket.status();
  TVMFFI_RETURN_IF_ERROR(OpenSession(std::move(*socket), /*observer=*/false));
  StartObserving();
  log_->info("tvmffi-hostd {} serves descriptor {}", kVersion, fd);
  return OkStatus();
}

Status Daemon::StartShared() {
  TVMFFI_RETURN_IF_ERROR(Listen(config_.socket_path));
  StartIdleTimer();
  // A private daemon's first worker is wanted at once.
  supervisor_.FillPool();
  log_->info("tvmffi-hostd {} listens on {}", kVersion, socket_->path());
  return OkStatus();
}

Status Daemon::Listen(const std::string& path) {
  Result<ListeningSocket> socket = ListeningSocket::ListenInOwnFolder(path);
  if (!socket.ok()) return socket.status();
  socket_.emplace(std::move(*socket));
  Result<std::unique_ptr<Listener>> listener = Listener::Create(
      loop_, socket_->fd(), [this](UniqueFd connection) { OnConnection(std::move(connection)); });
  if (!listener.ok()) return listener.status();
  listener_ = std::move(*listener);
  return OkStatus();
}

void Daemon::StartObserving() {
  if (config_.observe_path == "none") return;
  const bool usual = config_.observe_path.empty();
  // Of daemons that were killed.
  if (usual) PrivateSocketPaths(RuntimeFolder());
  const std::string path = usual ? PrivateSocketPath(::getpid()) : config_.observe_path;
  if (Status status = Listen(path); !status.ok()) {
    log_->info("tvmffi-hostctl cannot ask this daemon: {}", status.message);
  }
}

void Daemon::OnConnection(UniqueFd socket) {
  Result<PeerCredentials> peer = GetPeerCredentials(socket.get());
  if (!peer.ok()) return log_->warn("connection refused: {}", peer.status().message);
  if (peer->uid != ::geteuid() && peer->uid != 0) {
    return log_->warn("connection refused: pid {} has uid {}, daemon has {}", peer->pid, peer->uid,
                      ::geteuid());
  }
  if (sessions_.size() >= kMaxSessions) {
    return log_->warn("connection of pid {} refused: {} sessions are open, limit is {}", peer->pid,
                      sessions_.size(), kMaxSessions);
  }
  Status status = OpenSession(std::move(socket), config_.private_fd.has_value());
  if (!status.ok()) log_->warn("connection of pid {} refused: {}", peer->pid, status.message);
}

Status Daemon::OpenSession(UniqueFd socket, bool observer) {
  SessionContext context{loop_,
                         log_,
                         &supervisor_,
                         config_.worker_program,
                         symbolizer_program_,
                         /*may_forward_log=*/config_.private_fd.has_value(),
                         &layers_,
                         &cgroups_,
                         config_.seccomp_audit,
                         cold_wake_ns_,
                         [this] { return MakeStats(); },
                         observer};
  uint32_t id = next_session_++;
  Result<std::unique_ptr<Session>> session =
      Session::Create(std::move(context), std::move(socket), id, [this, id] { OnSessionEnd(id); });
  if (!session.ok()) return session.status();
  sessions_[id] = std::move(*session);
  idle_timer_.Stop();
  log_->debug("session {} opened", id);
  return OkStatus();
}

void Daemon::OnSessionEnd(uint32_t id) {
  // The session is calling.
  loop_->Defer([this, id] {
    sessions_.erase(id);
    if (config_.private_fd.has_value() && id == 1) return Shutdown("its client has gone");
    StartIdleTimer();
  });
}

void Daemon::StartIdleTimer() {
  if (config_.idle_exit_seconds <= 0 || !sessions_.empty() || shutting_down_) return;
  idle_timer_.Start(static_cast<uint64_t>(config_.idle_exit_seconds * 1000));
}

void Daemon::Shutdown(const std::string& why) {
  if (shutting_down_) return;
  shutting_down_ = true;
  log_->info("shutting down: {}", why);
  // No new client can come between here and the end.
  listener_.reset();
  socket_.reset();
  metrics_.reset();
  // Only when nobody else has anything there.
  if (config_.private_fd.has_value()) ::rmdir(RuntimeFolder().c_str());
  idle_timer_.Stop();
  shutdown_timer_.Start(kShutdownMs);
  loop_->Defer([this] {
    sessions_.clear();
    supervisor_.NotifyWhenEmpty([this] { loop_->Stop(); });
  });
}

wire::Stats Daemon::MakeStats() const {
  wire::Stats stats;
  stats.sessions = static_cast<uint32_t>(sessions_.size());
  stats.workers = static_cast<uint32_t>(supervisor_.workers());
  stats.workers_created = supervisor_.workers_created();
  stats.workers_died = supervisor_.workers_died();
  stats.prepared = static_cast<uint32_t>(supervisor_.pool().size());
  stats.prepared_used = supervisor_.pool().used();
  stats.uptime_us = static_cast<uint64_t>((MonotonicNanos() - start_ns_) / 1000);
  return stats;
}

}  // namespace tvmffi::hostd
