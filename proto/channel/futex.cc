#include "proto/channel/futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "proto/base/clock.h"

namespace tvmffi {
namespace {

constexpr int64_t kFallbackSlice = 2 * 1000 * 1000;
constexpr uint32_t kSharedWord32 = 2;  // FUTEX_32 without FUTEX_PRIVATE_FLAG
#ifdef SYS_futex_waitv
constexpr long kFutexWaitv = SYS_futex_waitv;
#else
constexpr long kFutexWaitv = 449;  // the same on every architecture
#endif

// struct futex_waitv, which older kernel headers lack.
struct WaitvEntry {
  uint64_t value;
  uint64_t address;
  uint32_t flags;
  uint32_t reserved;
};
static_assert(sizeof(WaitvEntry) == 24, "kernel ABI");

timespec ToTimespec(int64_t nanos) {
  constexpr int64_t kSecond = 1000 * 1000 * 1000;
  timespec time;
  time.tv_sec = static_cast<time_t>(nanos / kSecond);
  time.tv_nsec = static_cast<long>(nanos % kSecond);
  return time;
}

// Unlike FUTEX_WAIT, the BITSET kind takes an absolute timeout.
bool SleepOnOne(const Watched& watched, int64_t until) {
  const timespec time = ToTimespec(until);
  const long rc = ::syscall(SYS_futex, watched.word, FUTEX_WAIT_BITSET, watched.value,
                            until == kNever ? nullptr : &time, nullptr, FUTEX_BITSET_MATCH_ANY);
  return rc != 0 && errno == EINTR;
}

}  // namespace

void FutexWake(const std::atomic<uint32_t>* word) {
  ::syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

bool FutexSleep(const Watched* watched, size_t count, int64_t until) {
  if (count == 1) return SleepOnOne(watched[0], until);
  WaitvEntry entries[kMaxWatched];
  for (size_t i = 0; i < count; ++i) {
    entries[i] = {watched[i].value, reinterpret_cast<uintptr_t>(watched[i].word), kSharedWord32, 0};
  }
  const timespec time = ToTimespec(until);
  const long rc =
      ::syscall(kFutexWaitv, entries, count, 0, until == kNever ? nullptr : &time, CLOCK_MONOTONIC);
  if (rc >= 0 || errno == EAGAIN || errno == ETIMEDOUT) return false;
  if (errno == EINTR) return true;
  // ENOSYS, or whatever a sandbox says instead.
  return SleepOnOne(watched[0], std::min(until, MonotonicNanos() + kFallbackSlice));
}

}  // namespace tvmffi
