#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <thread>

#include "proto/channel/futex.h"
#include "proto/channel/wakeup.h"

namespace tvmffi {
namespace {

constexpr int64_t kGuess = 50 * 1000;
constexpr int64_t kSettle = 100 * 1000;
constexpr size_t kRounds = 15;

struct WakeTrial {
  std::atomic<uint32_t> go{0};
  std::atomic<uint32_t> ready{0};
  int64_t woken_at = 0;
};

// Both wait by sleeping: where the two threads share a CPU after all, spinning would only measure
// time slices.
void SleepWhile(const std::atomic<uint32_t>& word, uint32_t value) {
  const Watched watched{&word, value};
  while (word.load(std::memory_order_acquire) == value) FutexSleep(&watched, 1, kNever);
}

void Publish(std::atomic<uint32_t>* word, uint32_t value) {
  word->store(value, std::memory_order_seq_cst);
  FutexWake(word);
}

void RunSleeper(WakeTrial* trial, const cpu_set_t& elsewhere) {
  ::sched_setaffinity(0, sizeof(elsewhere), &elsewhere);
  for (uint32_t round = 1; round <= kRounds; ++round) {
    Publish(&trial->ready, 2 * round - 1);
    SleepWhile(trial->go, round - 1);
    trial->woken_at = MonotonicNanos();
    Publish(&trial->ready, 2 * round);
  }
}

int64_t MeasureOnce(WakeTrial* trial, uint32_t round) {
  SleepWhile(trial->ready, 2 * round - 2);
  // Long enough for the sleeper to sleep and its CPU to become idle. This thread keeps its own CPU
  // meanwhile.
  const int64_t settled = MonotonicNanos() + kSettle;
  while (MonotonicNanos() < settled) {
  }
  const int64_t posted_at = MonotonicNanos();
  Publish(&trial->go, round);
  SleepWhile(trial->ready, 2 * round - 1);
  return trial->woken_at - posted_at;
}

// A helper must not be the thread that gets the process's signals.
std::thread StartWithSignalsBlocked(WakeTrial* trial, const cpu_set_t& elsewhere) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread sleeper;
  try {
    sleeper = std::thread([trial, elsewhere] { RunSleeper(trial, elsewhere); });
  } catch (const std::system_error&) {
    // Out of threads: the caller goes without a measurement.
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return sleeper;
}

}  // namespace

int64_t MeasureColdWake() {
  cpu_set_t elsewhere;
  if (::sched_getaffinity(0, sizeof(elsewhere), &elsewhere) != 0) return kGuess;
  CPU_CLR(::sched_getcpu(), &elsewhere);
  if (CPU_COUNT(&elsewhere) == 0) return kGuess;

  WakeTrial trial;
  std::thread sleeper = StartWithSignalsBlocked(&trial, elsewhere);
  if (!sleeper.joinable()) return kGuess;
  std::array<int64_t, kRounds> costs;
  for (uint32_t round = 1; round <= kRounds; ++round) costs[round - 1] = MeasureOnce(&trial, round);
  sleeper.join();
  // On a busy machine half of the rounds may have waited for a time slice.
  std::nth_element(costs.begin(), costs.begin() + kRounds / 4, costs.end());
  return costs[kRounds / 4];
}

}  // namespace tvmffi
