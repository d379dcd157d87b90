#include "proto/channel/lane.h"

#include <cassert>
#include <cstring>

namespace tvmffi {

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
  if (size <= kFrameHead) {
    if (size != 0) std::memcpy(own_->head, bytes, size);
  } else if (size <= kInlineFrame) {
    std::memcpy(own_->head, bytes, kFrameHead);
    std::memcpy(own_->tail, bytes + kFrameHead, size - kFrameHead);
  } else {
    std::memcpy(own_overflow_, bytes, size);
  }
  own_->frame_size.store(static_cast<uint32_t>(size), std::memory_order_relaxed);
  waiter_.Post(++sent_);
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
  if (size <= kFrameHead) {
    frame->assign(peer_->head, peer_->head + size);
  } else if (size <= kInlineFrame) {
    frame->reserve(size);
    frame->assign(peer_->head, peer_->head + kFrameHead);
    frame->insert(frame->end(), peer_->tail, peer_->tail + (size - kFrameHead));
  } else {
    frame->assign(peer_overflow_, peer_overflow_ + size);
  }
}

}  // namespace tvmffi
