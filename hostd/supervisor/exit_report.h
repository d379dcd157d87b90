// How a worker ended, from what the kernel says and why we killed it, if we did.
#ifndef TVMFFI_HOSTD_SUPERVISOR_EXIT_REPORT_H_
#define TVMFFI_HOSTD_SUPERVISOR_EXIT_REPORT_H_

#include <signal.h>
#include <sys/resource.h>

#include <cstdint>
#include <optional>
#include <string>

#include "hostd/supervisor/log_ring.h"
#include "proto/wire/validate.h"

namespace tvmffi::hostd {

// `kill_cause` is set when we sent SIGKILL; it explains the death only if that is what the worker
// died of.
wire::ExitReport MakeExitReport(const siginfo_t& info, const rusage& usage,
                                std::optional<wire::KillCause> kill_cause, int64_t lifetime_ns,
                                const LogRing& log);

// As in ExitReport::cause.
const char* CauseName(wire::KillCause cause);

// "died of SIGSEGV after 12 ms", "exited with status 3 after 1 ms", "was killed (deadline) after
// 1000 ms".
std::string Sentence(const wire::ExitReport& report);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SUPERVISOR_EXIT_REPORT_H_
