#include "hostd/supervisor/orphans.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>

#include "proto/base/unique_fd.h"

namespace tvmffi::hostd {
namespace {

Result<std::vector<pid_t>> Children() {
  std::string path = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return ErrnoStatus(errno, "cannot list the daemon's children in " + path);
  std::string text;
  char piece[4096];
  for (;;) {
    ssize_t size = ::read(file.get(), piece, sizeof(piece));
    if (size < 0) return ErrnoStatus(errno, "cannot list the daemon's children in " + path);
    if (size == 0) break;
    text.append(piece, static_cast<size_t>(size));
  }
  std::vector<pid_t> pids;
  for (const char* at = text.c_str(); *at != '\0';) {
    char* end;
    long pid = std::strtol(at, &end, 10);
    if (end == at) break;
    pids.push_back(static_cast<pid_t>(pid));
    at = end;
    while (*at == ' ') ++at;
  }
  return pids;
}

}  // namespace

Status Orphans::Start() {
  Result<std::vector<pid_t>> children = Children();
  if (!children.ok()) return children.status();
  not_ours_ = std::move(*children);
  reaps_ = true;
  if (::getpid() == 1) return {Code::kUnavailable, "the daemon is process 1"};
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
    return ErrnoStatus(errno, "cannot become the parent of orphans");
  }
  kills_ = true;
  return OkStatus();
}

Orphans::Swept Orphans::Sweep(const std::function<bool(pid_t)>& is_worker) {
  Swept swept;
  if (!reaps_) return swept;
  Result<std::vector<pid_t>> children = Children();
  if (!children.ok()) return swept;
  for (pid_t pid : *children) {
    if (is_worker(pid)) continue;
    if (std::find(not_ours_.begin(), not_ours_.end(), pid) != not_ours_.end()) continue;
    pid_t session = ::getsid(pid);
    if (session > 0 && is_worker(session)) continue;
    if (::waitpid(pid, nullptr, WNOHANG) != 0) {
      dying_.erase(pid);
      continue;
    }
    if (!kills_ || ::kill(pid, SIGKILL) != 0) continue;
    if (dying_.insert(pid).second) ++swept.killed;
    ++swept.left;
  }
  return swept;
}

}  // namespace tvmffi::hostd
