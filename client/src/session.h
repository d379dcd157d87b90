// One daemon, as a user sees it: its own, or one that listens somewhere.
#ifndef TVMFFI_CLIENT_SRC_SESSION_H_
#define TVMFFI_CLIENT_SRC_SESSION_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "client/src/connection.h"
#include "client/src/stats.h"

namespace tvmffi::host {

class WorkerSlot;
struct SlotOptions;

struct SessionOptions {
  enum class Daemon {
    kDefault,  // $TVMFFI_HOSTD_SOCKET if set, else a daemon at the default path, else a private one
    kPrivate,
    kShared,  // at `socket`
  };
  Daemon daemon = Daemon::kDefault;
  std::string socket;
  // Of a private daemon: layers of the sandbox its workers go without.
  std::vector<std::string> without_layers;
  // Of a private daemon: workers it keeps ready; negative: its own choice.
  int prepared = -1;
};

// Thread-safe. A private daemon that died is replaced, and a shared one reached again, when the
// next worker is started.
class Session {
 public:
  // Reaches or starts the daemon. Unavailable says which, and why not.
  static Result<std::shared_ptr<Session>> Open(SessionOptions options);
  // The process's own session, opened on first use; another one in a forked child.
  static Result<std::shared_ptr<Session>> Default();

  // A live connection.
  Result<std::shared_ptr<Connection>> Connect();
  // Ends all workers. Calls fail with Unavailable from now on.
  void Close();

  void Add(const std::shared_ptr<WorkerSlot>& slot);
  // One that a module at `path`, loaded with `options`, may share, or null.
  std::shared_ptr<WorkerSlot> FindSharing(const SlotOptions& options, const std::string& path);
  // Of the lanes that exist now; the process's totals have the rest.
  void AddCounters(Totals* totals);
  // Statistics of the daemon itself.
  Result<wire::Stats> DaemonStats();
  std::string DaemonName();
  int daemon_pid();
  uint32_t epoch() const { return epoch_; }

 private:
  explicit Session(SessionOptions options);
  Result<std::shared_ptr<Connection>> Reach();

  const SessionOptions options_;
  const uint32_t epoch_;
  std::mutex lock_;
  std::shared_ptr<Connection> connection_;
  bool closed_ = false;
  std::vector<std::weak_ptr<WorkerSlot>> slots_;
};

// Counters of all sessions together, of everything that ever ran in this process.
void SumCounters(Totals* totals);

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_SESSION_H_
