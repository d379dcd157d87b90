// Control frames over a Unix stream socket: descriptors close-on-exec, no SIGPIPE, the peer's uid
// from the kernel.
#ifndef TVMFFI_PROTO_WIRE_SOCKET_H_
#define TVMFFI_PROTO_WIRE_SOCKET_H_

#include <sys/types.h>

#include <cstdint>
#include <utility>

#include "proto/base/clock.h"
#include "proto/base/status.h"
#include "proto/base/unique_fd.h"
#include "proto/wire/frame.h"

namespace tvmffi {

struct PeerCredentials {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};

// Who called connect(), listen() or socketpair() at the other end.
Result<PeerCredentials> GetPeerCredentials(int socket);

// Both ends close-on-exec.
Result<std::pair<UniqueFd, UniqueFd>> ControlSocketPair();

enum class IoOutcome {
  kProgress,    // bytes moved
  kWouldBlock,  // nothing can move now
  kEnd,         // reading only: the peer closed the connection between two frames
};

// Descriptors that this process may not open, or that are more than a frame may carry, are dropped
// by the kernel, and the rest of their frame with them.
enum class LostFds {
  kFail,  // nothing this peer sends is used any more
  kNote,  // the frame says so
};

// One recvmsg into `receiver`, never waiting whatever the socket's mode. Fails when the connection
// broke, ended inside a frame, or lost descriptors.
Result<IoOutcome> ReadControl(int socket, ControlReceiver* receiver,
                              LostFds lost_fds = LostFds::kFail);

// Writes as much as fits, never waiting. kProgress means that nothing is left to write.
// kResourceExhausted that the kernel has no memory for it now, or the user too many descriptors on
// their way: nothing is lost, and a later call may go well.
Result<IoOutcome> WriteControl(int socket, ControlSender* sender);

// A blocking connection. Not thread-safe; one thread may send while another receives.
class ControlConnection {
 public:
  static constexpr double kShortageSeconds = 2;

  ControlConnection() = default;
  explicit ControlConnection(UniqueFd socket) : socket_(std::move(socket)) {}

  // Waits until the whole frame is written or `deadline` (MonotonicNanos) passed; a shortage of the
  // kernel's is waited out for kShortageSeconds. kResourceExhausted leaves the connection usable:
  // nothing of the frame is out. After any other error it is of no use any more. Takes duplicates
  // of nothing: `fds` are closed once sent.
  Status Send(const std::vector<char>& payload, std::vector<UniqueFd> fds, int64_t deadline);

  // Waits for the next frame. kDeadlineExceeded leaves the connection usable, kUnavailable means
  // that the peer closed it, anything else that it is broken.
  Result<ControlFrame> Receive(int64_t deadline, LostFds lost_fds = LostFds::kFail);

  int fd() const { return socket_.get(); }
  bool valid() const { return socket_.valid(); }

 private:
  // After a write that the kernel was short for. The frame is withdrawn when it must fail.
  Status WaitForKernel(const Status& shortage, int64_t give_up, int64_t* pause);

  UniqueFd socket_;
  ControlReceiver receiver_;
  ControlSender sender_;
};

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_WIRE_SOCKET_H_
