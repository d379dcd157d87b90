// Starts a program with nothing of ours but what it is given.
#ifndef TVMFFI_HOSTD_SUPERVISOR_SPAWN_H_
#define TVMFFI_HOSTD_SUPERVISOR_SPAWN_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "proto/base/status.h"
#include "proto/base/unique_fd.h"

namespace tvmffi::hostd {

struct ProgramFds {
  int log;      // becomes 1 and 2
  int control;  // becomes 3
};

struct SpawnedProgram {
  // Our child: the program, or process 1 of the pid namespace it lives in.
  pid_t child = -1;
  // As seen from here. The same as `child` without a pid namespace.
  pid_t pid = -1;
  // Where process 1 says how the program ended; invalid without a pid namespace.
  UniqueFd end;
  // Where the child tells of its start until it has happened.
  UniqueFd progress;
};

// Execs `program` as the leader of a new session in "/", in new namespaces of those that `layers`
// names: descriptor 0 is /dev/null, 1 to 3 as given, all others closed; no argument; this
// environment and nothing else; default signal actions, nothing blocked. Waits until the exec has
// happened or failed. Its descriptors must be above 3, or 3 itself for `control`. Only for a
// process of one thread.
Result<SpawnedProgram> SpawnProgram(const std::string& program,
                                    const std::vector<std::string>& environment,
                                    const ProgramFds& fds, const std::vector<std::string>& layers);

// The same without the wait: the program is started once HasStarted says so.
Result<SpawnedProgram> BeginProgram(const std::string& program,
                                    const std::vector<std::string>& environment,
                                    const ProgramFds& fds, const std::vector<std::string>& layers);

// Reads `progress`: waits for it, or returns false when that would block. After an error the child
// is ending, unreaped.
Result<bool> HasStarted(const std::string& program, SpawnedProgram* spawned);

// The program of this name beside the running one.
Result<std::string> ProgramBesideThisOne(const std::string& name);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SUPERVISOR_SPAWN_H_
