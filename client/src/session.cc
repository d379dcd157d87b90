#include "client/src/session.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "client/src/daemon_start.h"
#include "client/src/process_state.h"
#include "client/src/worker_slot.h"
#include "proto/base/clock.h"
#include "proto/wire/unix_path.h"

namespace tvmffi::host {
namespace {

constexpr double kConnectSeconds = 5.0;

// All sessions ever opened in this process that still exist. Guarded by Locks().sessions.
std::vector<std::weak_ptr<Session>>& AllSessions() {
  static auto* sessions = new std::vector<std::weak_ptr<Session>>;
  return *sessions;
}

std::shared_ptr<Session>& DefaultSession() {
  static auto* session = new std::shared_ptr<Session>;
  return *session;
}

Result<std::shared_ptr<Connection>> ConnectShared(const std::string& path) {
  Result<UniqueFd> socket = ConnectUnix(path, DeadlineAfter(kConnectSeconds));
  if (!socket.ok()) {
    return Status{Code::kUnavailable,
                  "cannot reach a daemon at '" + path + "': " + socket.status().message};
  }
  return Connection::Open(std::move(*socket), "the daemon at '" + path + "'");
}

Result<std::shared_ptr<Connection>> ConnectPrivate(const SessionOptions& options) {
  Result<UniqueFd> socket = StartPrivateDaemon(options.without_layers, options.prepared);
  if (!socket.ok()) return Status{Code::kUnavailable, socket.status().message};
  ++ProcessTotals().daemons_started;
  return Connection::Open(std::move(*socket), "the private daemon");
}

bool Exists(const std::string& path) {
  struct stat info;
  return ::lstat(path.c_str(), &info) == 0;
}

}  // namespace

Totals& ProcessTotals() {
  static Totals* totals = new Totals;
  return *totals;
}

Session::Session(SessionOptions options) : options_(std::move(options)), epoch_(ForkEpoch()) {}

Result<std::shared_ptr<Session>> Session::Open(SessionOptions options) {
  std::shared_ptr<Session> session(new Session(std::move(options)));
  Result<std::shared_ptr<Connection>> connection = session->Connect();
  if (!connection.ok()) return connection.status();
  std::lock_guard<std::mutex> lock(Locks().sessions);
  auto& sessions = AllSessions();
  sessions.erase(std::remove_if(sessions.begin(), sessions.end(),
                                [](const auto& known) { return known.expired(); }),
                 sessions.end());
  sessions.push_back(session);
  return session;
}

Result<std::shared_ptr<Session>> Session::Default() {
  {
    std::lock_guard<std::mutex> lock(Locks().sessions);
    std::shared_ptr<Session>& session = DefaultSession();
    if (session != nullptr && session->epoch_ == ForkEpoch()) return session;
  }
  Result<std::shared_ptr<Session>> opened = Open({});
  if (!opened.ok()) return opened.status();
  std::shared_ptr<Session> replaced;
  std::lock_guard<std::mutex> lock(Locks().sessions);
  std::shared_ptr<Session>& session = DefaultSession();
  // Another thread may have been first.
  if (session != nullptr && session->epoch_ == ForkEpoch()) return session;
  replaced = std::exchange(session, *opened);
  return session;
}

Result<std::shared_ptr<Connection>> Session::Reach() {
  if (options_.daemon == SessionOptions::Daemon::kPrivate) return ConnectPrivate(options_);
  if (options_.daemon == SessionOptions::Daemon::kShared) return ConnectShared(options_.socket);
  const std::string path = DefaultSocketPath();
  const char* named = std::getenv("TVMFFI_HOSTD_SOCKET");
  if (named != nullptr && *named != '\0') return ConnectShared(path);
  if (!Exists(path)) return ConnectPrivate(options_);
  Result<UniqueFd> socket = ConnectUnix(path, DeadlineAfter(kConnectSeconds));
  // A socket nobody listens on is what a daemon that ended left behind.
  if (!socket.ok() && socket.status().code == Code::kUnavailable) return ConnectPrivate(options_);
  if (!socket.ok()) return Status{Code::kUnavailable, socket.status().message};
  return Connection::Open(std::move(*socket), "the daemon at '" + path + "'");
}

Result<std::shared_ptr<Connection>> Session::Connect() {
  if (epoch_ != ForkEpoch()) {
    return Status{Code::kUnavailable,
                  "the session belongs to the process this one was forked from; open another"};
  }
  std::lock_guard<std::mutex> lock(lock_);
  if (closed_) return Status{Code::kUnavailable, "the session was closed"};
  if (connection_ != nullptr && connection_->Alive()) return connection_;
  Result<std::shared_ptr<Connection>> connection = Reach();
  if (connection.ok()) connection_ = *connection;
  return connection;
}

void Session::Close() {
  if (epoch_ != ForkEpoch()) return;
  std::vector<std::shared_ptr<WorkerSlot>> slots;
  std::shared_ptr<Connection> connection;
  {
    std::lock_guard<std::mutex> lock(lock_);
    closed_ = true;
    connection = std::move(connection_);
    for (const auto& slot : slots_) {
      if (std::shared_ptr<WorkerSlot> live = slot.lock()) slots.push_back(std::move(live));
    }
  }
  for (const auto& slot : slots) {
    if (std::shared_ptr<Worker> worker = slot->current()) {
      worker->Close();
      slot->Forget(worker, /*blame=*/false, {});
    }
  }
  if (connection != nullptr) connection->Close();
}

void Session::Add(const std::shared_ptr<WorkerSlot>& slot) {
  std::lock_guard<std::mutex> lock(lock_);
  slots_.erase(std::remove_if(slots_.begin(), slots_.end(),
                              [](const auto& known) { return known.expired(); }),
               slots_.end());
  slots_.push_back(slot);
}

std::shared_ptr<WorkerSlot> Session::FindSharing(const SlotOptions& options,
                                                 const std::string& path) {
  std::vector<std::shared_ptr<WorkerSlot>> slots;  // may become their last owner: ends unlocked
  std::lock_guard<std::mutex> lock(lock_);
  for (const auto& known : slots_) {
    slots.push_back(known.lock());
    if (slots.back() != nullptr && slots.back()->Shares(options, path)) return slots.back();
  }
  return nullptr;
}

void Session::AddCounters(Totals* totals) {
  std::vector<std::shared_ptr<WorkerSlot>> slots;
  {
    std::lock_guard<std::mutex> lock(lock_);
    for (const auto& slot : slots_) {
      if (std::shared_ptr<WorkerSlot> live = slot.lock()) slots.push_back(std::move(live));
    }
  }
  for (const auto& slot : slots) slot->AddCounters(totals);
}

Result<wire::Stats> Session::DaemonStats() {
  Result<std::shared_ptr<Connection>> connection = Connect();
  if (!connection.ok()) return connection.status();
  return AskFor<wire::Stats>(connection->get(), wire::GetStats{});
}

std::string Session::DaemonName() {
  std::lock_guard<std::mutex> lock(lock_);
  return connection_ != nullptr ? connection_->name() : "";
}

int Session::daemon_pid() {
  std::lock_guard<std::mutex> lock(lock_);
  return connection_ != nullptr ? connection_->daemon_pid() : 0;
}

void SumCounters(Totals* totals) {
  std::vector<std::shared_ptr<Session>> sessions;
  {
    std::lock_guard<std::mutex> lock(Locks().sessions);
    for (const auto& known : AllSessions()) {
      std::shared_ptr<Session> session = known.lock();
      if (session != nullptr && session->epoch() == ForkEpoch())
        sessions.push_back(std::move(session));
    }
  }
  const Totals& process = ProcessTotals();
  totals->calls += process.calls.load();
  totals->callbacks += process.callbacks.load();
  totals->bytes_copied_in += process.bytes_copied_in.load();
  totals->bytes_copied_out += process.bytes_copied_out.load();
  totals->zero_copy_tensors += process.zero_copy_tensors.load();
  totals->staged_tensors += process.staged_tensors.load();
  totals->errors += process.errors.load();
  totals->workers_started += process.workers_started.load();
  totals->workers_died += process.workers_died.load();
  totals->daemons_started += process.daemons_started.load();
  for (const auto& session : sessions) session->AddCounters(totals);
}

}  // namespace tvmffi::host
