// What a client notes about its calls into one worker, where the daemon can read it after both are
// gone. A segment of its own: the worker never maps it.
//
// A lane's record has one writer, whoever holds the lane. A call is noted before the worker can
// see it, which may die of it at once. Its time, and what the call before it came to, are noted
// while the worker works on it, so that nothing but two stores lies between an answer and its
// caller.
#ifndef TVMFFI_PROTO_CHANNEL_RECORDER_H_
#define TVMFFI_PROTO_CHANNEL_RECORDER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/channel/layout.h"

namespace tvmffi {

inline constexpr size_t kRecordedCalls = 32;  // per lane
inline constexpr size_t kLatencyBuckets = 32;
inline constexpr int64_t kFirstLatency = 128;  // nanoseconds
inline constexpr size_t kRecordedNames = 256;
inline constexpr size_t kRecordedName = 60;
inline constexpr uint32_t kOtherName = kRecordedNames + 1;  // stands for all others

enum class RecordedOutcome : uint32_t { kRunning = 0, kOk, kError, kFailed };

struct RecordedCall {
  std::atomic<uint64_t> call_id;
  std::atomic<int64_t> start;    // MonotonicNanos(); 0: just now
  std::atomic<int64_t> elapsed;  // nanoseconds
  std::atomic<uint32_t> function;
  std::atomic<uint32_t> outcome;
};

// The bucket of a call that took `nanos`: the first whose limit is not below it. The last one takes
// everything longer.
inline size_t LatencyBucket(int64_t nanos) {
  if (nanos <= kFirstLatency) return 0;
  const auto bits = static_cast<size_t>(__builtin_clzll(kFirstLatency)) -
                    static_cast<size_t>(__builtin_clzll(static_cast<uint64_t>(nanos - 1)));
  return bits + 1 < kLatencyBuckets ? bits + 1 : kLatencyBuckets - 1;
}
// Its limit in nanoseconds: 128, 256, ...
int64_t LatencyLimit(size_t bucket);

struct alignas(64) LaneRecord {
  std::atomic<uint64_t> begun;  // the last of them is at (begun - 1) % kRecordedCalls
  // Of the calls before that one, or before the one before while it is not Sent.
  std::atomic<uint64_t> errors;
  std::atomic<uint64_t> nanos;
  std::atomic<uint64_t> buckets[kLatencyBuckets];
  RecordedCall ring[kRecordedCalls];

  // The lane's holder: a request of number `call_id` is about to go out.
  void Begin(uint64_t call_id, uint32_t function) {
    const uint64_t number = begun.load(std::memory_order_relaxed);
    RecordedCall& call = ring[number % kRecordedCalls];
    call.outcome.store(0, std::memory_order_relaxed);
    call.start.store(0, std::memory_order_relaxed);
    call.function.store(function, std::memory_order_relaxed);
    call.call_id.store(call_id, std::memory_order_relaxed);
    begun.store(number + 1, std::memory_order_release);
  }
  // It has gone, for a call that began at `start`.
  void Sent(int64_t start) {
    const uint64_t number = begun.load(std::memory_order_relaxed) - 1;
    ring[number % kRecordedCalls].start.store(start, std::memory_order_relaxed);
    if (number != 0) AddUp(ring[(number - 1) % kRecordedCalls]);
  }
  // It has not, and will not.
  void Withdraw() {
    const uint64_t number = begun.load(std::memory_order_relaxed) - 1;
    ring[number % kRecordedCalls].call_id.store(0, std::memory_order_relaxed);
    begun.store(number, std::memory_order_release);
  }
  // The answer has come, or will not.
  void End(int64_t elapsed, RecordedOutcome outcome) {
    RecordedCall& call = ring[(begun.load(std::memory_order_relaxed) - 1) % kRecordedCalls];
    call.elapsed.store(elapsed, std::memory_order_relaxed);
    call.outcome.store(static_cast<uint32_t>(outcome), std::memory_order_release);
  }

 private:
  // One writer: an atomic addition would lock the bus for nobody.
  static void Add(std::atomic<uint64_t>* counter, uint64_t amount) {
    counter->store(counter->load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void AddUp(const RecordedCall& call) {
    const int64_t elapsed = call.elapsed.load(std::memory_order_relaxed);
    Add(&nanos, static_cast<uint64_t>(elapsed));
    Add(&buckets[LatencyBucket(elapsed)], 1);
    const uint32_t outcome = call.outcome.load(std::memory_order_relaxed);
    if (outcome != static_cast<uint32_t>(RecordedOutcome::kOk)) Add(&errors, 1);
  }
};

struct alignas(kPage) RecorderMemory {
  std::atomic<uint32_t> num_names;
  char names[kRecordedNames][kRecordedName];  // NUL-terminated, written before they are counted
  LaneRecord lanes[kMaxLanes];
};
inline constexpr size_t kRecorderSize = sizeof(RecorderMemory);

// The number of a function in later records, never 0; kOtherName when there is no room. One thread
// at a time.
uint32_t RecordName(RecorderMemory* memory, std::string_view name);

// Read by others: checked values. Names are what the client wrote, bounded, as they are.
struct CallRecord {
  uint32_t lane = 0;
  uint64_t call_id = 0;
  std::string function;
  int64_t start = 0;
  int64_t elapsed = 0;  // so far, when it runs
  RecordedOutcome outcome = RecordedOutcome::kRunning;
};

struct CallTotals {
  uint64_t calls = 0;  // ended
  uint64_t errors = 0;
  uint64_t nanos = 0;
  uint64_t buckets[kLatencyBuckets] = {};

  void Add(const CallTotals& other);
  // The limit of the bucket that holds the given part of all calls, 0 when there were none.
  int64_t Quantile(double part) const;
};

struct Recording {
  CallTotals totals;
  std::vector<CallRecord> running;
  std::vector<CallRecord> recent;  // ended, the latest last

  // There will be no answers any more: what runs has failed.
  void EndRunning();
};

// `memory_untrusted` may change meanwhile: a call can be missing or counted twice, nothing else.
// `now` is MonotonicNanos().
Recording ReadRecorder(const RecorderMemory& memory_untrusted, int64_t now);

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_CHANNEL_RECORDER_H_
