// Processes that a worker started and left behind come to the daemon, which ends them.
#ifndef TVMFFI_HOSTD_SUPERVISOR_ORPHANS_H_
#define TVMFFI_HOSTD_SUPERVISOR_ORPHANS_H_

#include <sys/types.h>

#include <functional>
#include <set>
#include <vector>

#include "proto/base/status.h"

namespace tvmffi::hostd {

class Orphans {
 public:
  // Makes this process the parent of every descendant that loses its own. Children it has already
  // are never touched. Fails when the kernel does not list children.
  Status Start();

  struct Swept {
    size_t killed = 0;  // now, for the first time
    size_t left = 0;    // killed, not reaped yet
  };
  // Kills, once Start was ok, and reaps every child that is neither a worker nor in the session of
  // one. `is_worker` tells running, unreaped workers. To be called after each death of a child.
  Swept Sweep(const std::function<bool(pid_t)>& is_worker);

 private:
  std::vector<pid_t> not_ours_;
  std::set<pid_t> dying_;
  bool reaps_ = false;
  bool kills_ = false;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SUPERVISOR_ORPHANS_H_
