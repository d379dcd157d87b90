// Workers that a real daemon keeps ready, with a worker program that says what it was given.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "proto/base/clock.h"
#include "proto/base/shm_segment.h"
#include "proto/channel/layout.h"
#include "tests/support/test_daemon.h"

namespace tvmffi {
namespace {

using testing::ChildrenOf;
using testing::CountFds;
using testing::CreatedWorker;
using testing::TestDaemon;
using testing::TestSession;
using testing::WaitUntilGone;

// What a worker must be for a prepared one to do.
wire::CreateWorker Usual(const std::string& mode, std::vector<std::string> more = {}) {
  more.push_back("FAKE_WORKER=" + mode);
  wire::CreateWorker request;
  request.label = "w-" + mode;
  request.environment = std::move(more);
  request.grants.tmpfs_bytes = wire::kDefaultTmpfs;
  return request;
}

CreatedWorker Create(TestSession* session, wire::CreateWorker request) {
  request.request_id = session->NextId();
  session->Send(request);
  std::vector<UniqueFd> fds;
  auto created = session->Expect<wire::WorkerCreated>(&fds);
  if (fds.size() != 4) return {};
  return {created.worker_id, created.pid,       std::move(fds[0]),
          std::move(fds[1]), std::move(fds[2]), std::move(fds[3])};
}

wire::Stats Stats(TestSession* session) {
  session->Send(wire::GetStats{session->NextId()});
  return session->Expect<wire::Stats>();
}

// Waits until so many are there and can be used: a worker counts from the beginning of its start.
void AwaitPrepared(const TestDaemon& daemon, uint32_t count) {
  const int64_t deadline = DeadlineAfter(10);
  while (MonotonicNanos() < deadline) {
    if (Stats(daemon.session.get()).prepared == count) break;
    ::usleep(1000);
  }
  EXPECT_EQ(Stats(daemon.session.get()).prepared, count);
}

// One request after the other until one is met by a prepared worker.
CreatedWorker CreateFromPool(const TestDaemon& daemon, const wire::CreateWorker& request) {
  const uint64_t used = Stats(daemon.session.get()).prepared_used;
  for (int i = 0; i < 50; ++i) {
    AwaitPrepared(daemon, 1);
    CreatedWorker worker = Create(daemon.session.get(), request);
    if (Stats(daemon.session.get()).prepared_used > used) return worker;
    daemon.session->Kill(worker.id, wire::KillCause::kClosed);
  }
  ADD_FAILURE() << "no request in fifty met a prepared worker";
  return {};
}

TEST(WorkerPool, BecomesTheWorkerOfItsOneClient) {
  TestDaemon daemon({"--prepared", "1"});
  // The daemon of one client prepares none before it has asked for one.
  Create(daemon.session.get(), Usual("serve"));
  std::set<pid_t> pids;
  std::set<uint32_t> ids;
  for (int i = 0; i < 20; ++i) {
    CreatedWorker worker = CreateFromPool(daemon, Usual("serve"));
    EXPECT_TRUE(pids.insert(worker.pid).second) << "used twice";
    EXPECT_TRUE(ids.insert(worker.id).second);
    // Its channel is its own: what it has written into it is its number.
    Result<ShmSegment> channel =
        ShmSegment::Map(std::move(worker.channel), kChannelSize, Access::kReadWrite);
    ASSERT_TRUE(channel.ok()) << channel.status().message;
    daemon.session->Send(wire::OpenLane{daemon.session->NextId(), worker.id, 13});
    daemon.session->Expect<wire::Done>();
    daemon.session->AwaitExit(worker.id);
    EXPECT_EQ(channel->data()[kLanesOffset], static_cast<char>(worker.id));
  }
}

TEST(WorkerPool, AWorkerStartsWithNothingButWhatItIsGiven) {
  TestDaemon daemon({"--prepared", "1"});
  Create(daemon.session.get(), Usual("serve"));
  wire::CreateWorker request = Usual("describe", {"LANG=C"});
  request.limits.open_files = 33;

  CreatedWorker worker = CreateFromPool(daemon, request);
  daemon.session->Send(wire::OpenLane{daemon.session->NextId(), worker.id, 13});
  daemon.session->Expect<wire::Done>();
  const std::vector<std::string> said = daemon.session->AwaitExit(worker.id).log_tail;

  for (const char* line : {"fds 0 1 2 3 4", "environment LANG FAKE_WORKER", "session own",
                           "core 0 files 33", "stdin /dev/null", "signals default"}) {
    EXPECT_NE(std::find(said.begin(), said.end(), line), said.end())
        << line << " in " << ::testing::PrintToString(said);
  }
}

TEST(WorkerPool, WhatNoneCanBecomeIsStartedAnew) {
  TestDaemon daemon({"--prepared", "1"});
  Create(daemon.session.get(), Usual("serve"));
  AwaitPrepared(daemon, 1);
  wire::CreateWorker no_tmpfs = Usual("serve");
  no_tmpfs.grants.tmpfs_bytes = 0;
  wire::CreateWorker network = Usual("serve");
  network.grants.network = true;
  for (const wire::CreateWorker& request :
       {no_tmpfs, network, Usual("serve", {"LD_LIBRARY_PATH=/lib"}),
        Usual("serve", {"MALLOC_ARENA_MAX=1"})}) {
    EXPECT_GT(Create(daemon.session.get(), request).pid, 0);
  }

  const wire::Stats stats = Stats(daemon.session.get());
  EXPECT_EQ(stats.prepared_used, 0u);
  EXPECT_EQ(stats.workers_created, 5u);
  EXPECT_EQ(stats.workers, 5u);
}

TEST(WorkerPool, C3_5_TakesNoWorkerFromASessionsAllowance) {
  TestDaemon daemon({"--prepared", "16"});
  for (int i = 0; i < 64; ++i) ASSERT_GT(Create(daemon.session.get(), Usual("serve")).pid, 0) << i;

  AwaitPrepared(daemon, 16);
  EXPECT_EQ(Stats(daemon.session.get()).workers, 64u);
  wire::CreateWorker request = Usual("serve");
  request.request_id = 5000;
  daemon.session->Send(request);
  EXPECT_EQ(daemon.session->Expect<wire::Failed>().code, Code::kResourceExhausted);
}

TEST(WorkerPool, EndsWithTheDaemon) {
  for (const int signal : {SIGTERM, SIGKILL}) {
    TestDaemon daemon({"--prepared", "3"});
    Create(daemon.session.get(), Usual("serve"));
    AwaitPrepared(daemon, 3);
    const std::vector<pid_t> children = ChildrenOf(daemon.process->pid());
    EXPECT_EQ(children.size(), 4u);

    daemon.process->Signal(signal);

    const std::optional<int> status = daemon.process->Wait();
    ASSERT_TRUE(status.has_value());
    EXPECT_EQ(WIFEXITED(*status), signal == SIGTERM) << daemon.process->Output();
    for (pid_t child : children) EXPECT_TRUE(WaitUntilGone(child));
  }
}

TEST(WorkerPool, OneThatDiesIsReplacedAfterAWhileAndTheDaemonSaysWhy) {
  TestDaemon daemon({"--prepared", "1"});
  CreatedWorker worker = Create(daemon.session.get(), Usual("serve"));
  AwaitPrepared(daemon, 1);
  for (pid_t child : ChildrenOf(daemon.process->pid())) {
    if (child == worker.pid) continue;
    ::kill(child, SIGKILL);
    EXPECT_TRUE(WaitUntilGone(child));
  }

  EXPECT_GT(Create(daemon.session.get(), Usual("serve")).pid, 0);

  AwaitPrepared(daemon, 1);
  EXPECT_NE(daemon.process->Output().find("cannot prepare a worker, the next try is in 1 s"),
            std::string::npos)
      << daemon.process->Output();
}

TEST(WorkerPool, AProgramThatCannotBeStartedIsTriedLaterAndLater) {
  TestDaemon daemon({"--prepared", "2", "--worker", "/bin/false"});
  daemon.session->Send(Usual("serve"));
  daemon.session->Receive();
  const int64_t deadline = DeadlineAfter(30);
  std::string said;
  while (MonotonicNanos() < deadline && said.find("in 2 s") == std::string::npos) {
    ::usleep(10'000);
    said = daemon.process->Output();
  }

  EXPECT_NE(said.find("cannot prepare a worker, the next try is in 1 s"), std::string::npos);
  EXPECT_NE(said.find("cannot prepare a worker, the next try is in 2 s"), std::string::npos);
  EXPECT_EQ(Stats(daemon.session.get()).prepared_used, 0u);
}

// Each comes and goes many times: what the daemon holds stays the same.
TEST(WorkerPool, HundredOfThemLeaveNothing) {
  TestDaemon daemon({"--prepared", "1"});
  auto cycle = [&] {
    CreatedWorker worker = Create(daemon.session.get(), Usual("serve"));
    daemon.session->Kill(worker.id, wire::KillCause::kClosed);
  };
  for (int i = 0; i < 3; ++i) cycle();
  AwaitPrepared(daemon, 1);
  const size_t before = CountFds(daemon.process->pid());

  for (int i = 0; i < 100; ++i) cycle();

  AwaitPrepared(daemon, 1);
  const int64_t deadline = DeadlineAfter(10);
  while (CountFds(daemon.process->pid()) != before && MonotonicNanos() < deadline) ::usleep(1000);
  EXPECT_EQ(CountFds(daemon.process->pid()), before);
  EXPECT_EQ(ChildrenOf(daemon.process->pid()).size(), 1u);
}

}  // namespace
}  // namespace tvmffi
