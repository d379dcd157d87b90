#include "proto/channel/recorder.h"

#include <algorithm>
#include <cstring>

namespace tvmffi {
namespace {

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
  const uint64_t begun = lane.begun.load(std::memory_order_acquire);
  if (begun == 0) return;
  CallTotals totals;
  totals.calls = begun - 1;
  totals.errors = lane.errors.load(std::memory_order_relaxed);
  totals.nanos = lane.nanos.load(std::memory_order_relaxed);
  for (size_t i = 0; i < kLatencyBuckets; ++i) {
    totals.buckets[i] = lane.buckets[i].load(std::memory_order_relaxed);
  }
  recording->totals.Add(totals);
  for (size_t i = 0; i < kRecordedCalls; ++i) {
    CallRecord call = Read(memory, number, lane.ring[i]);
    const bool is_last = i == (begun - 1) % kRecordedCalls;
    if (call.call_id == 0 || (!is_last && call.outcome == RecordedOutcome::kRunning)) continue;
    if (call.outcome == RecordedOutcome::kRunning) {
      if (call.start == 0) call.start = now;
      call.elapsed = std::max<int64_t>(now - call.start, 0);
      recording->running.push_back(std::move(call));
      continue;
    }
    if (is_last) Count(call.elapsed, call.outcome, &recording->totals);
    recording->recent.push_back(std::move(call));
  }
}

}  // namespace

int64_t LatencyLimit(size_t bucket) { return kFirstLatency << bucket; }

uint32_t RecordName(RecorderMemory* memory, std::string_view name) {
  const uint32_t count = memory->num_names.load(std::memory_order_relaxed);
  const std::string_view kept = name.substr(0, kRecordedName - 1);
  for (uint32_t i = 0; i < count; ++i) {
    if (kept == memory->names[i]) return i + 1;
  }
  if (count >= kRecordedNames) return kOtherName;
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
