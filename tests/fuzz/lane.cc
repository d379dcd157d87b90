// A client's Receive against a half that says anything: each step rewrites the worker's control
// words and some of its bytes, then the client receives. Whatever the words say, a frame is
// accepted only for the next sequence, within the size limit, and equals what lay there.
#include "proto/channel/lane.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace {

using tvmffi::Lane;
using tvmffi::LaneMemory;
using tvmffi::WaitOutcome;

struct Step {
  uint32_t sequence;
  uint32_t frame_size;
  uint32_t owner;
  uint32_t cpu;
  uint32_t asleep;
  uint8_t filler;
};

void Require(bool condition) {
  if (!condition) std::abort();
}

// Near the expected value most of the time, or the interesting answers would never be met.
uint32_t Near(uint32_t expected, uint32_t raw) { return raw < 16 ? expected + raw - 8 : raw; }

void Apply(const Step& step, uint32_t received, LaneMemory* memory) {
  memory->worker.sequence = Near(received + 1, step.sequence);
  memory->worker.frame_size = step.frame_size;
  memory->worker.owner = step.owner;
  memory->worker.cpu = step.cpu;
  memory->worker.asleep = step.asleep;
  std::memset(memory->worker.frame, step.filler, sizeof(memory->worker.frame));
  std::memset(memory->worker_overflow, step.filler, sizeof(memory->worker_overflow));
}

void RequireBytes(const std::vector<char>& frame, uint8_t filler) {
  for (char byte : frame) Require(static_cast<uint8_t>(byte) == filler);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto memory = std::make_unique<LaneMemory>();
  std::memset(static_cast<void*>(memory.get()), 0, sizeof(LaneMemory));
  tvmffi::SpinBudget spin(tvmffi::Side::kClient, 1);
  Lane client(memory.get(), tvmffi::Side::kClient, &spin);
  tvmffi::WaitContext context;
  context.deadline = 0;
  std::vector<char> frame;
  uint32_t received = 0;
  for (; size >= sizeof(Step); data += sizeof(Step), size -= sizeof(Step)) {
    Step step;
    std::memcpy(&step, data, sizeof(step));
    Apply(step, received, memory.get());
    const uint32_t sequence = memory->worker.sequence.load();

    const WaitOutcome outcome = client.Receive(context, &frame);

    const bool acceptable = sequence == received + 1 && step.frame_size <= tvmffi::kOverflowFrame;
    Require((outcome == WaitOutcome::kFrame) == acceptable);
    Require((outcome == WaitOutcome::kViolation) == (sequence != received && !acceptable));
    if (outcome != WaitOutcome::kFrame) continue;
    ++received;
    Require(frame.size() == step.frame_size);
    RequireBytes(frame, step.filler);
    client.Send(frame.data(), frame.size());
  }
  return 0;
}
