// A file system tree of a worker's own: what it may read, nothing else.
#ifndef TVMFFI_HOSTD_SANDBOX_MOUNTS_H_
#define TVMFFI_HOSTD_SANDBOX_MOUNTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "proto/base/status.h"

namespace tvmffi::hostd {

struct RootSpec {
  // Files and folders, read-only, at the places they have now. Those that do not exist are left
  // out.
  std::vector<std::string> paths;
  uint64_t tmpfs_bytes = 0;  // of /tmp; 0: there is none
  bool own_proc = false;     // else /proc stays what it is
};

// A symbolic link to be placed where the worker expects a file.
struct FileLink {
  std::string path;
  std::string target;
  bool placed = false;
};

// In a mount namespace of its own, with the right to mount there. Afterwards nothing of the old
// tree can be reached but open descriptors. Places those of `links` whose folders are not among
// `spec.paths`, and says which.
Status EnterNewRoot(const RootSpec& spec, std::vector<FileLink>* links);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SANDBOX_MOUNTS_H_
