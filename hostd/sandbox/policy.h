// What a worker may do, as a value.
#ifndef TVMFFI_HOSTD_SANDBOX_POLICY_H_
#define TVMFFI_HOSTD_SANDBOX_POLICY_H_

#include <string>
#include <string_view>
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

// Whether this variable means the same to a program that has run for a while: the dynamic linker
// and the C library read some of theirs only once.
bool CanBeSetLater(std::string_view name);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SANDBOX_POLICY_H_
