// The resource limits a worker puts on itself before it does anything else.
#ifndef TVMFFI_HOSTD_SANDBOX_RLIMITS_H_
#define TVMFFI_HOSTD_SANDBOX_RLIMITS_H_

#include "proto/base/status.h"
#include "proto/wire/validate.h"

namespace tvmffi::hostd {

// For good, this process cannot raise them again. A limit of zero leaves what was inherited; one
// above the inherited hard limit becomes that. Core dumps are always off: a worker's death must not
// wait for one.
Status ApplyRlimits(const wire::Limits& limits);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SANDBOX_RLIMITS_H_
