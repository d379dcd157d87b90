#include "hostd/supervisor/exit_report.h"

#include <cstring>

namespace tvmffi::hostd {
namespace {

// Null for a signal that no limit sends.
const char* LimitThatSends(int signal) {
  switch (signal) {
    case SIGXCPU:
      return "cpu_seconds";
    case SIGXFSZ:
      return "file_size_bytes";
    default:
      return nullptr;
  }
}

uint64_t Micros(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000 + static_cast<uint64_t>(time.tv_usec);
}

std::string SignalName(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name == nullptr ? "signal " + std::to_string(signal) : std::string("SIG") + name;
}

}  // namespace

const char* CauseName(wire::KillCause cause) {
  switch (cause) {
    case wire::KillCause::kClosed:
      return "closed";
    case wire::KillCause::kDeadline:
      return "deadline";
    case wire::KillCause::kCancelled:
      return "cancelled";
    case wire::KillCause::kViolation:
      return "violation";
  }
  return "closed";
}

wire::ExitReport MakeExitReport(const siginfo_t& info, const rusage& usage,
                                std::optional<wire::KillCause> kill_cause, int64_t lifetime_ns,
                                const LogRing& log) {
  wire::ExitReport report;
  if (info.si_code == CLD_EXITED) {
    report.cause = "exit";
    report.exit_status = info.si_status;
  } else {
    bool is_ours = kill_cause.has_value() && info.si_status == SIGKILL;
    report.cause = is_ours ? CauseName(*kill_cause) : "signal";
    report.signal = info.si_status;
  }
  report.pid = info.si_pid;
  report.lifetime_us = static_cast<uint64_t>(lifetime_ns / 1000);
  report.user_us = Micros(usage.ru_utime);
  report.system_us = Micros(usage.ru_stime);
  report.max_rss_kib = static_cast<uint64_t>(usage.ru_maxrss);
  report.log_tail = log.TailLines();
  report.log_bytes = log.total_bytes();
  if (const char* limit = LimitThatSends(report.signal)) report.limits_hit.emplace_back(limit);
  return report;
}

std::string Sentence(const wire::ExitReport& report) {
  std::string how;
  if (report.cause == "exit") {
    how = "exited with status " + std::to_string(report.exit_status);
  } else if (report.cause == "signal") {
    how = "died of " + SignalName(report.signal);
  } else {
    how = "was killed (" + report.cause + ")";
  }
  return how + " after " + std::to_string(report.lifetime_us / 1000) + " ms";
}

}  // namespace tvmffi::hostd
