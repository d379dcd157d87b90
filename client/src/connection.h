// The control plane as the client sees it: requests to the daemon, from any thread, each with a
// bounded wait.
#ifndef TVMFFI_CLIENT_SRC_CONNECTION_H_
#define TVMFFI_CLIENT_SRC_CONNECTION_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/status.h"
#include "proto/base/unique_fd.h"
#include "proto/wire/socket.h"
#include "proto/wire/validate.h"

namespace tvmffi::host {

// How long any answer of the daemon may take. It never waits for plug-in code.
inline constexpr double kControlSeconds = 20.0;

// One session of a daemon. Threads that wait for an answer take turns at reading the socket:
// whoever reads hands other threads' answers over. The daemon's end is final: a new session needs a
// new Connection.
class Connection {
 public:
  struct Answer {
    wire::Message message;
    std::vector<UniqueFd> fds;
    // This process could not take them.
    bool fds_lost = false;
  };

  // Greets the daemon behind `socket`.
  static Result<std::shared_ptr<Connection>> Open(UniqueFd socket, std::string name);
  ~Connection();

  // Sends `request`, giving it an id, and waits for its answer. Failed becomes its Status;
  // Unavailable when the daemon is gone; ResourceExhausted when the kernel has no room for the
  // request, or this process none for the answer's descriptors: the session goes on.
  Result<Answer> Ask(wire::Message request, std::vector<UniqueFd> fds = {},
                     double seconds = kControlSeconds);
  // The same without waiting; the answer is dropped when it comes.
  void Tell(wire::Message request);

  // False once the daemon has closed the connection or died, or in a forked child. Looks at the
  // socket, never waits.
  bool Alive();
  // Ends the session; all its workers are killed.
  void Close();

  int daemon_pid() const { return daemon_pid_; }
  // "private daemon", or the socket's path.
  const std::string& name() const { return name_; }

 private:
  Connection(UniqueFd socket, std::string name);
  Status Greet();
  Status Send(wire::Message* request, std::vector<UniqueFd> fds, int64_t deadline);
  // With `lock` held on entry and exit; reads one frame unless `deadline` passes.
  void ReadOne(std::unique_lock<std::mutex>* lock, int64_t deadline);
  void Deliver(Result<ControlFrame> frame);
  Status LoseFds(const wire::Message& answer);
  void Break(const Status& status);

  const std::string name_;
  const uint32_t epoch_;
  const int fd_;
  ControlConnection socket_;
  int daemon_pid_ = 0;
  std::atomic<uint64_t> next_id_{1};
  std::atomic<bool> broken_{false};

  std::mutex send_lock_;
  // Below: guarded by lock_.
  std::mutex lock_;
  std::condition_variable changed_;
  bool someone_reads_ = false;
  Status end_;
  std::map<uint64_t, std::optional<Answer>> waiting_;
};

// The T that answers an Ask, or the Status of what came instead.
template <typename T>
Result<T> AskFor(Connection* connection, wire::Message request, std::vector<UniqueFd> fds = {},
                 double seconds = kControlSeconds) {
  const char* name = wire::MessageName(request);
  Result<Connection::Answer> answer = connection->Ask(std::move(request), std::move(fds), seconds);
  if (!answer.ok()) return answer.status();
  if (T* message = std::get_if<T>(&answer->message)) return std::move(*message);
  return Status{Code::kInternal, std::string("the daemon answered ") + name + " with " +
                                     wire::MessageName(answer->message)};
}

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_CONNECTION_H_
