// A real daemon over a socket pair, with a worker program that dies on request.
#include <errno.h>
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "proto/base/clock.h"
#include "proto/base/shm_segment.h"
#include "proto/channel/layout.h"
#include "proto/wire/frame.h"
#include "tests/support/test_daemon.h"

namespace tvmffi {
namespace {

using testing::ChildrenOf;
using testing::CountFds;
using testing::CreatedWorker;
using testing::TestDaemon;
using testing::TestSession;
using testing::WaitUntilGone;

bool Contains(const std::vector<std::string>& lines, const std::string& line) {
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

// The pid in a line "left <pid>" of a report's log tail.
pid_t LeftPid(const wire::ExitReport& report) {
  for (const std::string& line : report.log_tail) {
    if (line.rfind("left ", 0) == 0) return std::stoi(line.substr(5));
  }
  ADD_FAILURE() << "the worker left nothing";
  return -1;
}

// Sends a message on and then one that the worker answers by dying, so that its log is complete.
wire::ExitReport EndByMessage(TestSession* session, const CreatedWorker& worker) {
  session->Send(wire::OpenLane{session->NextId(), worker.id, 13});
  session->Expect<wire::Done>();
  return session->AwaitExit(worker.id);
}

TEST(Daemon, WelcomesAClientOfItsProtocol) {
  TestDaemon daemon;
  daemon.session->Send(wire::GetStats{7});

  auto stats = daemon.session->Expect<wire::Stats>();

  EXPECT_EQ(stats.request_id, 7u);
  EXPECT_EQ(stats.sessions, 1u);
  EXPECT_EQ(stats.workers, 0u);
}

TEST(Daemon, C3_10_AnswersAnotherProtocolWithBothNumbers) {
  Result<std::pair<UniqueFd, UniqueFd>> ends = ControlSocketPair();
  ASSERT_TRUE(ends.ok());
  testing::ChildProgram process(testing::DaemonProgram(), {"--private-fd", "3"},
                                {{ends->second.get(), 3}});
  TestSession session(std::move(ends->first));

  session.Send(wire::Hello{1, 77, "9.9"});

  auto failed = session.Expect<wire::Failed>();
  EXPECT_EQ(failed.code, Code::kInvalidArgument);
  EXPECT_NE(failed.message.find("77"), std::string::npos);
  EXPECT_NE(failed.message.find("speaks " + std::to_string(wire::kProtocol)), std::string::npos);
}

TEST(Daemon, TheClientGetsTheMemoryThatTheWorkerGot) {
  TestDaemon daemon;

  CreatedWorker worker = daemon.session->Create("serve");

  Result<ShmSegment> channel =
      ShmSegment::Map(std::move(worker.channel), kChannelSize, Access::kReadWrite);
  ASSERT_TRUE(channel.ok()) << channel.status().message;
  EXPECT_EQ(reinterpret_cast<ChannelHeader*>(channel->data())->version, kChannelVersion);
  daemon.session->Send(wire::OpenLane{daemon.session->NextId(), worker.id, 13});
  daemon.session->Expect<wire::Done>();
  daemon.session->AwaitExit(worker.id);
  EXPECT_EQ(channel->data()[kLanesOffset], static_cast<char>(worker.id));
}

TEST(Daemon, AWorkerStartsWithNothingButWhatItIsGiven) {
  TestDaemon daemon;
  wire::Limits limits;
  limits.open_files = 33;

  CreatedWorker worker = daemon.session->Create("describe", {"LANG=C"}, limits);
  wire::ExitReport report = EndByMessage(daemon.session.get(), worker);

  // Descriptor 4 is the channel that the fake worker keeps mapped.
  EXPECT_TRUE(Contains(report.log_tail, "fds 0 1 2 3 4"))
      << ::testing::PrintToString(report.log_tail);
  EXPECT_TRUE(Contains(report.log_tail, "environment LANG FAKE_WORKER"));
  EXPECT_TRUE(Contains(report.log_tail, "session own"));
  EXPECT_TRUE(Contains(report.log_tail, "core 0 files 33"));
  EXPECT_TRUE(Contains(report.log_tail, "stdin /dev/null"));
  EXPECT_TRUE(Contains(report.log_tail, "signals default"));
}

TEST(Daemon, ReportsAnExitStatus) {
  TestDaemon daemon;
  CreatedWorker worker = daemon.session->Create("exit:3", {"FAKE_WORKER_PRINT=last words"});

  wire::ExitReport report = daemon.session->AwaitExit(worker.id);

  EXPECT_EQ(report.cause, "exit");
  EXPECT_EQ(report.exit_status, 3);
  EXPECT_EQ(report.signal, 0);
  EXPECT_EQ(report.pid, worker.pid);
  EXPECT_GT(report.max_rss_kib, 0u);
  EXPECT_GT(report.lifetime_us, 0u);
  EXPECT_EQ(report.log_tail, std::vector<std::string>{"last words"});
  EXPECT_EQ(report.log_bytes, 11u);
}

TEST(Daemon, ReportsASignal) {
  TestDaemon daemon;
  CreatedWorker worker = daemon.session->Create("segv");

  wire::ExitReport report = daemon.session->AwaitExit(worker.id);

  EXPECT_EQ(report.cause, "signal");
  EXPECT_EQ(report.signal, SIGSEGV);
  EXPECT_EQ(report.exit_status, -1);
}

// Nobody asked for this SIGKILL, so it must not be taken for one of ours.
TEST(Daemon, ASigkillFromElsewhereIsReportedAsASignal) {
  TestDaemon daemon;
  CreatedWorker worker = daemon.session->Create("kill");

  wire::ExitReport report = daemon.session->AwaitExit(worker.id);

  EXPECT_EQ(report.cause, "signal");
  EXPECT_EQ(report.signal, SIGKILL);
}

TEST(Daemon, B4_C1_3_KillsAWorkerThatBlocksEverySignalAndSaysWhy) {
  TestDaemon daemon;
  const std::pair<wire::KillCause, const char*> causes[] = {
      {wire::KillCause::kClosed, "closed"},
      {wire::KillCause::kDeadline, "deadline"},
      {wire::KillCause::kCancelled, "cancelled"},
      {wire::KillCause::kViolation, "violation"}};
  for (auto [cause, name] : causes) {
    CreatedWorker worker = daemon.session->Create("hang");

    wire::ExitReport report = daemon.session->Kill(worker.id, cause);

    EXPECT_EQ(report.cause, name);
    EXPECT_EQ(report.signal, SIGKILL);
    EXPECT_TRUE(WaitUntilGone(worker.pid));
  }
}

TEST(Daemon, AKillThatComesTooLateDoesNotChangeTheReport) {
  TestDaemon daemon;
  CreatedWorker worker = daemon.session->Create("exit:5");
  ASSERT_TRUE(WaitUntilGone(worker.pid));

  wire::ExitReport killed = daemon.session->Kill(worker.id, wire::KillCause::kDeadline);
  wire::ExitReport awaited = daemon.session->AwaitExit(worker.id);

  EXPECT_EQ(killed.cause, "exit");
  EXPECT_EQ(awaited.exit_status, 5);
}

TEST(Daemon, MarksTheDeathPageAndWakesItsWaiters) {
  TestDaemon daemon;
  CreatedWorker worker = daemon.session->Create("hang");
  EXPECT_FALSE(
      ShmSegment::Map(UniqueFd(::dup(worker.death_page.get())), kPage, Access::kReadWrite).ok())
      << "only the daemon may write it";
  Result<ShmSegment> page = ShmSegment::Map(std::move(worker.death_page), kPage, Access::kReadOnly);
  ASSERT_TRUE(page.ok()) << page.status().message;
  auto* dead = reinterpret_cast<std::atomic<uint32_t>*>(page->data());
  EXPECT_EQ(dead->load(), 0u);
  std::thread waiter([dead] {
    timespec patience{10, 0};
    while (dead->load() == 0) {
      long result = ::syscall(SYS_futex, dead, FUTEX_WAIT, 0, &patience, nullptr, 0);
      if (result != 0 && errno == ETIMEDOUT) break;
    }
  });

  daemon.session->Kill(worker.id, wire::KillCause::kDeadline);

  waiter.join();
  EXPECT_EQ(dead->load(), 1u);
}

TEST(Daemon, PassesArenasAndLanesOnToTheWorker) {
  TestDaemon daemon;
  CreatedWorker worker = daemon.session->Create("serve");
  Result<ShmSegment> arena = ShmSegment::CreateInput(4096, "arena");
  ASSERT_TRUE(arena.ok());
  std::snprintf(arena->data(), 4096, "tensor");
  std::vector<UniqueFd> fds;
  fds.emplace_back(::dup(arena->fd()));
  TestSession& session = *daemon.session;

  session.Send(wire::ShareArena{session.NextId(), worker.id, 5, 4096, true}, std::move(fds));
  session.Expect<wire::Done>();
  session.Send(wire::RetireArena{session.NextId(), worker.id, 5});
  session.Expect<wire::Done>();
  session.Send(wire::OpenLane{session.NextId(), worker.id, 2});
  session.Expect<wire::Done>();
  wire::ExitReport report = EndByMessage(&session, worker);

  std::vector<std::string> expected = {"ShareArena 5 holds tensor", "RetireArena", "OpenLane 2",
                                       "OpenLane 13"};
  EXPECT_EQ(report.log_tail, expected);
  EXPECT_EQ(report.signal, SIGSEGV);
}

TEST(Daemon, C3_5_AnswersEveryMessageToAWorkerThatStoppedReading) {
  TestDaemon daemon;
  CreatedWorker worker = daemon.session->Create("deaf");
  TestSession& session = *daemon.session;
  constexpr int kMessages = 3000;
  // The worker's queue fills up with as many unanswered messages; more unread answers than that
  // would be ours to blame, and the daemon would hang up.
  constexpr int kMaxUnanswered = ControlSender::kMaxQueuedFrames + 64;
  std::atomic<int> received{0};
  std::thread sender([&] {
    for (int i = 0; i < kMessages; ++i) {
      while (i - received.load() > kMaxUnanswered) std::this_thread::yield();
      session.Send(wire::RetireArena{1000, worker.id, 1});
    }
    session.Send(wire::KillWorker{2000, worker.id, wire::KillCause::kDeadline});
  });

  int done = 0, failed = 0, exited = 0;
  for (int i = 0; i < kMessages + 1; ++i) {
    wire::Message message = session.Receive();
    received.fetch_add(1);
    done += std::holds_alternative<wire::Done>(message);
    failed += std::holds_alternative<wire::Failed>(message);
    exited += std::holds_alternative<wire::WorkerExited>(message);
  }

  sender.join();
  EXPECT_EQ(done + failed, kMessages);
  EXPECT_GT(done, 0);
  EXPECT_GT(failed, 0) << "more fitted than a socket holds";
  EXPECT_EQ(exited, 1);
}

// What one worker leaves unread does not keep its session from reaching the others.
TEST(Daemon, C3_5_AWorkerThatStoppedReadingDoesNotUseItsSessionsAllowanceUp) {
  TestDaemon daemon;
  TestSession& session = *daemon.session;
  const CreatedWorker deaf = session.Create("deaf");
  const CreatedWorker good = session.Create("serve");
  Result<ShmSegment> arena = ShmSegment::Create(4096, "arena");
  ASSERT_TRUE(arena.ok());
  auto share = [&](uint64_t request_id, uint32_t worker) {
    std::vector<UniqueFd> fds;
    fds.emplace_back(::dup(arena->fd()));
    session.Send(wire::ShareArena{request_id, worker, 5, 4096, false}, std::move(fds));
  };
  constexpr uint64_t kShared = 10'000, kAsked = 10'001;
  uint64_t refused = 0;

  // Until nothing more fits between them.
  for (int round = 0; round < 100 && refused < 8; ++round) {
    for (int i = 0; i < 64; ++i) share(session.NextId(), deaf.id);
    session.Send(wire::GetStats{kAsked});
    for (wire::Message answer = session.Receive(); !std::holds_alternative<wire::Stats>(answer);
         answer = session.Receive()) {
      if (std::holds_alternative<wire::Failed>(answer)) ++refused;
      ASSERT_FALSE(::testing::Test::HasFailure());
    }
  }
  ASSERT_GE(refused, 8u);
  share(kShared, good.id);

  for (;;) {
    const wire::Message answer = session.Receive();
    if (const auto* failed = std::get_if<wire::Failed>(&answer)) {
      ASSERT_NE(failed->request_id, kShared) << failed->message;
    }
    const auto* done = std::get_if<wire::Done>(&answer);
    if (done != nullptr && done->request_id == kShared) break;
    ASSERT_FALSE(::testing::Test::HasFailure());
  }
}

TEST(Daemon, NamesAWorkerItDoesNotKnow) {
  TestDaemon daemon;
  TestSession& session = *daemon.session;

  session.Send(wire::AwaitExit{50, 4711});
  auto unknown = session.Expect<wire::Failed>();
  session.Send(wire::RetireArena{51, 4711, 1});
  auto unknown_too = session.Expect<wire::Failed>();
  CreatedWorker worker = session.Create("exit:0");
  session.AwaitExit(worker.id);
  session.Send(wire::RetireArena{52, worker.id, 1});
  auto ended = session.Expect<wire::Failed>();

  EXPECT_EQ(unknown.request_id, 50u);
  EXPECT_EQ(unknown.code, Code::kNotFound);
  EXPECT_NE(unknown.message.find("4711"), std::string::npos);
  EXPECT_EQ(unknown_too.code, Code::kNotFound);
  EXPECT_EQ(ended.code, Code::kUnavailable);
}

TEST(Daemon, ReportsTheLastLinesOfAFloodAndCountsAllOfIt) {
  TestDaemon daemon;
  CreatedWorker worker = daemon.session->Create("exit:0", {"FAKE_WORKER_FLOOD=3000000"});

  wire::ExitReport report = daemon.session->AwaitExit(worker.id);

  EXPECT_EQ(report.log_bytes, 3'000'000u);
  ASSERT_EQ(report.log_tail.size(), 50u);
  for (const std::string& line : report.log_tail) EXPECT_EQ(line, std::string(99, 'x'));
}

TEST(Daemon, EscapesWhatAWorkerPrints) {
  TestDaemon daemon;
  CreatedWorker worker =
      daemon.session->Create("exit:0", {"FAKE_WORKER_PRINT=\x1b[31mred\xff\xc3\xa9"});

  wire::ExitReport report = daemon.session->AwaitExit(worker.id);

  EXPECT_EQ(report.log_tail, std::vector<std::string>{"\\x1b[31mred\xEF\xBF\xBD\xC3\xA9"});
}

TEST(Daemon, ReportsAWorkerThatClosedItsOutput) {
  TestDaemon daemon;
  CreatedWorker worker = daemon.session->Create("closed_log");

  wire::ExitReport report = daemon.session->Kill(worker.id, wire::KillCause::kClosed);

  EXPECT_EQ(report.cause, "closed");
}

TEST(Daemon, KillsTheWorkersProcessGroupWithIt) {
  TestDaemon daemon;
  CreatedWorker worker = daemon.session->Create("group");

  pid_t left = LeftPid(EndByMessage(daemon.session.get(), worker));

  EXPECT_TRUE(WaitUntilGone(left));
}

// A double fork into a session of its own escapes the group; the daemon adopts and ends it.
TEST(Daemon, C1_4_EndsAProcessThatAWorkerLeftInAnotherSession) {
  TestDaemon daemon;
  CreatedWorker worker = daemon.session->Create("orphan");

  pid_t left = LeftPid(EndByMessage(daemon.session.get(), worker));

  EXPECT_TRUE(WaitUntilGone(left));
}

// A process that a debugger holds cannot be reaped. It keeps the worker's end back for a while, not
// for as long as other workers end.
TEST(Daemon, C2_17_AnOrphanThatDoesNotEndKeepsNoExitBackForGood) {
  TestDaemon daemon;
  TestSession& session = *daemon.session;
  const CreatedWorker worker = session.Create("orphan");
  pid_t orphan = 0;
  for (int64_t deadline = DeadlineAfter(10); orphan == 0 && MonotonicNanos() < deadline;) {
    for (pid_t child : ChildrenOf(daemon.process->pid())) {
      if (child != worker.pid) orphan = child;
    }
  }
  ASSERT_NE(orphan, 0);
  if (::ptrace(PTRACE_SEIZE, orphan, nullptr, nullptr) != 0) GTEST_SKIP() << "no ptrace here";

  session.Send(wire::KillWorker{4711, worker.id, wire::KillCause::kDeadline});
  bool announced = false;
  for (int i = 0; i < 60 && !announced; ++i) {
    session.Send(wire::CreateWorker{session.NextId(), "w", {}, {"FAKE_WORKER=exit:0"}});
    for (wire::Message answer = session.Receive();; answer = session.Receive()) {
      if (std::holds_alternative<wire::WorkerCreated>(answer)) break;
      ASSERT_TRUE(std::holds_alternative<wire::WorkerExited>(answer));
      announced = true;
    }
    ::usleep(100'000);
  }

  EXPECT_TRUE(announced);
  ::waitpid(orphan, nullptr, __WALL);
}

// Everything that lost its parent comes to a process 1, not just what workers left behind.
TEST(Daemon, AsProcess1ItKillsNoOrphansAndWaitsForNone) {
  constexpr char kUnshare[] = "/usr/bin/unshare";
  std::vector<std::string> flags = {"--pid", "--fork", "--mount-proc", "--kill-child"};
  if (::geteuid() != 0) flags.insert(flags.begin(), {"--user", "--map-root-user"});
  std::vector<std::string> nothing = flags;
  nothing.emplace_back("true");
  testing::ChildProgram probe(kUnshare, nothing, {});
  if (probe.Wait() != 0) GTEST_SKIP() << "no process 1 to be had: " << probe.Output();
  const std::vector<std::string> daemon = {testing::DaemonProgram(),
                                           "--private-fd",
                                           "3",
                                           "--worker",
                                           testing::FakeWorkerProgram(),
                                           "--without",
                                           "all",
                                           "--log-level",
                                           "info",
                                           "--observe",
                                           "none"};
  flags.insert(flags.end(), daemon.begin(), daemon.end());
  Result<std::pair<UniqueFd, UniqueFd>> ends = ControlSocketPair();
  ASSERT_TRUE(ends.ok());
  testing::ChildProgram process(kUnshare, flags, {{ends->second.get(), 3}});
  TestSession session(std::move(ends->first));
  session.Hello();

  for (int i = 0; i < 3; ++i) {
    const CreatedWorker worker = session.Create("orphan");
    LeftPid(EndByMessage(&session, worker));
  }

  EXPECT_NE(process.Output().find("the daemon is process 1"), std::string::npos)
      << process.Output();
  EXPECT_EQ(process.Output().find("do not end"), std::string::npos) << process.Output();
  session.Send(wire::CreateWorker{9, "w", {}, {"FAKE_WORKER=serve"}});
  const std::vector<std::string> layers = session.Expect<wire::WorkerCreated>().layers;
  EXPECT_FALSE(Contains(layers, "orphans"));
}

TEST(Daemon, TheEndOfTheSessionEndsWorkersAndPrivateDaemon) {
  TestDaemon daemon;
  CreatedWorker first = daemon.session->Create("hang");
  CreatedWorker second = daemon.session->Create("serve");

  daemon.session.reset();

  EXPECT_EQ(daemon.process->Wait(), 0);
  EXPECT_TRUE(WaitUntilGone(first.pid));
  EXPECT_TRUE(WaitUntilGone(second.pid));
}

TEST(Daemon, SigtermEndsWorkersAndDaemon) {
  TestDaemon daemon;
  CreatedWorker worker = daemon.session->Create("hang");

  daemon.process->Signal(SIGTERM);

  EXPECT_EQ(daemon.process->Wait(), 0) << daemon.process->Output();
  EXPECT_TRUE(WaitUntilGone(worker.pid));
  EXPECT_TRUE(daemon.session->WaitForEnd());
}

TEST(Daemon, ItsOwnSuddenDeathLeavesNoWorker) {
  TestDaemon daemon;
  CreatedWorker first = daemon.session->Create("hang");
  CreatedWorker second = daemon.session->Create("serve");
  // Both have passed their own start when a message has been taken and the other hangs on purpose.
  daemon.session->Send(wire::OpenLane{daemon.session->NextId(), second.id, 1});
  daemon.session->Expect<wire::Done>();

  daemon.process->Signal(SIGKILL);

  EXPECT_TRUE(daemon.process->Wait().has_value());
  EXPECT_TRUE(WaitUntilGone(first.pid));
  EXPECT_TRUE(WaitUntilGone(second.pid));
}

TEST(Daemon, EndsWithItsParent) {
  pid_t parent = ::fork();
  if (parent == 0) {
    for (;;) ::pause();
  }
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, parent, 0)));
  Result<std::pair<UniqueFd, UniqueFd>> ends = ControlSocketPair();
  ASSERT_TRUE(ends.ok());
  testing::ChildProgram process(
      testing::DaemonProgram(),
      {"--private-fd", "3", "--parent-pidfd", "4", "--worker", testing::FakeWorkerProgram()},
      {{ends->second.get(), 3}, {pidfd.get(), 4}});
  TestSession session(std::move(ends->first));
  session.Hello();
  CreatedWorker worker = session.Create("hang");

  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);

  EXPECT_EQ(process.Wait(), 0);
  EXPECT_TRUE(WaitUntilGone(worker.pid));
}

TEST(Daemon, NamesTheWorkerProgramThatIsMissing) {
  TestDaemon daemon({"--worker", "/nowhere/tvmffi-worker"});
  daemon.session->Send(wire::CreateWorker{3, "m", {}, {}, false});

  auto failed = daemon.session->Expect<wire::Failed>();

  EXPECT_EQ(failed.code, Code::kNotFound);
  EXPECT_NE(failed.message.find("/nowhere/tvmffi-worker"), std::string::npos);
  EXPECT_TRUE(ChildrenOf(daemon.process->pid()).empty());
}

TEST(Daemon, RefusesAVariableThatWouldRunCodeBeforeTheLock) {
  TestDaemon daemon;
  daemon.session->Send(wire::CreateWorker{3, "m", {}, {"LD_PRELOAD=/tmp/x.so"}, false});

  auto failed = daemon.session->Expect<wire::Failed>();

  EXPECT_EQ(failed.code, Code::kPermissionDenied);
  EXPECT_NE(failed.message.find("LD_PRELOAD"), std::string::npos);
}

TEST(Daemon, C3_5_RefusesMoreWorkersThanASessionMayHave) {
  TestDaemon daemon;
  std::vector<CreatedWorker> workers;
  for (int i = 0; i < 64; ++i) workers.push_back(daemon.session->Create("serve"));

  daemon.session->Send(wire::CreateWorker{9, "one more", {}, {"FAKE_WORKER=serve"}, false});

  auto failed = daemon.session->Expect<wire::Failed>();
  EXPECT_EQ(failed.code, Code::kResourceExhausted);
  EXPECT_NE(failed.message.find("64"), std::string::npos);
}

TEST(Daemon, ClosesTheConnectionOfAClientThatBreaksTheProtocol) {
  struct Case {
    const char* what;
    std::vector<char> payload;
  };
  Result<std::vector<char>> done = wire::Encode(wire::Done{1});
  Result<std::vector<char>> second_hello = wire::Encode(wire::Hello{1, wire::kProtocol, "t"});
  const Case cases[] = {{"nonsense", std::vector<char>(40, 'x')},
                        {"an empty frame", {}},
                        {"a daemon's message", *done},
                        {"a second Hello", *second_hello}};
  for (const Case& c : cases) {
    TestDaemon daemon;

    daemon.session->SendBytes(c.payload);

    EXPECT_TRUE(daemon.session->WaitForEnd()) << c.what;
    EXPECT_EQ(daemon.process->Wait(), 0) << c.what;
  }
}

TEST(Daemon, KeepsNoDescriptorOfOneHundredWorkers) {
  TestDaemon daemon;
  auto cycle = [&](int i) {
    const char* modes[] = {"exit:0", "segv", "hang"};
    CreatedWorker worker = daemon.session->Create(modes[i % 3]);
    daemon.session->Kill(worker.id, wire::KillCause::kClosed);
  };
  cycle(0);
  size_t before = CountFds(daemon.process->pid());
  ASSERT_GT(before, 0u);

  for (int i = 0; i < 100; ++i) cycle(i);
  // The answer to a later request shows that the last worker's leftovers are gone.
  daemon.session->Send(wire::GetStats{1});
  auto stats = daemon.session->Expect<wire::Stats>();

  EXPECT_EQ(CountFds(daemon.process->pid()), before);
  EXPECT_EQ(stats.workers, 0u);
  EXPECT_EQ(stats.workers_created, 101u);
  EXPECT_EQ(stats.workers_died, 101u);
  EXPECT_TRUE(ChildrenOf(daemon.process->pid()).empty());
}

TEST(Daemon, ForwardsOutputOnRequest) {
  TestDaemon daemon;
  TestSession& session = *daemon.session;
  session.Send(wire::CreateWorker{
      1, "loud\n", {}, {"FAKE_WORKER=exit:0", "FAKE_WORKER_PRINT=hello"}, /*log_forward=*/true});
  auto created = session.Expect<wire::WorkerCreated>();
  session.AwaitExit(created.worker_id);

  EXPECT_NE(daemon.process->Output().find("[loud\\x0a] hello\n"), std::string::npos)
      << daemon.process->Output();
}

}  // namespace
}  // namespace tvmffi
