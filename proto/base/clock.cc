#include "proto/base/clock.h"

#include <time.h>

#include <cmath>

namespace tvmffi {

int64_t MonotonicNanos() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

int64_t DeadlineAfter(double seconds) {
  int64_t now = MonotonicNanos();
  // A deadline that is no number or lies in the past has come already.
  if (std::isnan(seconds) || seconds <= 0) return now;
  double nanos = seconds * 1e9;
  if (nanos >= static_cast<double>(INT64_MAX - now)) return kNever;
  return now + static_cast<int64_t>(nanos);
}

}  // namespace tvmffi
