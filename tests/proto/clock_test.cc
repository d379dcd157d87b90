#include "proto/base/clock.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tvmffi {
namespace {

TEST(Clock, DeadlinesLieAheadByTheirSeconds) {
  int64_t before = MonotonicNanos();
  int64_t deadline = DeadlineAfter(2.5);
  int64_t after = MonotonicNanos();

  EXPECT_GE(deadline, before + 2'500'000'000);
  EXPECT_LE(deadline, after + 2'500'000'000);
}

TEST(Clock, WhatIsTooFarAwayNeverComes) {
  EXPECT_EQ(DeadlineAfter(std::numeric_limits<double>::infinity()), kNever);
  EXPECT_EQ(DeadlineAfter(1e30), kNever);
  EXPECT_EQ(DeadlineAfter(9.3e9), kNever);
}

TEST(Clock, WhatIsNoTimeHasComeAlready) {
  for (double seconds : {std::nan(""), -1.0, 0.0}) {
    int64_t deadline = DeadlineAfter(seconds);
    EXPECT_LE(deadline, MonotonicNanos()) << seconds;
  }
}

}  // namespace
}  // namespace tvmffi
