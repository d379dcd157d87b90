// ps, top, last, logs, stats, kill: what daemons say of their workers.
#ifndef TVMFFI_TOOLS_HOSTCTL_OBSERVE_H_
#define TVMFFI_TOOLS_HOSTCTL_OBSERVE_H_

#include <cstdint>
#include <string>

namespace tvmffi::hostctl {

// Of every such command.
struct ObserveOptions {
  std::string socket;  // empty: all daemons of this user
  bool json = false;
};

// Each returns an ExitCode.
int Ps(const ObserveOptions& options);
// Every `interval` seconds, `rounds` times; 0: until interrupted.
int Top(const ObserveOptions& options, double interval, int rounds);
// The workers that ended, at most `count`, the latest last; or all about one of them, by `pid`.
int Last(const ObserveOptions& options, int32_t pid, int count);
// What a worker printed last.
int Logs(const ObserveOptions& options, int32_t pid);
// OpenMetrics, one document of all daemons with their process numbers as label `daemon`; or
// counters as JSON.
int Stats(const ObserveOptions& options);
int Kill(const ObserveOptions& options, int32_t pid);

}  // namespace tvmffi::hostctl

#endif  // TVMFFI_TOOLS_HOSTCTL_OBSERVE_H_
