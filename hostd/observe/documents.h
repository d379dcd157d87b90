// What the daemon tells observers: JSON for programs, OpenMetrics for monitoring. Times are
// seconds. Whatever bytes labels, names and logs hold, the text is UTF-8 without control
// characters.
#ifndef TVMFFI_HOSTD_OBSERVE_DOCUMENTS_H_
#define TVMFFI_HOSTD_OBSERVE_DOCUMENTS_H_

#include <sys/types.h>

#include <string>

#include "hostd/sandbox/layers.h"
#include "hostd/supervisor/supervisor.h"
#include "proto/base/status.h"
#include "proto/wire/validate.h"

namespace tvmffi::hostd {

// An array of the workers that run, one object each: pid, session, label, state ("running"), age,
// layers, calls, errors, mean, p50, p99, log_bytes, running (the calls in flight: lane, call_id,
// function, elapsed) and last_call. Then those that are nobody's yet: state "prepared", session 0.
std::string WorkersDocument(const Supervisor& supervisor);

// The same of the workers that ended, oldest first; `age` is since their end, `lifetime`, `cause`,
// `signal`, `exit_status` and `summary` say how that came.
std::string EndedDocument(const Supervisor& supervisor);

// One object: the worker of this process number, running or ended, and what else is known of it:
// recent (calls), events, log. NotFound when there was none, or too long ago.
Result<std::string> WorkerDocument(const Supervisor& supervisor, pid_t pid);

// An array: name and missing, which is empty for a layer that workers get.
std::string LayersDocument(const LayerReport& layers);

// One object: the daemon's counters.
std::string StatsDocument(const Supervisor& supervisor, const wire::Stats& stats);

std::string MetricsText(const Supervisor& supervisor, const wire::Stats& stats);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_OBSERVE_DOCUMENTS_H_
