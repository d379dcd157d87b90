// The command line as one value.
#ifndef TVMFFI_HOSTD_CONFIG_H_
#define TVMFFI_HOSTD_CONFIG_H_

#include <optional>
#include <string>
#include <vector>

#include "proto/base/status.h"

namespace tvmffi::hostd {

struct Config {
  // Private: one session, on this inherited socket. Otherwise shared, on `socket_path`.
  std::optional<int> private_fd;
  std::string socket_path;
  // Ends when the process of this inherited pidfd ends.
  std::optional<int> parent_pidfd;
  // Empty: tvmffi-worker beside the daemon.
  std::string worker_program;
  // trace, debug, info, warn, error, off. A private daemon's stderr is its client's, so it says
  // less by itself: error instead of info.
  std::string log_level;
  bool log_json = false;
  // Shared only: ends after so many seconds without a session. Zero: never.
  double idle_exit_seconds = 0;
  // Layers of the sandbox to leave out, or "all".
  std::vector<std::string> without_layers;
  // Workers started before anybody needs them.
  size_t prepared_workers = 1;
  // Where metrics are served; empty: nowhere.
  std::string metrics_path;
  // Private only: where it can be asked about its workers; "none", or empty for the usual place.
  std::string observe_path;
  // What a worker's system-call filter would refuse is done and logged.
  bool seccomp_audit = false;
  // Its user may attach a debugger and look into its /proc.
  bool debuggable = false;
  bool show_help = false;
  bool show_version = false;
};

// `arguments` without the program's name. Not thread-safe: getopt is not.
Result<Config> ParseConfig(const std::vector<std::string>& arguments);

std::string HelpText();

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_CONFIG_H_
