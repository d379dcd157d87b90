#include "proto/channel/lane.h"

#include <cassert>
#include <cstring>

#include "proto/base/peer_memory.h"

namespace tvmffi {
namespace {

// A header and one cell: most requests and nearly all answers.
constexpr size_t kCommonFrame = 48;
constexpr size_t kLine = 64;
// With these a frame has room for two tensors.
constexpr size_t kPrefetched = 3;

}  // namespace

Lane::Lane(LaneMemory* memory, Side side, SpinBudget* spin) {
  const bool client = side == Side::kClient;
  LaneHalf* peer = client ? &memory->worker : &memory->client;
  own_ = client ? &memory->client : &memory->worker;
  peer_ = peer;
  own_overflow_ = client ? memory->client_overflow : memory->worker_overflow;
  peer_overflow_ = client ? memory->worker_overflow : memory->client_overflow;
  waiter_ = Waiter(own_, peer, side, spin);
}

void Lane::Send(const void* frame, size_t size) {
  assert(size <= kOverflowFrame);
  const char* bytes = static_cast<const char*>(frame);
  if (size != 0) std::memcpy(size <= kInlineFrame ? own_->frame : own_overflow_, bytes, size);
  SendPlaced(size);
}

void Lane::Prefetch() const {
#if defined(__x86_64__)
  for (size_t i = 0; i < kPrefetched; ++i) {
    asm volatile("prefetchw %0" : : "m"(own_->frame[kFrameHead + i * kLine]));
  }
#endif
}

WaitOutcome Lane::Receive(const WaitContext& context, std::vector<char>* frame) {
  const WaitOutcome outcome = waiter_.Wait(received_, context);
  if (outcome != WaitOutcome::kFrame) return outcome;
  if (peer_->sequence.load(std::memory_order_acquire) != received_ + 1) {
    return WaitOutcome::kViolation;
  }
  const uint32_t size = peer_->frame_size.load(std::memory_order_relaxed);
  if (size > kOverflowFrame) return WaitOutcome::kViolation;
  ++received_;
  CopyOut(size, frame);
  return WaitOutcome::kFrame;
}

void Lane::CopyOut(size_t size, std::vector<char>* frame) const {
  if (size == kCommonFrame && frame->size() == kCommonFrame) {
    CopyFromPeer(frame->data(), peer_->frame, kCommonFrame);
    return;
  }
  CopyFromPeer(frame, size <= kInlineFrame ? peer_->frame : peer_overflow_, size);
}

}  // namespace tvmffi
