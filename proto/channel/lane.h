// One side's end of a lane: publish a frame, wait for the peer's next one.
#ifndef TVMFFI_PROTO_CHANNEL_LANE_H_
#define TVMFFI_PROTO_CHANNEL_LANE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "proto/channel/layout.h"
#include "proto/channel/wakeup.h"

namespace tvmffi {

// Not thread-safe: one thread per side and lane at a time. Does not own the memory. A lane ends
// with its channel: it starts on zeroed memory and cannot be taken up by a second object. A
// fork()ed child must not use its parent's: both would answer for one side. Nothing here keeps
// state outside the object, so whoever owns lanes can tell.
class Lane {
 public:
  Lane() = default;
  // `spin` outlives the lane and belongs to it alone.
  Lane(LaneMemory* memory, Side side, SpinBudget* spin);

  // Copies the frame into this side's half and publishes it. `size` <= kOverflowFrame.
  void Send(const void* frame, size_t size);

  // Where a frame of up to kInlineFrame bytes may be built instead, 8-byte aligned, while it is
  // this side's turn. Memory of both sides: write it, never read it back.
  char* place() const { return own_->frame; }
  // A frame longer than kFrameHead will follow: begins to fetch the lines behind the first, which
  // the peer does not watch, for writing.
  void Prefetch() const;
  // Publishes what was built there.
  void SendPlaced(size_t size) {
    own_->frame_size.store(static_cast<uint32_t>(size), std::memory_order_relaxed);
    waiter_.Post(++sent_);
  }

  // Waits for the peer's next frame and copies it out into `frame` (resized, capacity kept).
  // Nothing the peer writes afterwards changes what was copied. After kPeerDead or kViolation the
  // lane is of no more use; after kDeadline and kCancelled the same wait may be taken up again.
  WaitOutcome Receive(const WaitContext& context, std::vector<char>* frame);

  // How long the last Receive waited, to be averaged per function: CallAverage::Add.
  int64_t last_wait() const { return waiter_.last_wait(); }

 private:
  void CopyOut(size_t size, std::vector<char>* frame) const;

  LaneHalf* own_ = nullptr;
  const LaneHalf* peer_ = nullptr;
  char* own_overflow_ = nullptr;
  const char* peer_overflow_ = nullptr;
  Waiter waiter_;
  // Private copies: the shared words decide nothing.
  uint32_t sent_ = 0;
  uint32_t received_ = 0;
};

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_CHANNEL_LANE_H_
