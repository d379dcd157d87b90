#include "proto/channel/wakeup.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <thread>

#include "proto/channel/futex.h"
#include "tests/proto/lane_support.h"

namespace tvmffi::testing {
namespace {

TEST(SpinBudget, KeepsTheWakeCostWithinItsBounds) {
  EXPECT_EQ(SpinBudget(Side::kClient, 1).wake_cost(), 5000);
  EXPECT_EQ(SpinBudget(Side::kClient, 30000).wake_cost(), 30000);
  EXPECT_EQ(SpinBudget(Side::kClient, 1000000000).wake_cost(), 100000);
}

TEST(SpinBudget, AClientDoesNotSpinForSlowFunctions) {
  const SpinBudget spin(Side::kClient, 20000);

  EXPECT_EQ(spin.Window(0), 40000);
  EXPECT_EQ(spin.Window(40000), 40000);
  EXPECT_EQ(spin.Window(40001), 0);
}

TEST(SpinBudget, AWorkerHalvesAfterFutileSpinsDownToNothing) {
  SpinBudget spin(Side::kWorker, 20000);
  for (int64_t expected = 20000; expected >= 1000; expected /= 2) {
    ASSERT_EQ(spin.Window(0), expected);
    spin.Learn(expected, true, 1000000);
  }
  EXPECT_EQ(spin.Window(0), 0);
  spin.Learn(0, true, 1000000);
  EXPECT_EQ(spin.Window(0), 0);
}

TEST(SpinBudget, AWorkerRecoversOnASuccessfulSpinOrAQuickRequest) {
  SpinBudget spin(Side::kWorker, 20000);
  spin.Learn(20000, true, 1000000);
  spin.Learn(10000, false, 9000);
  EXPECT_EQ(spin.Window(0), 20000);

  for (int i = 0; i < 10; ++i) spin.Learn(spin.Window(0), true, 1000000);
  ASSERT_EQ(spin.Window(0), 0);
  spin.Learn(0, true, 25000);
  EXPECT_EQ(spin.Window(0), 20000);
}

TEST(SpinBudget, ARealtimeThreadNeverSpins) {
  Child child([] {
    sched_param param = {};
    param.sched_priority = 1;
    if (::sched_setscheduler(0, SCHED_FIFO, &param) != 0) return errno == EPERM;
    const SpinBudget client(Side::kClient, 20000);
    const SpinBudget worker(Side::kWorker, 20000);
    return client.Window(0) == 0 && worker.Window(0) == 0;
  });
  EXPECT_TRUE(child.Succeeded());
}

TEST(SpinBudget, KnowsThatItHasOneCpuOnly) {
  Child child([] { return PinTo(::sched_getcpu()) && SpinBudget(Side::kClient, 1).one_cpu(); });
  EXPECT_TRUE(child.Succeeded());
}

TEST(MeasureColdWake, SeesAWakeUpOfThisMachine) {
  const int64_t cost = MeasureColdWake();
  EXPECT_GT(cost, 200);
  EXPECT_LT(cost, 1000 * kMillisecond);
}

TEST(CallAverage, FollowsWhatItIsTold) {
  CallAverage average;
  EXPECT_EQ(average.nanos(), 0);
  average.Add(800);
  EXPECT_EQ(average.nanos(), 800);
  for (int i = 0; i < 100; ++i) average.Add(8000);
  EXPECT_GT(average.nanos(), 7900);
  EXPECT_LE(average.nanos(), 8000);
}

int CpuAfterPinnedTo(int cpu, const cpu_set_t& allowed) {
  if (!PinTo(cpu) || ::sched_setaffinity(0, sizeof(allowed), &allowed) != 0) return -1;
  return ::sched_getcpu();
}

TEST(Placement, MovesOffASharedCpuAndKeepsItsMask) {
  const cpu_set_t allowed = AllowedCpus();
  if (CPU_COUNT(&allowed) < 2) GTEST_SKIP() << "the process may use one CPU only";
  Child child([&] {
    int moved_away = 0;
    for (int attempt = 0; attempt < 10; ++attempt) {
      const int cpu = CpuAfterPinnedTo(::sched_getcpu(), allowed);
      Placement placement;
      for (int i = 1; i < 64; ++i) {
        if (placement.ObserveShared(cpu, true)) return false;
      }
      if (!placement.ObserveShared(cpu, true)) return false;
      if (::sched_getcpu() != cpu) ++moved_away;
      const cpu_set_t now = AllowedCpus();
      if (!CPU_EQUAL(&now, &allowed)) return false;
    }
    // The scheduler is free to move it back, but does not do so every time.
    return moved_away > 0;
  });
  EXPECT_TRUE(child.Succeeded());
}

TEST(Placement, StaysForRareExchangesAndForMixedOnes) {
  Placement placement;
  const int cpu = ::sched_getcpu();
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(placement.ObserveShared(cpu, false));
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(placement.ObserveShared(cpu, true));
    if (i % 60 == 0) placement.ObserveApart();
  }
}

class WakeupTest : public ::testing::Test {
 protected:
  Shared<LaneMemory> memory_;
};

// A context under which a budget of the client's kind never spins, and no slice rescues a lost
// wake-up.
WaitContext Sleepy() {
  WaitContext context = Patiently();
  context.expected = 1000 * kMillisecond;
  return context;
}

// Up to 2 us, short ones as likely as long ones: where the post meets a peer that is just falling
// asleep.
void Delay(std::minstd_rand* random) {
  const int64_t limit = int64_t{1} << ((*random)() % 12);
  const int64_t end = MonotonicNanos() + static_cast<int64_t>((*random)()) % limit;
  while (MonotonicNanos() < end) {
  }
}

enum class Habit { kSpins, kSleeps };

bool PlayRounds(LaneMemory* memory, Side side, Habit habit, int rounds) {
  SpinBudget spin(Side::kClient, 100000);
  Lane lane(memory, side, &spin);
  std::minstd_rand random(side == Side::kClient ? 1 : 2);
  std::vector<char> frame;
  if (side == Side::kClient) lane.Send(&rounds, sizeof(rounds));
  for (int i = 0; i < rounds; ++i) {
    const WaitContext context = habit == Habit::kSleeps ? Sleepy() : Patiently();
    if (lane.Receive(context, &frame) != WaitOutcome::kFrame) return false;
    Delay(&random);
    lane.Send(&i, sizeof(i));
  }
  return true;
}

struct Pair {
  Habit client;
  Habit worker;
};

class LostWakeUp : public WakeupTest, public ::testing::WithParamInterface<Pair> {};

// Left alone, the scheduler puts two that always sleep on one CPU, where nothing races.
TEST_P(LostWakeUp, DoesNotHappenInAHundredThousandRounds) {
  constexpr int kRounds = 100000;
  const std::vector<int> cpus = CpuNumbers(AllowedCpus());
  Child worker([&] {
    return PinTo(cpus.back()) &&
           PlayRounds(memory_.get(), Side::kWorker, GetParam().worker, kRounds);
  });
  Child client([&] {
    return PinTo(cpus.front()) &&
           PlayRounds(memory_.get(), Side::kClient, GetParam().client, kRounds);
  });

  EXPECT_TRUE(client.Succeeded());
  EXPECT_TRUE(worker.Succeeded());
}

INSTANTIATE_TEST_SUITE_P(Habits, LostWakeUp,
                         ::testing::Values(Pair{Habit::kSleeps, Habit::kSleeps},
                                           Pair{Habit::kSpins, Habit::kSleeps},
                                           Pair{Habit::kSleeps, Habit::kSpins}));

// CPU time per exchange, so that what else runs on the machine does not count: a spinner on the
// peer's CPU burns its window, or whole time slices, on every one.
TEST_F(WakeupTest, SharingOneCpuTheyHandOverWithoutSpinning) {
  constexpr int kRounds = 5000;
  const int cpu = ::sched_getcpu();
  Shared<std::atomic<int64_t>> client_cpu;
  Child worker([&] {
    PinTo(cpu);
    SpinBudget spin(Side::kWorker, 100000);
    Lane lane(memory_.get(), Side::kWorker, &spin);
    return Echo(&lane, kRounds);
  });
  Child client([&] {
    PinTo(cpu);
    SpinBudget spin(Side::kClient, 100000);
    Lane lane(memory_.get(), Side::kClient, &spin);
    std::vector<char> frame;
    const int64_t before = CpuNanos();
    for (int i = 0; i < kRounds; ++i) {
      lane.Send("x", 1);
      if (lane.Receive(Patiently(), &frame) != WaitOutcome::kFrame) return false;
    }
    client_cpu->store(CpuNanos() - before);
    return true;
  });
  EXPECT_TRUE(client.Succeeded());
  EXPECT_TRUE(worker.Succeeded());
  EXPECT_LT(client_cpu->load() / kRounds, 50000) << "a quarter of one client window";
}

double CpuShareOfWaiting(LaneMemory* memory, Side side, const WaitContext& hook) {
  SpinBudget spin(side, 100000);
  Lane lane(memory, side, &spin);
  WaitContext context = hook;
  const int64_t duration = 300 * kMillisecond;
  context.deadline = MonotonicNanos() + duration;
  std::vector<char> frame;
  const int64_t before = CpuNanos();
  if (lane.Receive(context, &frame) != WaitOutcome::kDeadline) return 1;
  return static_cast<double>(CpuNanos() - before) / static_cast<double>(duration);
}

TEST_F(WakeupTest, AnIdleWorkerBurnsNothing) {
  Child child([&] { return CpuShareOfWaiting(memory_.get(), Side::kWorker, {}) < 0.01; });
  EXPECT_TRUE(child.Succeeded());
}

TEST_F(WakeupTest, AClientWaitingLongBurnsNothing) {
  Shared<DeathPage> page;
  Child child([&] {
    WaitContext context;
    context.death = &page->dead;
    context.on_slice = [](void*) { return WaitOutcome::kFrame; };
    return CpuShareOfWaiting(memory_.get(), Side::kClient, context) < 0.01;
  });
  EXPECT_TRUE(child.Succeeded());
}

bool DenyFutexWaitv(uint32_t error) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 449, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {4, filter};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

class WithoutWaitv : public WakeupTest, public ::testing::WithParamInterface<int> {};

TEST_P(WithoutWaitv, FramesArriveAndAKilledOwnerIsNoticed) {
  const auto error = static_cast<uint32_t>(GetParam());
  Shared<std::atomic<uint32_t>> stage;
  Child worker([&] {
    if (!HoldOwnerWord(&memory_->worker.owner)) return false;
    SpinBudget spin(Side::kWorker, kColdWake);
    Lane lane(memory_.get(), Side::kWorker, &spin);
    if (!Echo(&lane, 1000)) return false;
    stage->store(1);
    for (;;) ::pause();
  });
  Child client([&] {
    if (!DenyFutexWaitv(error)) return false;
    SpinBudget spin(Side::kClient, kColdWake);
    Lane lane(memory_.get(), Side::kClient, &spin);
    std::vector<char> frame;
    for (int i = 0; i < 1000; ++i) {
      lane.Send(&i, sizeof(i));
      if (lane.Receive(Sleepy(), &frame) != WaitOutcome::kFrame) return false;
    }
    return lane.Receive(Sleepy(), &frame) == WaitOutcome::kPeerDead;
  });
  while (stage->load() == 0 || memory_->client.asleep.load() == 0) ::usleep(1000);
  worker.Kill();
  EXPECT_TRUE(client.Succeeded());
}

INSTANTIATE_TEST_SUITE_P(Errors, WithoutWaitv, ::testing::Values(ENOSYS, EPERM));

TEST_F(WakeupTest, AMarkedOwnerWordEndsAWaitWhoeverWroteIt) {
  memory_->worker.owner = 0x40000000u;
  SpinBudget spin(Side::kClient, kColdWake);
  Lane lane(memory_.get(), Side::kClient, &spin);
  std::vector<char> frame;
  EXPECT_EQ(lane.Receive(Patiently(), &frame), WaitOutcome::kPeerDead);
}

// The deadline is set before the wait begins, so that a busy machine shortens a wait: the longest
// of several counts.
TEST_F(WakeupTest, TheLastWaitIsToldWithoutTheWakeUp) {
  memory_->worker.cpu = 0xffffffffu;  // never the client's own, where it would not spin
  SpinBudget spin(Side::kClient, kColdWake);
  Lane lane(memory_.get(), Side::kClient, &spin);
  std::vector<char> frame;
  int64_t longest = 0;
  for (int round = 0; round < 10; ++round) {
    const int64_t start = MonotonicNanos();
    ASSERT_EQ(lane.Receive(Within(30 * kMillisecond), &frame), WaitOutcome::kDeadline);
    ASSERT_LE(lane.last_wait(), MonotonicNanos() - start - kColdWake);
    longest = std::max(longest, lane.last_wait());
  }
  EXPECT_GE(longest, 30 * kMillisecond - kColdWake);
}

TEST(FutexSleep, DoesNotBeginWhenAWordDiffers) {
  std::atomic<uint32_t> word{1};
  const Watched watched[2] = {{&word, 1}, {&word, 7}};
  const int64_t start = MonotonicNanos();
  EXPECT_FALSE(FutexSleep(watched, 2, start + 60000 * kMillisecond));
  EXPECT_LT(MonotonicNanos() - start, 30000 * kMillisecond);
}

}  // namespace
}  // namespace tvmffi::testing
