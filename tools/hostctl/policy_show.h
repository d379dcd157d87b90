// policy show: what a worker would be allowed.
#ifndef TVMFFI_TOOLS_HOSTCTL_POLICY_SHOW_H_
#define TVMFFI_TOOLS_HOSTCTL_POLICY_SHOW_H_

#include <string>

#include "proto/base/status.h"

namespace tvmffi::hostctl {

// The policy in the file, or the default one when `path` is empty, with every key. An ExitCode.
int ShowPolicy(const std::string& path, bool json);

// Says why a policy file could not be read. An ExitCode: kBadUsage when it is no policy.
int FailOfPolicy(const Status& status);

}  // namespace tvmffi::hostctl

#endif  // TVMFFI_TOOLS_HOSTCTL_POLICY_SHOW_H_
