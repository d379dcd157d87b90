// Waiting for the other process on a lane: spin a calibrated while when that can pay, then sleep on
// a futex.
//
// A store seen by a spinning peer costs about 0.1 us; waking a sleeper on another CPU costs 5 to
// 100 us, depending on the machine; waking one on the same CPU about 1 us, and spinning there only
// keeps the peer from running. So a waiter publishes its CPU, blocks at once when the peer's is the
// same, and otherwise spins for about the cost of one wake-up before it sleeps: at most twice the
// best possible (rent or buy), whenever the answer comes. It never yields: on a busy machine a
// yield gives away a whole time slice.
#ifndef TVMFFI_PROTO_CHANNEL_WAKEUP_H_
#define TVMFFI_PROTO_CHANNEL_WAKEUP_H_

#include <atomic>
#include <cstdint>

#include "proto/base/clock.h"
#include "proto/channel/layout.h"

namespace tvmffi {

enum class WaitOutcome {
  kFrame,      // a frame was copied out
  kDeadline,   // the deadline passed
  kPeerDead,   // the death word is set (a fact), or the owner word is marked (a hint: see
               // WaitContext)
  kCancelled,  // the hook says so
  kViolation,  // the peer broke the protocol: an impossible sequence or size
};

// What a waiting thread looks at besides the peer's sequence. A frame that is already there wins
// over all of it.
//
// The owner word in the worker's half is read too. The kernel marks it within microseconds of the
// lane thread's death, however it died, but the worker can forge the mark: on kPeerDead with
// `*death` still 0 the caller confirms through the daemon, within a bounded time, and treats an
// unconfirmed one as a violation.
struct WaitContext {
  int64_t deadline = kNever;  // MonotonicNanos()
  // DeathPage::dead, or null. Looked at whenever the thread is up and every 100 ms of sleeping;
  // while the owner word is not held yet, its wake-up ends the sleep at once.
  const std::atomic<uint32_t>* death = nullptr;
  // Called when a signal interrupted the sleep, and every 100 ms of sleeping; kFrame means "go on
  // waiting". May be null; a waiter without hook and death word sleeps undisturbed.
  WaitOutcome (*on_slice)(void* self) = nullptr;
  void* self = nullptr;
  // How long the answer usually takes (CallAverage::nanos()), 0 if unknown: not worth spinning for
  // a slow one.
  int64_t expected = 0;
};

// Nanoseconds from a store until a sleeper on another CPU has woken up and seen it. Takes a few
// milliseconds and a helper thread; one measurement per process is enough. Where there is no second
// CPU to measure on, a middling guess.
int64_t MeasureColdWake();

// How long a side may spin. Not thread-safe: one per lane.
class SpinBudget {
 public:
  // W is `cold_wake` within 5 to 100 us, or 0 when the calling thread runs under SCHED_FIFO or
  // SCHED_RR, where a spinner keeps a peer on its CPU from running at all.
  explicit SpinBudget(Side side, int64_t cold_wake);

  // Calibrated here and now.
  static SpinBudget Calibrated(Side side) { return SpinBudget(side, MeasureColdWake()); }

  // Client: 2W (its answer may itself have to wake the worker), nothing when more than that is
  // expected. Worker: between W and nothing, by what it learned.
  int64_t Window(int64_t expected) const;

  // After a wait whose spin, if any, lasted `window`: the worker's window halves when the spin
  // ended in sleep, and is W again once a request comes within W. `waited` includes the wake-up
  // when it slept.
  void Learn(int64_t window, bool slept, int64_t waited);

  // W.
  int64_t wake_cost() const { return wake_cost_; }
  // The thread had one CPU only: it spins just for a peer known to be on another.
  bool one_cpu() const { return one_cpu_; }

 private:
  Side side_;
  bool one_cpu_;
  int64_t wake_cost_;
  int64_t worker_window_;
};

// How long one function's answers take, for WaitContext::expected. Thread-safe, approximate.
class CallAverage {
 public:
  int64_t nanos() const { return nanos_.load(std::memory_order_relaxed); }

  // Racing updates may lose one of them.
  void Add(int64_t waited) {
    const int64_t old = nanos();
    nanos_.store(old == 0 ? waited : old + (waited - old) / 8, std::memory_order_relaxed);
  }

 private:
  std::atomic<int64_t> nanos_{0};
};

// Moves the calling thread to another CPU when it keeps meeting its client on the same one while
// others are allowed.
class Placement {
 public:
  // Another wait begins with the peer on this thread's CPU, `cpu`. True if the thread moved; its
  // affinity mask is the same afterwards. Only `hot` exchanges count: for rare ones sharing a CPU
  // is cheaper than a cold wake-up across two.
  bool ObserveShared(int cpu, bool hot);
  void ObserveApart() { shared_waits_ = 0; }

 private:
  int shared_waits_ = 0;
  // Doubles with every move, so that a scheduler which insists is obeyed.
  int waits_before_move_ = 64;
};

// One side's waiting on a lane, and the other half of it: telling a waiting peer. Not thread-safe.
class Waiter {
 public:
  Waiter() = default;
  Waiter(LaneHalf* own, LaneHalf* peer, Side side, SpinBudget* spin)
      : own_(own), peer_(peer), side_(side), spin_(spin) {}

  // Stores `sequence` in the own half and wakes the peer if it sleeps.
  void Post(uint32_t sequence);

  // Waits until the peer's sequence is no longer `seen`.
  WaitOutcome Wait(uint32_t seen, const WaitContext& context);

  // How long the last Wait took, less the wake-up if it slept. Coarse below a microsecond.
  int64_t last_wait() const { return last_wait_; }

 private:
  int PublishCpu();
  bool SharesCpu(int cpu) const;
  bool MustBlock();
  bool Poll(uint32_t seen) const;
  bool Spin(uint32_t seen, int64_t start, int64_t end);
  WaitOutcome Sleep(uint32_t seen, const WaitContext& context);
  bool HasFrame(uint32_t seen) const;
  bool OwnerDied() const;
  bool PeerDied(const WaitContext& context) const;

  LaneHalf* own_ = nullptr;
  LaneHalf* peer_ = nullptr;
  Side side_ = Side::kClient;
  SpinBudget* spin_ = nullptr;
  int64_t last_wait_ = 0;
  uint32_t published_cpu_ = 0;
  Placement placement_;
};

// Makes `word` (LaneHalf::owner of the worker's half) a sign of this thread's life: the kernel sets
// FUTEX_OWNER_DIED in it and wakes its waiters as soon as the thread dies, SIGKILL and the OOM
// killer included, before it frees the process's memory. Replaces the thread's robust list, which
// glibc keeps for robust mutexes: call it once, on a thread that serves a lane until it ends and
// locks no robust mutex. False with errno set when the kernel refuses.
bool HoldOwnerWord(std::atomic<uint32_t>* word);

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_CHANNEL_WAKEUP_H_
