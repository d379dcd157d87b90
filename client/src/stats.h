// Counters of what calls did. Each lane has its own, written by its one user and summed by whoever
// asks.
#ifndef TVMFFI_CLIENT_SRC_STATS_H_
#define TVMFFI_CLIENT_SRC_STATS_H_

#include <atomic>
#include <cstdint>

namespace tvmffi::host {

// Written by one thread at a time, read by any.
class Counter {
 public:
  void Add(int64_t amount) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

struct LaneCounters {
  Counter calls;
  Counter callbacks;
  Counter bytes_copied_in;
  Counter bytes_copied_out;
  Counter zero_copy_tensors;
  Counter staged_tensors;
  Counter errors;
};

// A sum of LaneCounters, and what happens too rarely to count per lane.
struct Totals {
  std::atomic<int64_t> calls{0};
  std::atomic<int64_t> callbacks{0};
  std::atomic<int64_t> bytes_copied_in{0};
  std::atomic<int64_t> bytes_copied_out{0};
  std::atomic<int64_t> zero_copy_tensors{0};
  std::atomic<int64_t> staged_tensors{0};
  std::atomic<int64_t> errors{0};
  std::atomic<int64_t> workers_started{0};
  std::atomic<int64_t> workers_died{0};
  std::atomic<int64_t> daemons_started{0};

  void Add(const LaneCounters& lane) {
    calls += lane.calls.value();
    callbacks += lane.callbacks.value();
    bytes_copied_in += lane.bytes_copied_in.value();
    bytes_copied_out += lane.bytes_copied_out.value();
    zero_copy_tensors += lane.zero_copy_tensors.value();
    staged_tensors += lane.staged_tensors.value();
    errors += lane.errors.value();
  }
};

// Of lanes that are gone, and of the process.
Totals& ProcessTotals();

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_STATS_H_
