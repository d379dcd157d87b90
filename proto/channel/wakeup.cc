#include "proto/channel/wakeup.h"

#include <linux/futex.h>
#include <sched.h>

#include <algorithm>

#include "proto/channel/futex.h"

namespace tvmffi {
namespace {

constexpr int64_t kMicrosecond = 1000;
constexpr int64_t kMinWakeCost = 5 * kMicrosecond;
constexpr int64_t kMaxWakeCost = 100 * kMicrosecond;
constexpr int64_t kSlice = 100 * 1000 * kMicrosecond;
// Between two looks at the clock, the owner word and the CPU: 0.2 to 1 us by the length of a pause.
constexpr int kPollsPerLook = 16;
constexpr int kMaxWaitsBeforeMove = 1 << 16;

inline void CpuRelax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield" ::: "memory");
#endif
}

bool IsRealtime() {
  const int policy = ::sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
  return policy == SCHED_FIFO || policy == SCHED_RR;
}

bool MayUseOneCpuOnly() {
  cpu_set_t allowed;
  return ::sched_getaffinity(0, sizeof(allowed), &allowed) == 0 && CPU_COUNT(&allowed) == 1;
}

bool MoveOff(int cpu) {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return false;
  cpu_set_t others = allowed;
  CPU_CLR(cpu, &others);
  if (CPU_COUNT(&others) == 0 || ::sched_setaffinity(0, sizeof(others), &others) != 0) return false;
  ::sched_setaffinity(0, sizeof(allowed), &allowed);
  return true;
}

}  // namespace

SpinBudget::SpinBudget(Side side, int64_t cold_wake)
    : side_(side),
      one_cpu_(MayUseOneCpuOnly()),
      wake_cost_(IsRealtime() ? 0 : std::clamp(cold_wake, kMinWakeCost, kMaxWakeCost)),
      worker_window_(wake_cost_) {}

int64_t SpinBudget::Window(int64_t expected) const {
  if (side_ == Side::kWorker) return worker_window_;
  return expected > 2 * wake_cost_ ? 0 : 2 * wake_cost_;
}

void SpinBudget::Learn(int64_t window, bool slept, int64_t waited) {
  if (side_ == Side::kClient) return;
  // A wake-up is part of `waited`. Asking for half of W instead of all keeps a request that comes
  // just after W from making every other spin a full and futile one.
  const bool within = !slept || (window < wake_cost_ && waited < wake_cost_ + wake_cost_ / 2);
  if (within) {
    worker_window_ = wake_cost_;
  } else if (window > 0) {
    worker_window_ = window / 2 < kMicrosecond ? 0 : window / 2;
  }
}

bool Placement::ObserveShared(int cpu, bool hot) {
  shared_waits_ = hot ? shared_waits_ + 1 : 0;
  if (shared_waits_ < waits_before_move_) return false;
  shared_waits_ = 0;
  waits_before_move_ = std::min(2 * waits_before_move_, kMaxWaitsBeforeMove);
  return MoveOff(cpu);
}

void Waiter::Post(uint32_t sequence) {
  // Store, then load, as the waiter does with the two words swapped: less than seq_cst would let
  // both miss the other.
  own_->sequence.store(sequence, std::memory_order_seq_cst);
  if (peer_->asleep.load(std::memory_order_seq_cst) != 0) FutexWake(&own_->sequence);
}

WaitOutcome Waiter::Wait(uint32_t seen, const WaitContext& context) {
  const bool must_block = MustBlock();
  const int64_t window = must_block ? 0 : spin_->Window(context.expected);
  // In a hot exchange the frame comes before the first look at the clock, which would cost as much
  // as the line takes.
  last_wait_ = 1;
  if (window > 0 ? Poll(seen) : HasFrame(seen)) {
    spin_->Learn(window, false, last_wait_);
    return WaitOutcome::kFrame;
  }
  const int64_t start = MonotonicNanos();
  if (window > 0 && Spin(seen, start, std::min(start + window, context.deadline))) {
    spin_->Learn(window, false, last_wait_);
    return WaitOutcome::kFrame;
  }
  const WaitOutcome outcome = Sleep(seen, context);
  const int64_t waited = MonotonicNanos() - start;
  if (!must_block) spin_->Learn(window, true, waited);
  last_wait_ = std::max<int64_t>(1, waited - (must_block ? 0 : spin_->wake_cost()));
  return outcome;
}

bool Waiter::HasFrame(uint32_t seen) const {
  return peer_->sequence.load(std::memory_order_seq_cst) != seen;
}

// The word is in the worker's half; nobody marks the client's.
bool Waiter::OwnerDied() const {
  return side_ == Side::kClient &&
         (peer_->owner.load(std::memory_order_acquire) & FUTEX_OWNER_DIED) != 0;
}

bool Waiter::PeerDied(const WaitContext& context) const {
  const bool dead = context.death != nullptr && context.death->load(std::memory_order_acquire) != 0;
  return dead || OwnerDied();
}

int Waiter::PublishCpu() {
  const int cpu = ::sched_getcpu();
  const uint32_t published = static_cast<uint32_t>(cpu) + 1;
  if (published != published_cpu_) {
    own_->cpu.store(published, std::memory_order_relaxed);
    published_cpu_ = published;
  }
  return cpu;
}

bool Waiter::SharesCpu(int cpu) const {
  const uint32_t peer_cpu = peer_->cpu.load(std::memory_order_relaxed);
  if (peer_cpu == 0) return spin_->one_cpu();
  return peer_cpu == static_cast<uint32_t>(cpu) + 1;
}

bool Waiter::MustBlock() {
  const int cpu = PublishCpu();
  if (!SharesCpu(cpu)) {
    placement_.ObserveApart();
    return false;
  }
  if (side_ == Side::kClient) return true;
  if (!placement_.ObserveShared(cpu, last_wait_ <= spin_->wake_cost())) return true;
  return SharesCpu(PublishCpu());
}

bool Waiter::Poll(uint32_t seen) const {
  for (int i = 0; i < kPollsPerLook; ++i) {
    if (peer_->sequence.load(std::memory_order_acquire) != seen) return true;
    CpuRelax();
  }
  return false;
}

bool Waiter::Spin(uint32_t seen, int64_t start, int64_t end) {
  int64_t now = start;
  while (now < end && !OwnerDied() && !SharesCpu(::sched_getcpu())) {
    if (Poll(seen)) {
      last_wait_ = now - start + 1;
      return true;
    }
    now = MonotonicNanos();
  }
  return false;
}

WaitOutcome Waiter::Sleep(uint32_t seen, const WaitContext& context) {
  const bool sliced = context.on_slice != nullptr || context.death != nullptr;
  int64_t next_slice = sliced ? MonotonicNanos() + kSlice : kNever;
  WaitOutcome outcome = WaitOutcome::kFrame;
  own_->asleep.store(1, std::memory_order_seq_cst);
  while (!HasFrame(seen)) {
    Watched watched[kMaxWatched] = {{&peer_->sequence, seen}};
    size_t count = 1;
    const uint32_t owner =
        side_ == Side::kClient ? peer_->owner.load(std::memory_order_acquire) : 0;
    if (side_ == Side::kClient) watched[count++] = {&peer_->owner, owner};
    // With an owner the kernel tells sooner than the daemon can; sleeping on the read-only death
    // page as well would lengthen every sleep by a seventh. A worker that forges an owner delays
    // its own death notice by one slice.
    if (context.death != nullptr && owner == 0) watched[count++] = {context.death, 0};
    if (PeerDied(context)) {
      if (!HasFrame(seen)) outcome = WaitOutcome::kPeerDead;
      break;
    }
    if (context.deadline != kNever && MonotonicNanos() >= context.deadline) {
      outcome = WaitOutcome::kDeadline;
      break;
    }
    const bool interrupted = FutexSleep(watched, count, std::min(next_slice, context.deadline));
    if (!interrupted && (next_slice == kNever || MonotonicNanos() < next_slice)) continue;
    if (sliced) next_slice = MonotonicNanos() + kSlice;
    if (context.on_slice == nullptr) continue;
    outcome = context.on_slice(context.self);
    if (outcome != WaitOutcome::kFrame) break;
  }
  own_->asleep.store(0, std::memory_order_relaxed);
  return outcome;
}

}  // namespace tvmffi
