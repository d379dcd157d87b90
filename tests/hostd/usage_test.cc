#include "hostd/sandbox/usage.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <future>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "hostd/loop/event_loop.h"
#include "hostd/loop/timer.h"
#include "hostd/supervisor/usage_watch.h"
#include "proto/base/clock.h"

namespace tvmffi::hostd {
namespace {

constexpr uint64_t kAll = std::numeric_limits<uint64_t>::max();
constexpr size_t kMiB = size_t{1} << 20;

// A process that has done `work` and waits for its end, or its parent's.
class Waiting {
 public:
  explicit Waiting(const std::function<void()>& work) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      work();
      if (::write(ends[1], "x", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    char byte;
    EXPECT_EQ(::read(ends[0], &byte, 1), 1);
    ::close(ends[0]);
    ::close(ends[1]);
  }
  ~Waiting() { End(); }
  void End() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

void Touch(size_t mib, int flags) {
  void* block = ::mmap(nullptr, mib * kMiB, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) ::_exit(1);
  std::memset(block, 1, mib * kMiB);
}

uint64_t ProcessesOf(pid_t pid, uint64_t max = kAll) { return UsageOf(pid, 0, max).processes; }

TEST(Usage, C1_5_ThreadsCount) {
  std::promise<void> end;
  const std::shared_future<void> ended = end.get_future().share();
  std::vector<std::thread> threads;
  // A sanitizer's own thread begins with the first.
  threads.emplace_back([ended] { ended.wait(); });
  const uint64_t before = ProcessesOf(::getpid());
  for (int i = 0; i < 3; ++i) threads.emplace_back([ended] { ended.wait(); });

  EXPECT_EQ(ProcessesOf(::getpid()), before + 3);

  end.set_value();
  for (std::thread& thread : threads) thread.join();
}

TEST(Usage, C1_5_DescendantsCount) {
  const Waiting alone([] {});
  const Waiting family([] {
    new Waiting([] { new Waiting([] {}); });
    new Waiting([] {});
  });

  EXPECT_EQ(ProcessesOf(family.pid()), 4 * ProcessesOf(alone.pid()));
}

TEST(Usage, C1_5_TheCountEndsSoonAfterItsLimit) {
  const Waiting alone([] {});
  const Waiting family([] {
    for (int i = 0; i < 8; ++i) new Waiting([] {});
  });
  const uint64_t one = ProcessesOf(alone.pid());

  EXPECT_EQ(ProcessesOf(family.pid()), 9 * one);
  EXPECT_EQ(ProcessesOf(family.pid(), 3 * one), 4 * one);
}

TEST(Usage, C1_5_MemoryOfItsOwnAndSharedCounts) {
  for (const int flags : {MAP_PRIVATE, MAP_SHARED}) {
    const Waiting process([flags] { Touch(64, flags); });
    const uint64_t bytes = UsageOf(process.pid(), 0, kAll).memory_bytes;
    EXPECT_GE(bytes, 64 * kMiB);
    EXPECT_LT(bytes, 1024 * kMiB);
  }
}

TEST(Usage, SharedMemoryThatItWasLentDoesNotCount) {
  const Waiting process([] { Touch(64, MAP_SHARED); });
  const uint64_t own = UsageOf(process.pid(), 64 * kMiB, kAll).memory_bytes;
  const uint64_t all = UsageOf(process.pid(), 0, kAll).memory_bytes;
  EXPECT_EQ(all - own, 64 * kMiB);
}

TEST(Usage, OfAProcessThatHasEndedIsNothing) {
  Waiting process([] {});
  const pid_t pid = process.pid();
  process.End();
  EXPECT_EQ(UsageOf(pid, 0, kAll).processes, 0u);
  EXPECT_EQ(UsageOf(pid, 0, kAll).memory_bytes, 0u);
}

class UsageWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
    ASSERT_TRUE(loop.ok()) << loop.status().message;
    loop_ = std::move(*loop);
  }
  // Ends the loop.
  std::function<void(const char*)> Note() {
    return [this](const char* limit) {
      exceeded_ = limit;
      loop_->Stop();
    };
  }
  void RunFor(uint64_t milliseconds) {
    Timer end(loop_.get(), [this] { loop_->Stop(); });
    end.Start(milliseconds);
    loop_->Run();
  }

  std::unique_ptr<EventLoop> loop_;
  std::string exceeded_;
};

TEST_F(UsageWatchTest, C1_5_TooMuchMemoryIsTold) {
  const Waiting process([] { Touch(64, MAP_PRIVATE); });
  const UsageWatch watch(loop_.get(), process.pid(), {48 * kMiB, 0}, Note());

  loop_->Run();

  EXPECT_EQ(exceeded_, "memory");
}

TEST_F(UsageWatchTest, C1_5_TooManyProcessesAreTold) {
  const Waiting family([] {
    for (int i = 0; i < 8; ++i) new Waiting([] {});
  });
  const UsageWatch watch(loop_.get(), family.pid(), {0, 8}, Note());

  loop_->Run();

  EXPECT_EQ(exceeded_, "processes");
}

TEST_F(UsageWatchTest, WithinItsLimitsNothingIsTold) {
  const Waiting process([] { Touch(64, MAP_PRIVATE); });
  const UsageWatch watch(loop_.get(), process.pid(), {4096 * kMiB, 64}, Note());

  RunFor(300);

  EXPECT_EQ(exceeded_, "");
}

TEST_F(UsageWatchTest, WhatItWasLentIsItsOwnSomeTimeAfterItWasTakenBack) {
  const Waiting process([] { Touch(256, MAP_SHARED); });
  const uint64_t own = UsageOf(process.pid(), kAll, kAll).memory_bytes;
  UsageWatch watch(loop_.get(), process.pid(), {own + 128 * kMiB, 0}, Note());
  watch.Lend(7, 256 * kMiB);
  RunFor(300);
  EXPECT_EQ(exceeded_, "");

  const int64_t taken_back = MonotonicNanos();
  watch.TakeBack(7);
  watch.TakeBack(7);  // once is enough
  loop_->Run();

  EXPECT_EQ(exceeded_, "memory");
  EXPECT_GE(MonotonicNanos() - taken_back, 2'000'000'000);
}

TEST(Usage, ItIsShownHere) {
  const Status shown = ProbeUsage();
  EXPECT_TRUE(shown.ok()) << shown.message;
}

}  // namespace
}  // namespace tvmffi::hostd
