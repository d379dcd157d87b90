#include "hostd/supervisor/exit_report.h"

#include <gtest/gtest.h>

#include <cstring>

namespace tvmffi::hostd {
namespace {

siginfo_t Info(int code, int status) {
  siginfo_t info;
  std::memset(&info, 0, sizeof(info));
  info.si_pid = 42;
  info.si_code = code;
  info.si_status = status;
  return info;
}

wire::ExitReport Report(int code, int status, std::optional<wire::KillCause> cause = {}) {
  return MakeExitReport(Info(code, status), {}, cause, 12'345'678, LogRing());
}

TEST(ExitReport, AnExitIsAnExitWhateverWasPlanned) {
  wire::ExitReport report = Report(CLD_EXITED, 3, wire::KillCause::kDeadline);

  EXPECT_EQ(report.cause, "exit");
  EXPECT_EQ(report.exit_status, 3);
  EXPECT_EQ(report.signal, 0);
  EXPECT_EQ(report.pid, 42);
  EXPECT_EQ(report.lifetime_us, 12'345u);
  EXPECT_EQ(Sentence(report), "exited with status 3 after 12 ms");
}

TEST(ExitReport, ASignalOfItsOwnIsNotOurKill) {
  wire::ExitReport report = Report(CLD_DUMPED, SIGSEGV, wire::KillCause::kDeadline);

  EXPECT_EQ(report.cause, "signal");
  EXPECT_EQ(report.signal, SIGSEGV);
  EXPECT_EQ(report.exit_status, -1);
  EXPECT_EQ(Sentence(report), "died of SIGSEGV after 12 ms");
}

TEST(ExitReport, OurKillHasOurCause) {
  wire::ExitReport report = Report(CLD_KILLED, SIGKILL, wire::KillCause::kViolation);

  EXPECT_EQ(report.cause, "violation");
  EXPECT_EQ(report.signal, SIGKILL);
  EXPECT_EQ(Sentence(report), "was killed (violation) after 12 ms");
}

TEST(ExitReport, AKillOfUnknownOriginIsASignal) {
  EXPECT_EQ(Report(CLD_KILLED, SIGKILL).cause, "signal");
  EXPECT_EQ(Sentence(Report(CLD_KILLED, 40)), "died of signal 40 after 12 ms");
}

TEST(ExitReport, CarriesUsageAndLog) {
  rusage usage{};
  usage.ru_utime = {1, 500'000};
  usage.ru_stime = {0, 250};
  usage.ru_maxrss = 777;
  LogRing log;
  log.Append("a\nb\n");

  wire::ExitReport report = MakeExitReport(Info(CLD_EXITED, 0), usage, {}, 0, log);

  EXPECT_EQ(report.user_us, 1'500'000u);
  EXPECT_EQ(report.system_us, 250u);
  EXPECT_EQ(report.max_rss_kib, 777u);
  EXPECT_EQ(report.log_tail, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(report.log_bytes, 4u);
}

// The largest report a worker can provoke must still fit a frame.
TEST(ExitReport, CanAlwaysBeSent) {
  LogRing log;
  log.Append(std::string(LogRing::kCapacity, '\x01'));
  LogRing lines;
  for (int i = 0; i < 100; ++i) lines.Append(std::string(1300, '\x01') + "\n");
  for (const LogRing* ring : {&log, &lines}) {
    wire::ExitReport report = MakeExitReport(Info(CLD_EXITED, 0), {}, {}, 0, *ring);

    Result<std::vector<char>> payload = wire::Encode(wire::WorkerExited{1, 1, report});

    ASSERT_TRUE(payload.ok()) << payload.status().message;
    EXPECT_LE(payload->size(), kMaxControlPayload);
  }
}

}  // namespace
}  // namespace tvmffi::hostd
