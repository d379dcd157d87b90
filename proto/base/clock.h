// The only place that reads the clock.
#ifndef TVMFFI_PROTO_BASE_CLOCK_H_
#define TVMFFI_PROTO_BASE_CLOCK_H_

#include <cstdint>

namespace tvmffi {

// Nanoseconds of CLOCK_MONOTONIC, the same for every process of the machine.
int64_t MonotonicNanos();

// An absolute point of MonotonicNanos() that never comes.
inline constexpr int64_t kNever = INT64_MAX;

// `now` plus `seconds`; kNever when that is infinite or too far away to represent.
int64_t DeadlineAfter(double seconds);

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_BASE_CLOCK_H_
