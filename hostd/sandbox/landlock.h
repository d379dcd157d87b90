// Landlock: what this process may do with files, the network and processes outside.
#ifndef TVMFFI_HOSTD_SANDBOX_LANDLOCK_H_
#define TVMFFI_HOSTD_SANDBOX_LANDLOCK_H_

#include <string>
#include <vector>

#include "proto/base/status.h"

namespace tvmffi::hostd {

struct LandlockRules {
  // Whether files, TCP, ioctl of devices, and signals and abstract sockets are restricted at all.
  bool files = false;
  bool net = false;
  bool ioctl = false;
  bool scope = false;
  // Files, and folders with all that lies in them. Those that do not exist are left out.
  std::vector<std::string> read;
  std::vector<std::string> read_write;  // existing files
  std::vector<std::string> all;         // folders: also create, rename, remove; never execute
};

// The version of the kernel's interface, 1 or more. Unavailable when there is none.
Result<int> LandlockVersion();

// For the calling thread and all that it starts, for good. Needs no_new_privs.
Status ApplyLandlock(const LandlockRules& rules);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SANDBOX_LANDLOCK_H_
