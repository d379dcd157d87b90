// The modules this worker may load: sealed copies that its client has checked.
#ifndef TVMFFI_HOSTD_WORKER_MODULE_TABLE_H_
#define TVMFFI_HOSTD_WORKER_MODULE_TABLE_H_

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "hostd/sandbox/mounts.h"
#include "proto/base/status.h"
#include "proto/base/unique_fd.h"

namespace tvmffi::hostd {

// Thread-safe after Reserve.
class ModuleTable {
 public:
  struct Loadable {
    std::string file;  // what to give the dynamic linker
    int fd = -1;       // stays open
    // `file` is the module's own path: there is a link to the copy at that place.
    bool in_place = false;
  };

  // Before the process is locked and any other descriptor is opened: a descriptor number for each
  // of `paths` that is a shared library's, and the links to be placed for them.
  Result<std::vector<FileLink>> Reserve(const std::vector<std::string>& paths);
  // Which of them were.
  void SetPlaced(const std::vector<FileLink>& links);

  // Takes the copy of the module at `path`, in place of one that could not be loaded. Once one has
  // been, another for the same path is dropped: the dynamic linker would not look at it either.
  Status Lend(const std::string& path, UniqueFd fd_untrusted);
  // The copy it has is in use from now on.
  void SetLoaded(const std::string& path);

  // Waits until `deadline` (MonotonicNanos) for a copy that may still be on its way.
  std::optional<Loadable> Await(const std::string& path, int64_t deadline);

 private:
  struct Entry {
    UniqueFd fd;
    bool in_place = false;
    bool lent = false;
    bool loaded = false;
  };

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::map<std::string, Entry> entries_;
};

// Loads the libraries that the module in `fd` needs and looks for relative to its own folder: a
// copy has no folder. What cannot be found is left to the module's own load, which says so.
void LoadNeighbours(int fd, const std::string& path);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_WORKER_MODULE_TABLE_H_
