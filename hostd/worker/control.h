// What the daemon tells this worker: memory to map, lanes to serve.
#ifndef TVMFFI_HOSTD_WORKER_CONTROL_H_
#define TVMFFI_HOSTD_WORKER_CONTROL_H_

#include <cstdint>

#include "hostd/sandbox/lock.h"
#include "hostd/worker/call_values.h"
#include "proto/base/shm_segment.h"
#include "proto/channel/start_times.h"
#include "proto/wire/socket.h"
#include "proto/wire/validate.h"

namespace tvmffi::hostd {

// Runs on the main thread. Nothing of a plug-in is touched before Start has locked the process.
class Control {
 public:
  // `connection` carries frames of the daemon only: what they say is trusted, their form is
  // checked.
  explicit Control(ControlConnection connection) : connection_(std::move(connection)) {}

  // Takes WorkerStart, before it WorkerPrepare if that comes, maps the channel, locks the process,
  // prepares libtvm_ffi and opens lane 0.
  Status Start();

  // Serves until the daemon closes the connection (Ok) or something goes wrong.
  Status Run();

 private:
  // Waits for the start message, takes over what it says.
  Status AwaitStart();
  Status TakeEnvironment();
  Status MapChannel(UniqueFd fd);
  Status PrepareLibrary();
  Status OpenLane(uint32_t lane);
  Status Take(ControlFrame frame);
  Status ShareArena(const wire::ShareArena& message, UniqueFd fd);

  ControlConnection connection_;
  StartTimes early_;  // until there is a channel
  StartTimes* times_ = &early_;
  SelfLock lock_;
  ShmSegment channel_;
  wire::WorkerStart start_;
  // Never destroyed: plug-in threads outlive main.
  WorkerState* state_ = new WorkerState();
  int64_t cold_wake_ = 0;
  uint32_t open_lanes_ = 0;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_WORKER_CONTROL_H_
