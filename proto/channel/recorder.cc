#include "proto/channel/recorder.h"

#include <algorithm>
#include <cstring>

namespace tvmffi {
namespace {

constexpr int kFirstBits = 7;  // 128 ns

// One writer: an atomic addition would lock the bus for nobody.
void Add(std::atomic<uint64_t>* counter, uint64_t amount) {
  counter->store(counter->load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

void Copy(const RecordedCall& from, RecordedCall* to) {
  to->call_id.store(from.call_id.load(std::memory_order_relaxed), std::memory_order_relaxed);
  to->start.store(from.start.load(std::memory_order_relaxed), std::memory_order_relaxed);
  to->elapsed.store(from.elapsed.load(std::memory_order_relaxed), std::memory_order_relaxed);
  to->function.store(from.function.load(std::memory_order_relaxed), std::memory_order_relaxed);
  to->outcome.store(from.outcome.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

std::string NameOf(const RecorderMemory& memory_untrusted, uint32_t function) {
  const uint32_t count = memory_untrusted.num_names.load(std::memory_order_acquire);
  if (function == 0 || function > std::min<uint32_t>(count, kRecordedNames)) return {};
  char copy[kRecordedName];
  std::memcpy(copy, memory_untrusted.names[function - 1], sizeof(copy));
  return {copy, ::strnlen(copy, sizeof(copy))};
}

RecordedOutcome OutcomeOf(const RecordedCall& call) {
  const uint32_t outcome = call.outcome.load(std::memory_order_acquire);
  return outcome <= static_cast<uint32_t>(RecordedOutcome::kFailed)
             ? static_cast<RecordedOutcome>(outcome)
             : RecordedOutcome::kFailed;
}

CallRecord Read(const RecorderMemory& memory, uint32_t lane, const RecordedCall& call) {
  CallRecord record;
  record.lane = lane;
  record.outcome = OutcomeOf(call);
  record.call_id = call.call_id.load(std::memory_order_relaxed);
  record.function = NameOf(memory, call.function.load(std::memory_order_relaxed));
  record.start = std::max<int64_t>(call.start.load(std::memory_order_relaxed), 0);
  record.elapsed = std::max<int64_t>(call.elapsed.load(std::memory_order_relaxed), 0);
  return record;
}

void Count(int64_t elapsed, RecordedOutcome outcome, CallTotals* totals) {
  ++totals->calls;
  if (outcome != RecordedOutcome::kOk) ++totals->errors;
  totals->nanos += static_cast<uint64_t>(elapsed);
  ++totals->buckets[LatencyBucket(elapsed)];
}

void ReadLane(const RecorderMemory& memory, uint32_t number, int64_t now, Recording* recording) {
  const LaneRecord& lane = memory.lanes[number];
  CallTotals totals;
  totals.calls = lane.calls.load(std::memory_order_relaxed);
  totals.errors = lane.errors.load(std::memory_order_relaxed);
  totals.nanos = lane.nanos.load(std::memory_order_relaxed);
  for (size_t i = 0; i < kLatencyBuckets; ++i) {
    totals.buckets[i] = lane.buckets[i].load(std::memory_order_relaxed);
  }
  recording->totals.Add(totals);
  for (const RecordedCall& call : lane.ring) {
    CallRecord record = Read(memory, number, call);
    if (record.call_id != 0) recording->recent.push_back(std::move(record));
  }
  CallRecord current = Read(memory, number, lane.current);
  if (current.call_id == 0) return;
  if (current.outcome == RecordedOutcome::kRunning) {
    current.elapsed = std::max<int64_t>(now - current.start, 0);
    recording->running.push_back(std::move(current));
  } else {
    Count(current.elapsed, current.outcome, &recording->totals);
    recording->recent.push_back(std::move(current));
  }
}

}  // namespace

void LaneRecord::AddUp() {
  const uint64_t number = calls.load(std::memory_order_relaxed);
  const int64_t elapsed = current.elapsed.load(std::memory_order_relaxed);
  Copy(current, &ring[number % kRecordedCalls]);
  calls.store(number + 1, std::memory_order_relaxed);
  Add(&nanos, static_cast<uint64_t>(elapsed));
  Add(&buckets[LatencyBucket(elapsed)], 1);
  if (OutcomeOf(current) != RecordedOutcome::kOk) Add(&errors, 1);
}

size_t LatencyBucket(int64_t nanos) {
  if (nanos <= (int64_t{1} << kFirstBits)) return 0;
  const int bits = 64 - __builtin_clzll(static_cast<uint64_t>(nanos - 1));
  return std::min<size_t>(static_cast<size_t>(bits - kFirstBits), kLatencyBuckets - 1);
}

int64_t LatencyLimit(size_t bucket) { return int64_t{1} << (bucket + kFirstBits); }

uint32_t RecordName(RecorderMemory* memory, std::string_view name) {
  const uint32_t count = memory->num_names.load(std::memory_order_relaxed);
  const std::string_view kept = name.substr(0, kRecordedName - 1);
  for (uint32_t i = 0; i < count; ++i) {
    if (kept == memory->names[i]) return i + 1;
  }
  if (count >= kRecordedNames) return 0;
  std::memcpy(memory->names[count], kept.data(), kept.size());
  memory->num_names.store(count + 1, std::memory_order_release);
  return count + 1;
}

void CallTotals::Add(const CallTotals& other) {
  calls += other.calls;
  errors += other.errors;
  nanos += other.nanos;
  for (size_t i = 0; i < kLatencyBuckets; ++i) buckets[i] += other.buckets[i];
}

int64_t CallTotals::Quantile(double part) const {
  uint64_t all = 0;
  for (uint64_t bucket : buckets) all += bucket;
  if (all == 0) return 0;
  const double wanted = part * static_cast<double>(all);
  uint64_t seen = 0;
  for (size_t i = 0; i < kLatencyBuckets; ++i) {
    seen += buckets[i];
    if (static_cast<double>(seen) >= wanted) return LatencyLimit(i);
  }
  return LatencyLimit(kLatencyBuckets - 1);
}

void Recording::EndRunning() {
  for (CallRecord& call : running) {
    call.outcome = RecordedOutcome::kFailed;
    Count(call.elapsed, call.outcome, &totals);
    recent.push_back(std::move(call));
  }
  running.clear();
}

Recording ReadRecorder(const RecorderMemory& memory_untrusted, int64_t now) {
  Recording recording;
  for (uint32_t lane = 0; lane < kMaxLanes; ++lane) {
    ReadLane(memory_untrusted, lane, now, &recording);
  }
  std::stable_sort(recording.recent.begin(), recording.recent.end(),
                   [](const CallRecord& a, const CallRecord& b) { return a.start < b.start; });
  return recording;
}

}  // namespace tvmffi
