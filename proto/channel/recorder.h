// What a client notes about its calls into one worker, where the daemon can read it after both are
// gone. A segment of its own: the worker never maps it.
//
// A lane's record has one writer, whoever holds the lane. A call is noted while the worker works on
// it; what the one before it came to is added up at the same moment, so that nothing but two stores
// lies between an answer and its caller.
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
inline constexpr size_t kRecordedNames = 256;
inline constexpr size_t kRecordedName = 60;

enum class RecordedOutcome : uint32_t { kRunning = 0, kOk, kError, kFailed };

struct RecordedCall {
  std::atomic<uint64_t> call_id;
  std::atomic<int64_t> start;    // MonotonicNanos()
  std::atomic<int64_t> elapsed;  // nanoseconds
  std::atomic<uint32_t> function;
  std::atomic<uint32_t> outcome;
};

struct alignas(64) LaneRecord {
  // Of the call the lane is in, or was in last.
  RecordedCall current;
  char unused[64 - sizeof(RecordedCall)];
  // Of those before it.
  std::atomic<uint64_t> calls;
  std::atomic<uint64_t> errors;
  std::atomic<uint64_t> nanos;
  std::atomic<uint64_t> buckets[kLatencyBuckets];
  RecordedCall ring[kRecordedCalls];

  // The lane's holder: a request of number `call_id` is on its way.
  void Begin(uint64_t call_id, uint32_t function, int64_t start) {
    if (current.outcome.load(std::memory_order_relaxed) != 0) AddUp();
    current.outcome.store(0, std::memory_order_relaxed);
    current.start.store(start, std::memory_order_relaxed);
    current.function.store(function, std::memory_order_relaxed);
    current.call_id.store(call_id, std::memory_order_relaxed);
  }
  // Its answer has come, or will not.
  void End(int64_t elapsed, RecordedOutcome outcome) {
    current.elapsed.store(elapsed, std::memory_order_relaxed);
    current.outcome.store(static_cast<uint32_t>(outcome), std::memory_order_release);
  }

 private:
  void AddUp();
};

struct alignas(kPage) RecorderMemory {
  std::atomic<uint32_t> num_names;
  char names[kRecordedNames][kRecordedName];  // NUL-terminated, written before they are counted
  LaneRecord lanes[kMaxLanes];
};
inline constexpr size_t kRecorderSize = sizeof(RecorderMemory);

// The bucket of a call that took `nanos`: the first whose limit is not below it. The last one takes
// everything longer.
size_t LatencyBucket(int64_t nanos);
// Its limit in nanoseconds: 128, 256, ...
int64_t LatencyLimit(size_t bucket);

// The number of a function in later records; 0, which stands for all others, when there is no room.
// One thread at a time.
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
