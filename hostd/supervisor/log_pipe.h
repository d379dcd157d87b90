// The reading end of a worker's stdout and stderr.
#ifndef TVMFFI_HOSTD_SUPERVISOR_LOG_PIPE_H_
#define TVMFFI_HOSTD_SUPERVISOR_LOG_PIPE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "hostd/loop/fd_watch.h"
#include "hostd/loop/timer.h"
#include "hostd/supervisor/line_forwarder.h"
#include "hostd/supervisor/log_ring.h"
#include "proto/base/unique_fd.h"

namespace tvmffi::hostd {

// Reads at a bounded rate: a worker that floods its pipe waits in its own write, it does not occupy
// the daemon.
class LogPipe {
 public:
  static Result<std::unique_ptr<LogPipe>> Create(EventLoop* loop, UniqueFd read_end);

  // From now on it gets every line once more.
  void ForwardTo(std::unique_ptr<LineForwarder> forwarder) { forwarder_ = std::move(forwarder); }

  // Takes what is left in the pipe of a dead worker, a bounded amount: somebody else may still hold
  // the writing end.
  void Drain();

  const LogRing& ring() const { return ring_; }

 private:
  LogPipe(EventLoop* loop, UniqueFd read_end);
  void OnReadable();
  // Bytes read; zero at the end, negative when there is nothing now.
  int64_t ReadOnce();

  UniqueFd read_end_;
  std::unique_ptr<LineForwarder> forwarder_;
  LogRing ring_;
  int64_t window_start_ = 0;
  int64_t window_bytes_ = 0;
  Timer rest_;
  std::unique_ptr<FdWatch> watch_;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SUPERVISOR_LOG_PIPE_H_
