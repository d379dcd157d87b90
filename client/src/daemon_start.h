// A daemon of this process's own.
#ifndef TVMFFI_CLIENT_SRC_DAEMON_START_H_
#define TVMFFI_CLIENT_SRC_DAEMON_START_H_

#include <string>
#include <vector>

#include "proto/base/status.h"
#include "proto/base/unique_fd.h"

namespace tvmffi::host {

// $TVMFFI_HOSTD, else bin/tvmffi-hostd beside or above this library's folder. NotFound names the
// places.
Result<std::string> FindDaemon();

// Starts a daemon that serves one session (whose workers go without these layers, and which keeps
// so many of them ready; negative: as many as it likes), over the socket returned, and ends with it
// or with this process.
//
// It is nobody's visible child: it is started by double fork, so that wait() here never reports it
// and a SIGCHLD that is ignored here loses nothing, in a session of its own, out of reach of the
// terminal's signals. It learns this process's end from a pidfd, not from PR_SET_PDEATHSIG, which
// tells of the thread that started it.
Result<UniqueFd> StartPrivateDaemon(const std::vector<std::string>& without_layers, int prepared);

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_DAEMON_START_H_
