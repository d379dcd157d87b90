// What a worker may do, as a value.
#ifndef TVMFFI_HOSTD_SANDBOX_POLICY_H_
#define TVMFFI_HOSTD_SANDBOX_POLICY_H_

#include <string>
#include <vector>

#include "proto/base/status.h"
#include "proto/wire/validate.h"

namespace tvmffi::hostd {

struct Policy {
  wire::Limits limits;
  // "NAME=value": the worker's whole environment.
  std::vector<std::string> environment;
  wire::Grants grants;
};

// The policy a client asks for. Refuses, naming it, a variable through which code could run in the
// worker before it has locked itself, and a granted path that is not there.
Result<Policy> MakePolicy(const wire::CreateWorker& request);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SANDBOX_POLICY_H_
