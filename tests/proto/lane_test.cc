#include "proto/channel/lane.h"

#include <gtest/gtest.h>
#include <linux/futex.h>
#include <pthread.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <thread>

#include "proto/base/shm_segment.h"
#include "proto/channel/futex.h"
#include "tests/proto/lane_support.h"

namespace tvmffi::testing {
namespace {

class LaneTest : public ::testing::Test {
 protected:
  LaneMemory* memory() const { return memory_.get(); }

  Shared<LaneMemory> memory_;
  SpinBudget client_spin_{Side::kClient, kColdWake};
  SpinBudget worker_spin_{Side::kWorker, kColdWake};
  Lane client_{memory(), Side::kClient, &client_spin_};
  Lane worker_{memory(), Side::kWorker, &worker_spin_};
};

// 48 bytes that say which frame they are.
struct Numbered {
  uint64_t number;
  char filler[40];
};

bool PlayPing(Lane* lane, uint64_t count) {
  std::vector<char> frame;
  for (uint64_t i = 0; i < count; ++i) {
    Numbered ping{i, {}};
    std::memset(ping.filler, static_cast<int>(i), sizeof(ping.filler));
    lane->Send(&ping, sizeof(ping));
    if (lane->Receive(Patiently(), &frame) != WaitOutcome::kFrame) return false;
    if (frame.size() != sizeof(ping)) return false;
    if (std::memcmp(frame.data(), &ping, sizeof(ping)) != 0) return false;
  }
  return true;
}

TEST_F(LaneTest, CarriesAHundredThousandFramesBetweenThreads) {
  bool echoed = false;
  std::thread worker([&] { echoed = Echo(&worker_, 100000); });

  const bool played = PlayPing(&client_, 100000);

  worker.join();
  EXPECT_TRUE(played);
  EXPECT_TRUE(echoed);
}

TEST_F(LaneTest, CarriesAHundredThousandFramesBetweenProcesses) {
  Child worker([&] { return Echo(&worker_, 100000); });

  EXPECT_TRUE(PlayPing(&client_, 100000));
  EXPECT_TRUE(worker.Succeeded());
}

std::vector<size_t> SizesAroundTheBoundaries() {
  std::vector<size_t> sizes;
  for (size_t size = 0; size <= kFrameHead + 1; ++size) sizes.push_back(size);
  for (size_t size : {kInlineFrame - 1, kInlineFrame, kInlineFrame + 1}) sizes.push_back(size);
  for (size_t size : {kOverflowFrame - 1, kOverflowFrame}) sizes.push_back(size);
  sizes.push_back(0);
  return sizes;
}

TEST_F(LaneTest, CarriesEverySizeAroundTheBoundariesBothWays) {
  const std::vector<size_t> sizes = SizesAroundTheBoundaries();
  Child worker([&] { return Echo(&worker_, static_cast<int>(sizes.size())); });

  std::vector<char> answer;
  for (size_t size : sizes) {
    std::vector<char> request(size);
    for (size_t i = 0; i < size; ++i) request[i] = static_cast<char>(i * 31 + size);
    client_.Send(request.data(), size);
    ASSERT_EQ(client_.Receive(Patiently(), &answer), WaitOutcome::kFrame);
    ASSERT_EQ(answer, request) << "size " << size;
  }
  EXPECT_TRUE(worker.Succeeded());
}

TEST_F(LaneTest, EndsAtItsDeadlineAndCanBeTakenUpAgain) {
  std::vector<char> frame;
  const int64_t start = MonotonicNanos();

  EXPECT_EQ(client_.Receive(Within(20 * kMillisecond), &frame), WaitOutcome::kDeadline);

  EXPECT_GE(MonotonicNanos() - start, 20 * kMillisecond);
  worker_.Send("late", 4);
  EXPECT_EQ(client_.Receive(Patiently(), &frame), WaitOutcome::kFrame);
  EXPECT_EQ(std::string(frame.begin(), frame.end()), "late");
}

TEST_F(LaneTest, APastDeadlineStillYieldsAFrameThatIsThere) {
  worker_.Send("x", 1);
  std::vector<char> frame;

  EXPECT_EQ(client_.Receive(Within(-kMillisecond), &frame), WaitOutcome::kFrame);
  EXPECT_EQ(client_.Receive(Within(-kMillisecond), &frame), WaitOutcome::kDeadline);
}

TEST_F(LaneTest, EndsWhenTheDeathWordIsSet) {
  Shared<DeathPage> page;
  page->dead = 1;
  WaitContext context = Patiently();
  context.death = &page->dead;
  std::vector<char> frame;

  EXPECT_EQ(client_.Receive(context, &frame), WaitOutcome::kPeerDead);
}

TEST_F(LaneTest, AFrameSentBeforeDyingIsStillDelivered) {
  Shared<DeathPage> page;
  page->dead = 1;
  worker_.Send("last words", 10);
  WaitContext context = Patiently();
  context.death = &page->dead;
  std::vector<char> frame;

  EXPECT_EQ(client_.Receive(context, &frame), WaitOutcome::kFrame);
  EXPECT_EQ(client_.Receive(context, &frame), WaitOutcome::kPeerDead);
}

// The client maps the death page for reading only; the kernel must let it sleep there all the same.
TEST_F(LaneTest, WakesFromAReadOnlyDeathPage) {
  Result<ShmSegment> writable = ShmSegment::Create(sizeof(DeathPage), "death");
  ASSERT_TRUE(writable.ok()) << writable.status().message;
  UniqueFd fd(::dup(writable->fd()));
  Result<ShmSegment> readable = ShmSegment::Map(std::move(fd), writable->size(), Access::kReadOnly);
  ASSERT_TRUE(readable.ok()) << readable.status().message;
  auto* page = reinterpret_cast<DeathPage*>(writable->data());
  WaitContext context = Patiently();
  context.death = &reinterpret_cast<const DeathPage*>(readable->data())->dead;

  std::thread daemon([&] {
    while (memory()->client.asleep.load() == 0) {
    }
    page->dead = 1;
    FutexWake(&page->dead);
  });
  std::vector<char> frame;
  EXPECT_EQ(client_.Receive(context, &frame), WaitOutcome::kPeerDead);
  daemon.join();
}

TEST_F(LaneTest, ADeathWordIsSeenWithinASliceThoughTheOwnerSeemsAlive) {
  Shared<DeathPage> page;
  memory()->worker.owner = 0x80000001u;
  WaitContext context = Patiently();
  context.death = &page->dead;
  std::thread daemon([&] {
    while (memory()->client.asleep.load() == 0) ::sched_yield();
    page->dead = 1;
    FutexWake(&page->dead);
  });
  std::vector<char> frame;
  const int64_t start = MonotonicNanos();

  EXPECT_EQ(client_.Receive(context, &frame), WaitOutcome::kPeerDead);

  EXPECT_LT(MonotonicNanos() - start, 5000 * kMillisecond);
  daemon.join();
}

// Each time: a child holds the owner word and is killed while the client sleeps.
TEST_F(LaneTest, NoticesAKilledOwnerLongBeforeItsNextSlice) {
  std::vector<int64_t> notices;
  for (int round = 0; round < 9; ++round) {
    memory()->worker.owner = 0;
    Child worker([&] {
      if (!HoldOwnerWord(&memory()->worker.owner)) return false;
      for (;;) ::pause();
    });
    while (memory()->worker.owner.load() == 0) ::sched_yield();
    std::atomic<int64_t> killed_at{0};
    std::thread killer([&] {
      while (memory()->client.asleep.load() == 0) ::sched_yield();
      killed_at = MonotonicNanos();
      worker.Kill();
    });
    std::vector<char> frame;

    EXPECT_EQ(client_.Receive(Patiently(), &frame), WaitOutcome::kPeerDead);

    const int64_t noticed_at = MonotonicNanos();
    killer.join();
    notices.push_back(noticed_at - killed_at);
  }
  std::nth_element(notices.begin(), notices.begin() + 4, notices.end());
  EXPECT_LT(notices[4], 50 * kMillisecond);
}

TEST_F(LaneTest, NoticesAnOwnerThatEndedWithoutASignal) {
  std::thread([&] { EXPECT_TRUE(HoldOwnerWord(&memory()->worker.owner)); }).join();
  std::vector<char> frame;

  EXPECT_EQ(client_.Receive(Patiently(), &frame), WaitOutcome::kPeerDead);
}

struct Hook {
  int calls = 0;
  int cancel_after = 0;
};

WaitOutcome CountSlice(void* self) {
  auto* hook = static_cast<Hook*>(self);
  return ++hook->calls >= hook->cancel_after ? WaitOutcome::kCancelled : WaitOutcome::kFrame;
}

TEST_F(LaneTest, AsksItsHookEverySliceAndObeysIt) {
  Hook hook{0, 2};
  WaitContext context = Patiently();
  context.on_slice = CountSlice;
  context.self = &hook;
  std::vector<char> frame;
  const int64_t start = MonotonicNanos();

  EXPECT_EQ(client_.Receive(context, &frame), WaitOutcome::kCancelled);

  EXPECT_EQ(hook.calls, 2);
  EXPECT_GE(MonotonicNanos() - start, 200 * kMillisecond);
}

TEST_F(LaneTest, AsksItsHookAtOnceWhenASignalCame) {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  struct sigaction before;
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  Hook hook{0, 1};
  WaitContext context = Patiently();
  context.on_slice = CountSlice;
  context.self = &hook;
  const pthread_t waiting = ::pthread_self();
  std::atomic<bool> done{false};
  std::thread signaller([&] {
    while (memory()->client.asleep.load() == 0) ::sched_yield();
    // One signal could still come before the sleep proper and be lost on it.
    while (!done) {
      ::pthread_kill(waiting, SIGUSR1);
      ::usleep(1000);
    }
  });
  std::vector<char> frame;
  const int64_t start = MonotonicNanos();

  EXPECT_EQ(client_.Receive(context, &frame), WaitOutcome::kCancelled);

  const int64_t waited = MonotonicNanos() - start;
  done = true;
  signaller.join();
  ::sigaction(SIGUSR1, &before, nullptr);
  EXPECT_LT(waited, 100 * kMillisecond) << "only the slice ended the sleep";
}

TEST_F(LaneTest, C2_6_ASequenceThatJumpsIsAViolation) {
  for (uint32_t jump : {2u, 3u, 0x80000000u, 0xffffffffu}) {
    memory()->worker.sequence = jump;
    std::vector<char> frame;
    EXPECT_EQ(client_.Receive(Patiently(), &frame), WaitOutcome::kViolation) << jump;
  }
}

TEST_F(LaneTest, C2_6_ASequenceThatRunsBackwardsIsAViolation) {
  std::vector<char> frame;
  worker_.Send("x", 1);
  ASSERT_EQ(client_.Receive(Patiently(), &frame), WaitOutcome::kFrame);

  memory()->worker.sequence = 0;

  EXPECT_EQ(client_.Receive(Patiently(), &frame), WaitOutcome::kViolation);
}

TEST_F(LaneTest, C2_13_AnOversizeFrameIsAViolation) {
  for (uint32_t size : {static_cast<uint32_t>(kOverflowFrame) + 1, 0x80000000u, 0xffffffffu}) {
    memory()->worker.frame_size = size;
    memory()->worker.sequence = 1;
    std::vector<char> frame;
    EXPECT_EQ(client_.Receive(Patiently(), &frame), WaitOutcome::kViolation) << size;
    EXPECT_TRUE(frame.empty());
  }
}

// The peer keeps rewriting size and bytes of a published frame: what was received is one size
// within bounds and never changes again.
TEST_F(LaneTest, B19_C2_1_AFrameStaysAsReceivedWhateverThePeerWritesAfterwards) {
  Child hostile([&] {
    LaneHalf& half = memory()->worker;
    half.sequence = 1;
    for (uint32_t i = 0;; ++i) {
      half.frame_size.store(i % 3 == 0 ? kInlineFrame : i % 3 == 1 ? 48 : 0xffffffffu);
      std::memset(half.frame, static_cast<int>(i), kFrameHead + 256);
    }
    return true;
  });
  while (memory()->worker.sequence.load() == 0) ::sched_yield();

  for (int round = 0; round < 2000; ++round) {
    Lane client(memory(), Side::kClient, &client_spin_);
    std::vector<char> frame;
    const WaitOutcome outcome = client.Receive(Patiently(), &frame);
    if (outcome == WaitOutcome::kViolation) continue;
    ASSERT_EQ(outcome, WaitOutcome::kFrame);
    ASSERT_TRUE(frame.size() == 48 || frame.size() == kInlineFrame) << frame.size();
    const std::vector<char> copy = frame;
    for (int i = 0; i < 100; ++i) ASSERT_EQ(frame, copy);
  }
}

// The request half is the client's, but nothing stops a worker that maps it from scribbling there.
TEST_F(LaneTest, C2_6_TheOwnHalfDecidesNothing) {
  Child worker([&] { return Echo(&worker_, 1); });
  memory()->client.frame_size = 0xffffffffu;
  memory()->client.asleep = 1;
  memory()->client.cpu = 0xffffffffu;
  std::vector<char> frame;

  client_.Send("ping", 4);

  EXPECT_EQ(client_.Receive(Patiently(), &frame), WaitOutcome::kFrame);
  EXPECT_EQ(std::string(frame.begin(), frame.end()), "ping");
  EXPECT_TRUE(worker.Succeeded());
}

// What Lane::Receive would be if it believed the words that its peer writes: any change of the
// sequence is the next frame, of whatever size the peer says.
class TrustingReader {
 public:
  explicit TrustingReader(const LaneHalf* peer) : peer_(peer) {}

  bool Receive(std::string* frame) {
    const uint32_t sequence = peer_->sequence.load();
    if (sequence == received_) return false;
    received_ = sequence;
    frame->assign(peer_->frame, peer_->frame_size.load());
    return true;
  }

 private:
  const LaneHalf* peer_;
  uint32_t received_ = 0;
};

TEST_F(LaneTest, C2_6_ControlATrustingReaderTakesAnOldAnswerForEachNewOne) {
  TrustingReader reader(&memory()->worker);
  worker_.Send("to the first", 12);
  std::string frame;
  ASSERT_TRUE(reader.Receive(&frame));
  ASSERT_FALSE(reader.Receive(&frame));

  for (uint32_t sequence : {6u, 5u, 0x80000000u, 0u}) {
    memory()->worker.sequence = sequence;
    frame.clear();
    EXPECT_TRUE(reader.Receive(&frame)) << sequence;
    EXPECT_EQ(frame, "to the first");
  }
}

TEST(LaneDeathTest, C2_13_ControlATrustingReaderRunsOffTheMapping) {
  Result<ShmSegment> segment = ShmSegment::Create(sizeof(LaneMemory), "lane");
  ASSERT_TRUE(segment.ok()) << segment.status().message;
  LaneHalf& worker = reinterpret_cast<LaneMemory*>(segment->data())->worker;
  worker.frame_size = sizeof(LaneMemory);  // ends behind the segment, where nothing is
  worker.sequence = 1;

  EXPECT_DEATH(
      {
        std::string frame;
        TrustingReader(&worker).Receive(&frame);
      },
      "");
}

// Rings until it is killed.
bool Storm(LaneMemory* memory, std::atomic<uint32_t>* doorbells) {
  for (;;) {
    memory->worker.asleep.fetch_xor(1);
    FutexWake(&memory->worker.sequence);
    FutexWake(&memory->worker.owner);
    doorbells->fetch_add(1);
  }
}

TEST_F(LaneTest, C2_7_AStormOfDoorbellsMovesNoDeadline) {
  Shared<std::atomic<uint32_t>> doorbells;
  Child worker([&] { return Storm(memory(), doorbells.get()); });
  while (doorbells->load() == 0) ::sched_yield();
  std::vector<char> frame;

  EXPECT_EQ(client_.Receive(Within(300 * kMillisecond), &frame), WaitOutcome::kDeadline);
}

struct Patience {
  const std::atomic<uint32_t>* doorbells;
  uint32_t until;
};

WaitOutcome EndAfterDoorbells(void* self) {
  auto* patience = static_cast<Patience*>(self);
  return patience->doorbells->load() >= patience->until ? WaitOutcome::kCancelled
                                                        : WaitOutcome::kFrame;
}

// Only the test's own hook ends it.
TEST_F(LaneTest, C2_7_ControlWithoutADeadlineTenThousandDoorbellsEndNoWait) {
  Shared<std::atomic<uint32_t>> doorbells;
  Child worker([&] { return Storm(memory(), doorbells.get()); });
  Patience patience{doorbells.get(), 10'000};
  WaitContext context;
  context.on_slice = EndAfterDoorbells;
  context.self = &patience;
  std::vector<char> frame;

  EXPECT_EQ(client_.Receive(context, &frame), WaitOutcome::kCancelled);
  EXPECT_GE(doorbells->load(), patience.until);
}

// The lane only hints at it; Worker::AwaitDeath asks the daemon, and the daemon the kernel.
TEST_F(LaneTest, C2_9_ControlTheWorkersOwnWordTellsOfADeathThatNeverWas) {
  Child worker([&] {
    if (!HoldOwnerWord(&memory()->worker.owner)) return false;
    memory()->worker.owner.fetch_or(FUTEX_OWNER_DIED);
    FutexWake(&memory()->worker.owner);
    for (;;) ::pause();
  });
  while (memory()->worker.owner.load() == 0) ::sched_yield();
  std::vector<char> frame;

  EXPECT_EQ(client_.Receive(Patiently(), &frame), WaitOutcome::kPeerDead);
  EXPECT_TRUE(worker.Runs());
}

}  // namespace
}  // namespace tvmffi::testing
