// What the symbolizer takes from itself before it looks at anything.
#ifndef TVMFFI_HOSTD_SYMBOLIZER_LOCKDOWN_H_
#define TVMFFI_HOSTD_SYMBOLIZER_LOCKDOWN_H_

#include "proto/base/status.h"

namespace tvmffi::hostd {

// Afterwards this process can read, map and receive on descriptors it has or is sent, and send; it
// can open, execute, start and signal nothing, and its memory and processor time are limited. All
// or nothing: on failure the process is to end.
Status LockDown();

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SYMBOLIZER_LOCKDOWN_H_
