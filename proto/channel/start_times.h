// When each step of a worker's start was done, as it says itself: for finding out where the time
// went, never for a decision.
#ifndef TVMFFI_PROTO_CHANNEL_START_TIMES_H_
#define TVMFFI_PROTO_CHANNEL_START_TIMES_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "proto/base/clock.h"

namespace tvmffi {

// In the order of a worker that is started when it is needed. One that was prepared has done the
// first three long before it is `assigned`.
enum class StartStep : uint32_t {
  kProcess,   // its main was reached
  kRoot,      // a file tree of its own is there
  kFilter,    // the filter of system calls is made
  kAssigned,  // its start message is read, the channel mapped
  kFiles,     // what its modules need is in the tree, the old one is left
  kLimits,    // limits are set, user and capabilities dropped
  kLandlock,
  kSeccomp,
  kReady,    // the first lane is served
  kLoading,  // the copy of its first module is there
  kLoaded,
  kCount
};

inline constexpr size_t kStartSteps = static_cast<size_t>(StartStep::kCount);
inline constexpr std::array<const char*, kStartSteps> kStartStepNames = {
    "process",  "root",    "filter", "assigned", "files", "limits",
    "landlock", "seccomp", "ready",  "loading",  "loaded"};

// MonotonicNanos() of each step, 0 while it is not done. Written by the worker only.
class StartTimes {
 public:
  void Mark(StartStep step) { Set(step, MonotonicNanos()); }
  void Set(StartStep step, int64_t nanos) {
    at_[static_cast<size_t>(step)].store(nanos, std::memory_order_relaxed);
  }
  int64_t at(StartStep step) const {
    return at_[static_cast<size_t>(step)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<int64_t>, kStartSteps> at_{};
};

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_CHANNEL_START_TIMES_H_
