// Control groups: memory, processes and CPU of a worker together with everything it starts.
#ifndef TVMFFI_HOSTD_SANDBOX_CGROUPS_H_
#define TVMFFI_HOSTD_SANDBOX_CGROUPS_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proto/base/status.h"
#include "proto/wire/validate.h"

namespace tvmffi::hostd {

// One controller as this process can use it: below which folder, in which version's files.
struct CgroupController {
  std::string folder;
  bool unified = false;  // version 2
};

// Where the kernel shows them.
struct CgroupPlaces {
  std::string mounts = "/sys/fs/cgroup";
  std::string memberships = "/proc/self/cgroup";
};

// Where this process may make groups. Removes groups of daemons that were killed. In version 2 a
// group with processes of its own cannot hand memory to groups below it: a daemon that is alone in
// its group moves into one below.
class Cgroups {
 public:
  static Cgroups Find(const CgroupPlaces& places = {});

  Result<CgroupController> memory = Status{Code::kUnavailable, "not looked for"};
  Result<CgroupController> pids = memory;
  Result<CgroupController> cpu = memory;
};

// Half of the bytes that the group in whose folder workers get theirs may have, or the machine has.
uint64_t UsualMemory(const Cgroups& cgroups);

// Lets groups below `folder` (version 2) have `controller`, moving this process if that takes it.
Status EnableBelow(const std::string& folder, const std::string& controller);

// The groups of one worker. Destruction removes them; their processes must be gone.
class WorkerCgroup {
 public:
  // Those that `limits` needs; each must be there.
  static Result<std::unique_ptr<WorkerCgroup>> Create(const Cgroups& cgroups,
                                                      const wire::Limits& limits);
  WorkerCgroup(const WorkerCgroup&) = delete;
  WorkerCgroup& operator=(const WorkerCgroup&) = delete;
  ~WorkerCgroup();

  // A process with all it will start.
  Status Add(pid_t pid);
  // All of them at once, where the kernel can.
  void Kill() const;
  // Whether the kernel has killed one of them for want of memory.
  bool RanOutOfMemory() const;

 private:
  WorkerCgroup() = default;
  Status Make(const CgroupController& controller, const std::string& name);
  Status Limit(const std::string& file, const std::string& value);

  std::vector<std::string> folders_;  // each once
  std::vector<std::string> kill_files_;
  std::string folder_;  // the one made last
  std::string memory_events_;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SANDBOX_CGROUPS_H_
