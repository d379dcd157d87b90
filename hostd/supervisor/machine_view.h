// What a worker that was prepared has seen of the machine: whether that has changed since.
#ifndef TVMFFI_HOSTD_SUPERVISOR_MACHINE_VIEW_H_
#define TVMFFI_HOSTD_SUPERVISOR_MACHINE_VIEW_H_

#include <sys/stat.h>

#include <string>
#include <vector>

#include "proto/base/unique_fd.h"

namespace tvmffi::hostd {

// A worker's file tree shows the mounts of its beginning, and of single files the ones that were
// there then: the linker's cache is replaced whenever a library is installed.
class MachineView {
 public:
  // Of `paths`, and of what is mounted.
  explicit MachineView(std::vector<std::string> paths);

  // Since the last time, or since the beginning. Unmounts count too.
  bool Changed();

 private:
  struct Seen {
    dev_t device = 0;
    ino_t inode = 0;
  };
  static Seen Look(const std::string& path);

  std::vector<std::string> paths_;
  std::vector<Seen> seen_;
  UniqueFd mounts_;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SUPERVISOR_MACHINE_VIEW_H_
