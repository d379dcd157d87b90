#include "hostd/loop/event_loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "hostd/loop/fd_watch.h"
#include "hostd/loop/timer.h"
#include "tests/support/fd_leak_check.h"

namespace {

bool refuse_watches = false;
int waits = 0;

}  // namespace

// Both stand before the C library's in this program, for libuv too.
extern "C" int epoll_ctl(int set, int operation, int fd, epoll_event* event) {
  if (refuse_watches && operation == EPOLL_CTL_ADD) {
    errno = ENOMEM;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_epoll_ctl, set, operation, fd, event));
}

extern "C" int epoll_pwait(int set, epoll_event* events, int size, int timeout,
                           const sigset_t* mask) {
  ++waits;
  return static_cast<int>(
      ::syscall(SYS_epoll_pwait, set, events, size, timeout, mask, sizeof(uint64_t)));
}

namespace tvmffi::hostd {
namespace {

class EventLoopTest : public ::testing::Test {
 protected:
  // What libuv keeps for the life of a process.
  static void SetUpTestSuite() { ASSERT_TRUE(EventLoop::Create().ok()); }
  void SetUp() override {
    Result<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
    ASSERT_TRUE(loop.ok()) << loop.status().message;
    loop_ = std::move(*loop);
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read_end_ = UniqueFd(ends[0]);
    write_end_ = UniqueFd(ends[1]);
    waits = 0;
  }
  void TearDown() override { refuse_watches = false; }

  std::unique_ptr<FdWatch> Watch(int fd, FdWatch::Callback callback) {
    Result<std::unique_ptr<FdWatch>> watch = FdWatch::Create(loop_.get(), fd, std::move(callback));
    EXPECT_TRUE(watch.ok()) << watch.status().message;
    return std::move(*watch);
  }

  testing::FdLeakCheck leak_check_;
  std::unique_ptr<EventLoop> loop_;
  UniqueFd read_end_, write_end_;
};

// libuv would have ended this program.
TEST_F(EventLoopTest, C3_5_AWatchThatWasMadeNeedsNothingOfTheKernelAnyMore) {
  int calls = 0;
  auto watch = Watch(read_end_.get(), [&](int events) {
    EXPECT_EQ(events, FdWatch::kReadable);
    ++calls;
    loop_->Stop();
  });
  ASSERT_EQ(::write(write_end_.get(), "x", 1), 1);
  refuse_watches = true;

  watch->SetEvents(FdWatch::kReadable);
  loop_->Run();
  watch->SetEvents(0);
  watch->SetEvents(FdWatch::kReadable);
  loop_->Run();

  EXPECT_EQ(calls, 2);
}

TEST_F(EventLoopTest, C3_5_AWatchThatTheKernelRefusesIsAnErrorAndTheLoopGoesOn) {
  refuse_watches = true;
  Result<std::unique_ptr<FdWatch>> refused =
      FdWatch::Create(loop_.get(), read_end_.get(), [](int) {});
  refuse_watches = false;
  auto watch = Watch(write_end_.get(), [&](int) { loop_->Stop(); });
  watch->SetEvents(FdWatch::kWritable);
  loop_->Run();

  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code, Code::kResourceExhausted);
}

TEST_F(EventLoopTest, C3_5_ALoopThatCannotWatchItsOwnDescriptorsIsAnError) {
  refuse_watches = true;

  Result<std::unique_ptr<EventLoop>> loop = EventLoop::Create();

  ASSERT_FALSE(loop.ok());
  EXPECT_EQ(loop.status().code, Code::kResourceExhausted);
}

TEST_F(EventLoopTest, AWatchThatAnotherDestroysInTheSameRoundIsNotCalled) {
  UniqueFd other_end(::dup(write_end_.get()));
  std::unique_ptr<FdWatch> watches[2];
  int calls = 0;
  for (int i = 0; i < 2; ++i) {
    watches[i] = Watch(i == 0 ? write_end_.get() : other_end.get(), [&, i](int) {
      ++calls;
      watches[1 - i].reset();
      loop_->Stop();
    });
    watches[i]->SetEvents(FdWatch::kWritable);
  }

  loop_->Run();

  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, AnEndThatNobodyWaitsForDoesNotKeepTheLoopTurning) {
  auto watch = Watch(read_end_.get(), [](int) { FAIL() << "it waits for nothing"; });
  write_end_.reset();
  Timer timer(loop_.get(), [this] { loop_->Stop(); });
  timer.Start(50);

  loop_->Run();

  EXPECT_LT(waits, 20);
}

TEST_F(EventLoopTest, AnEndIsSeenOnceItIsWaitedFor) {
  auto watch = Watch(read_end_.get(), [this](int events) {
    EXPECT_EQ(events, FdWatch::kReadable);
    loop_->Stop();
  });
  write_end_.reset();
  loop_->Defer([&] { watch->SetEvents(FdWatch::kReadable); });

  loop_->Run();
}

TEST_F(EventLoopTest, WhatCannotBeWatchedIsAnError) {
  UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));

  EXPECT_FALSE(FdWatch::Create(loop_.get(), file.get(), [](int) {}).ok());
  EXPECT_FALSE(FdWatch::Create(loop_.get(), -1, [](int) {}).ok());
}

}  // namespace
}  // namespace tvmffi::hostd
