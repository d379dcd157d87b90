// A file system tree of a worker's own: what it may read, nothing else.
#ifndef TVMFFI_HOSTD_SANDBOX_MOUNTS_H_
#define TVMFFI_HOSTD_SANDBOX_MOUNTS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "proto/base/status.h"

namespace tvmffi::hostd {

struct RootSpec {
  uint64_t tmpfs_bytes = 0;  // of /tmp; 0: there is none
  bool own_proc = false;     // else /proc stays what it is
};

// A symbolic link to be placed where the worker expects a file.
struct FileLink {
  std::string path;
  std::string target;
  bool placed = false;
};

// In a mount namespace of its own, with the right to mount there. To be made and entered by a
// process of one thread.
class NewRoot {
 public:
  // Moves this process out of the old tree and makes the new one beside it.
  Status Make(const RootSpec& spec);
  // Runs `look` in the old tree again.
  Status InOldTree(const std::function<void()>& look) const;
  // Shows files and folders of the old tree, read-only, at the places they have there. Those that
  // do not exist are left out.
  Status Bind(const std::vector<std::string>& paths);
  // Afterwards nothing of the old tree can be reached but open descriptors. Places those of `links`
  // whose folders were not bound, and says which.
  Status Enter(std::vector<FileLink>* links);

 private:
  std::vector<std::string> bound_;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SANDBOX_MOUNTS_H_
