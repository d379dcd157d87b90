// policy show: what a worker would be allowed.
#ifndef TVMFFI_TOOLS_HOSTCTL_POLICY_SHOW_H_
#define TVMFFI_TOOLS_HOSTCTL_POLICY_SHOW_H_

#include <string>

namespace tvmffi::hostctl {

// The policy in the file, or the default one when `path` is empty, with every key. An ExitCode:
// kBadUsage for a file that is none.
int ShowPolicy(const std::string& path, bool json);

}  // namespace tvmffi::hostctl

#endif  // TVMFFI_TOOLS_HOSTCTL_POLICY_SHOW_H_
