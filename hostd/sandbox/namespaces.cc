#include "hostd/sandbox/namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "hostd/sandbox/layers.h"
#include "hostd/sandbox/mounts.h"
#include "hostd/sandbox/reads.h"
#include "proto/base/unique_fd.h"

namespace tvmffi::hostd {
namespace {

int WriteWhole(const char* path, const char* text) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return errno;
  const size_t size = std::strlen(text);
  const ssize_t written = ::write(file, text, size);
  const int error = written == static_cast<ssize_t>(size) ? 0 : errno;
  ::close(file);
  return error;
}

[[noreturn]] void Try(const std::vector<std::string>& layers, uid_t uid, gid_t gid, int report) {
  // A daemon hides its memory; its children's /proc would be hidden from themselves too.
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  Status status = OkStatus();
  if (Has(layers, kUserNamespace)) {
    const int error = MapUser(uid, gid);
    if (error != 0) status = ErrnoStatus(error, "cannot map the user");
  }
  if (status.ok() && ::unshare(NamespaceFlags(layers) & ~kBornInto) != 0) {
    status = ErrnoStatus(errno, "cannot make the namespace");
  }
  if (status.ok() && Has(layers, kMountNamespace)) {
    NewRoot root;
    std::vector<FileLink> links;
    status = root.Make({1 << 20, Has(layers, kPidNamespace)});
    if (status.ok()) status = root.Bind(SystemPaths());
    if (status.ok()) status = root.Enter(&links);
  }
  if (!status.ok() && ::write(report, status.message.data(), status.message.size()) < 0) {
    ::_exit(2);
  }
  ::_exit(status.ok() ? 0 : 1);
}

std::string ReadAll(int fd) {
  std::string text;
  char piece[512];
  for (;;) {
    const ssize_t size = ::read(fd, piece, sizeof(piece));
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return text;
    text.append(piece, static_cast<size_t>(size));
  }
}

}  // namespace

int NamespaceFlags(const std::vector<std::string>& layers) {
  int flags = 0;
  if (Has(layers, kUserNamespace)) flags |= CLONE_NEWUSER;
  if (Has(layers, kPidNamespace)) flags |= CLONE_NEWPID;
  if (Has(layers, kMountNamespace)) flags |= CLONE_NEWNS;
  if (Has(layers, kNetNamespace)) flags |= CLONE_NEWNET;
  if (Has(layers, kIpcNamespace)) flags |= CLONE_NEWIPC;
  return flags;
}

pid_t ForkInto(int flags) {
  return static_cast<pid_t>(
      ::syscall(SYS_clone, static_cast<unsigned long>(flags | SIGCHLD), 0, 0, 0, 0));
}

int MapUser(uid_t uid, gid_t gid) {
  char line[32];
  // Without it nobody but a group administrator may write the group map.
  if (int error = WriteWhole("/proc/self/setgroups", "deny"); error != 0) return error;
  std::snprintf(line, sizeof(line), "0 %u 1", gid);
  if (int error = WriteWhole("/proc/self/gid_map", line); error != 0) return error;
  std::snprintf(line, sizeof(line), "0 %u 1", uid);
  return WriteWhole("/proc/self/uid_map", line);
}

Status TryNamespaces(const std::vector<std::string>& layers) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "cannot create a pipe");
  UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  const pid_t pid = ForkInto(NamespaceFlags(layers) & kBornInto);
  if (pid == 0) Try(layers, uid, gid, write_end.get());
  if (pid < 0) return ErrnoStatus(errno, "cannot make the namespace");
  write_end.reset();
  const std::string problem = ReadAll(read_end.get());
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return OkStatus();
  return {Code::kUnavailable, problem.empty() ? "its trial died" : problem};
}

}  // namespace tvmffi::hostd
