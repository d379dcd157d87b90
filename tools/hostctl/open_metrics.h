// OpenMetrics documents of several daemons as one.
#ifndef TVMFFI_TOOLS_HOSTCTL_OPEN_METRICS_H_
#define TVMFFI_TOOLS_HOSTCTL_OPEN_METRICS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace tvmffi::hostctl {

struct DaemonMetrics {
  int32_t daemon_pid = 0;
  std::string text;  // a whole document
};

// Each family once, with the samples of all; each sample has a label `daemon` more.
std::string MergeMetrics(const std::vector<DaemonMetrics>& documents);

}  // namespace tvmffi::hostctl

#endif  // TVMFFI_TOOLS_HOSTCTL_OPEN_METRICS_H_
