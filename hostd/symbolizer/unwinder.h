// The functions on a dead thread's stack, from a copy of it and the files of its modules.
#ifndef TVMFFI_HOSTD_SYMBOLIZER_UNWINDER_H_
#define TVMFFI_HOSTD_SYMBOLIZER_UNWINDER_H_

#include <vector>

#include "proto/base/unique_fd.h"
#include "proto/channel/crash_page.h"
#include "proto/wire/validate.h"

namespace tvmffi::hostd {

struct ModuleSource {
  uint32_t index;  // in Crash::modules
  UniqueFd file;
};

// Never fails: what cannot be read, found or followed leaves frames without names, or fewer frames.
// A file whose build-id is not the loaded module's is not used, and listed as changed.
wire::Symbols Unwind(const Crash& crash, std::vector<ModuleSource> sources);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SYMBOLIZER_UNWINDER_H_
