// The daemon on a socket path.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/wire/unix_path.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_daemon.h"

namespace tvmffi {
namespace {

using testing::ChildProgram;
using testing::CreatedWorker;
using testing::TestSession;
using testing::WaitUntilGone;

class SharedDaemonTest : public ::testing::Test {
 protected:
  std::unique_ptr<ChildProgram> Start(std::vector<std::string> more_flags = {}) {
    std::vector<std::string> flags = {"--socket", path_, "--worker", testing::FakeWorkerProgram()};
    flags.insert(flags.end(), more_flags.begin(), more_flags.end());
    return std::make_unique<ChildProgram>(testing::DaemonProgram(), flags, std::map<int, int>());
  }

  // Waits for the daemon to listen.
  std::unique_ptr<TestSession> Connect() {
    int64_t deadline = DeadlineAfter(10);
    for (;;) {
      Result<UniqueFd> socket = ConnectUnix(path_, deadline);
      if (socket.ok()) return std::make_unique<TestSession>(std::move(*socket));
      if (MonotonicNanos() > deadline) {
        ADD_FAILURE() << socket.status().message;
        return nullptr;
      }
      ::usleep(1000);
    }
  }

  std::unique_ptr<TestSession> Open() {
    std::unique_ptr<TestSession> session = Connect();
    if (session != nullptr) session->Hello();
    return session;
  }

  // A worker it was starting may hold the socket for a moment longer than itself.
  bool WaitUntilNobodyListens() {
    const int64_t deadline = DeadlineAfter(10);
    while (MonotonicNanos() < deadline) {
      if (!ConnectUnix(path_, deadline).ok()) return true;
      ::usleep(1000);
    }
    return false;
  }

  bool PathExists() { return ::access(path_.c_str(), F_OK) == 0; }

  testing::TempDir folder_;
  std::string path_ = folder_ / "run/hostd.sock";
};

TEST_F(SharedDaemonTest, ServesSeveralSessionsAndEndsCleanly) {
  auto daemon = Start();
  auto first = Open(), second = Open();
  CreatedWorker worker = first->Create("serve");
  second->Send(wire::GetStats{1});
  auto stats = second->Expect<wire::Stats>();
  EXPECT_EQ(stats.sessions, 2u);
  EXPECT_EQ(stats.workers, 1u);

  daemon->Signal(SIGINT);

  EXPECT_EQ(daemon->Wait(), 0) << daemon->Output();
  EXPECT_FALSE(PathExists());
  EXPECT_FALSE(::access((path_ + ".lock").c_str(), F_OK) == 0);
  EXPECT_TRUE(WaitUntilGone(worker.pid));
}

TEST_F(SharedDaemonTest, C3_4_ASessionCannotNameTheWorkersOfAnother) {
  auto daemon = Start();
  auto first = Open(), second = Open();
  CreatedWorker worker = first->Create("serve");

  second->Send(wire::KillWorker{1, worker.id, wire::KillCause::kClosed});

  EXPECT_EQ(second->Expect<wire::Failed>().code, Code::kNotFound);
  EXPECT_EQ(first->Kill(worker.id, wire::KillCause::kCancelled).cause, "cancelled");
}

// Ids are easy to guess: on the connection that they belong to the guess ends the worker.
TEST_F(SharedDaemonTest, C3_4_ControlWhereTheIdCountsAGuessEndsTheWorker) {
  auto daemon = Start();
  auto session = Open();
  CreatedWorker worker = session->Create("serve");
  constexpr uint32_t kGuess = 1;

  EXPECT_EQ(session->Kill(kGuess, wire::KillCause::kCancelled).cause, "cancelled");

  EXPECT_TRUE(WaitUntilGone(worker.pid));
}

TEST_F(SharedDaemonTest, TheEndOfOneSessionEndsItsWorkersOnly) {
  auto daemon = Start();
  auto first = Open(), second = Open();
  CreatedWorker gone = first->Create("hang"), stays = second->Create("serve");

  first.reset();

  EXPECT_TRUE(WaitUntilGone(gone.pid));
  EXPECT_EQ(second->Kill(stays.id, wire::KillCause::kClosed).cause, "closed");
}

// A message still on its way to a worker must not be answered to a session that has gone.
TEST_F(SharedDaemonTest, ASessionMayEndWithRequestsUnderWay) {
  auto daemon = Start();
  auto other = Open();
  for (int i = 0; i < 20; ++i) {
    auto session = Open();
    CreatedWorker worker = session->Create(i % 2 == 0 ? "deaf" : "exit:0");
    for (int k = 0; k < 500; ++k) session->Send(wire::RetireArena{1, worker.id, 1});
    session->Send(wire::AwaitExit{2, worker.id});
    session.reset();
  }

  CreatedWorker worker = other->Create("serve");
  EXPECT_EQ(other->Kill(worker.id, wire::KillCause::kClosed).cause, "closed");
}

TEST_F(SharedDaemonTest, RefusesToForwardOutput) {
  auto daemon = Start();
  auto session = Open();

  session->Send(wire::CreateWorker{1, "w", {}, {}, /*log_forward=*/true});

  EXPECT_EQ(session->Expect<wire::Failed>().code, Code::kInvalidArgument);
}

TEST_F(SharedDaemonTest, ASecondDaemonIsRefusedAndTheFirstGoesOn) {
  auto first = Start();
  auto session = Open();

  auto second = Start();

  std::optional<int> status = second->Wait();
  ASSERT_TRUE(status.has_value() && WIFEXITED(*status));
  EXPECT_EQ(WEXITSTATUS(*status), 1);
  EXPECT_NE(second->Output().find("another daemon is running on socket path '" + path_),
            std::string::npos)
      << second->Output();
  session->Send(wire::GetStats{1});
  session->Expect<wire::Stats>();
}

TEST_F(SharedDaemonTest, TakesTheSocketOfAKilledDaemonOver) {
  auto first = Start();
  Open();
  first->Signal(SIGKILL);
  first->Wait();
  ASSERT_TRUE(WaitUntilNobodyListens());
  ASSERT_TRUE(PathExists());

  auto second = Start();

  auto session = Open();
  session->Send(wire::GetStats{1});
  session->Expect<wire::Stats>();
}

TEST_F(SharedDaemonTest, SaysWhyItCannotUseAPath) {
  ASSERT_EQ(::mkdir((folder_ / "run").c_str(), 0700), 0);
  ASSERT_EQ(::mkdir(path_.c_str(), 0700), 0);
  auto daemon = Start();

  std::optional<int> status = daemon->Wait();

  ASSERT_TRUE(status.has_value() && WIFEXITED(*status));
  EXPECT_EQ(WEXITSTATUS(*status), 1);
  EXPECT_NE(daemon->Output().find("'" + path_ + "' is a directory"), std::string::npos);
}

TEST_F(SharedDaemonTest, C3_1_RefusesAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  auto daemon = Start();
  Open();
  ASSERT_EQ(::chmod(folder_.path().c_str(), 0755), 0);
  ASSERT_EQ(::chmod((folder_ / "run").c_str(), 0755), 0);
  ASSERT_EQ(::chmod(path_.c_str(), 0666), 0);

  ASSERT_EQ(::seteuid(12345), 0);
  Result<UniqueFd> socket = ConnectUnix(path_, DeadlineAfter(10));
  ASSERT_EQ(::seteuid(0), 0);

  ASSERT_TRUE(socket.ok()) << socket.status().message;
  TestSession session(std::move(*socket));
  EXPECT_TRUE(session.WaitForEnd());
  EXPECT_NE(daemon->Output().find("has uid 12345, daemon has 0"), std::string::npos)
      << daemon->Output();
}

TEST_F(SharedDaemonTest, EndsWhenIdleForLong) {
  // Long enough to be met by a client that is slow to come.
  auto daemon = Start({"--idle-exit", "3"});
  auto session = Open();
  CreatedWorker worker = session->Create("serve");

  session.reset();

  EXPECT_EQ(daemon->Wait(), 0);
  EXPECT_NE(daemon->Output().find("no client for too long"), std::string::npos);
  EXPECT_TRUE(WaitUntilGone(worker.pid));
}

TEST_F(SharedDaemonTest, C3_5_RefusesMoreSessionsThanItServes) {
  auto daemon = Start();
  std::vector<std::unique_ptr<TestSession>> sessions;
  for (int i = 0; i < 64; ++i) sessions.push_back(Open());

  EXPECT_TRUE(Connect()->WaitForEnd());

  sessions.pop_back();
  bool welcome = false;
  for (int tries = 0; tries < 1000 && !welcome; ++tries) {
    Result<UniqueFd> socket = ConnectUnix(path_, DeadlineAfter(10));
    ASSERT_TRUE(socket.ok());
    ControlConnection connection(std::move(*socket));
    Result<std::vector<char>> hello = wire::Encode(wire::Hello{1, wire::kProtocol, "t"});
    // A refused connection may be gone before this is written.
    welcome = connection.Send(*hello, {}, DeadlineAfter(10)).ok() &&
              connection.Receive(DeadlineAfter(10)).ok();
    ::usleep(10'000);
  }
  EXPECT_TRUE(welcome) << "the place of a session that ended was not given away";
}

}  // namespace
}  // namespace tvmffi
