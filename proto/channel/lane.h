// One side's end of a lane: publish a frame, wait for the peer's next one.
#ifndef TVMFFI_PROTO_CHANNEL_LANE_H_
#define TVMFFI_PROTO_CHANNEL_LANE_H_

#include <cstdint>
#include <vector>

#include "proto/channel/layout.h"
#include "proto/channel/wakeup.h"

namespace tvmffi {

enum class Side { kClient, kWorker };

enum class WaitOutcome {
  kFrame,      // a frame was copied out
  kDeadline,   // the deadline passed
  kPeerDead,   // the daemon, the kernel or the hook says so
  kCancelled,  // the hook says so
  kViolation,  // the peer broke the protocol: an impossible sequence or size
};

// What a waiting thread looks at besides the peer's sequence.
struct WaitContext {
  int64_t deadline = INT64_MAX;  // MonotonicNanos()
  // DeathPage::dead, or null.
  const std::atomic<uint32_t>* death = nullptr;
  // Called on EINTR and at least every 100 ms of sleeping; kFrame means "go on waiting". May be null.
  WaitOutcome (*on_slice)(void* self) = nullptr;
  void* self = nullptr;
};

// Not thread-safe: one thread per side and lane at a time. Does not own the memory.
class Lane {
 public:
  Lane() = default;
  Lane(LaneMemory* memory, Side side, SpinBudget* spin);

  // Copies the frame into this side's half and publishes it. `size` <= kOverflowFrame.
  void Send(const void* frame, size_t size);

  // Waits for the peer's next frame and copies it out into `frame` (resized, capacity kept). Nothing the peer writes
  // afterwards changes what was copied.
  WaitOutcome Receive(const WaitContext& context, std::vector<char>* frame);

 private:
  LaneHalf* own_ = nullptr;
  LaneHalf* peer_ = nullptr;
  char* own_overflow_ = nullptr;
  const char* peer_overflow_ = nullptr;
  SpinBudget* spin_ = nullptr;
  // Private copies: the shared words decide nothing.
  uint32_t sent_ = 0;
  uint32_t received_ = 0;
};

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_CHANNEL_LANE_H_
