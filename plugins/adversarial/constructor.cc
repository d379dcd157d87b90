// C1.2: what a hostile constructor finds and reaches before anybody has called the plug-in.

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <tvm/ffi/function.h>
#include <unistd.h>

#include "attempts.h"

extern char** environ;

namespace adversarial {
namespace {

// Plain memory: constructors of other files may not have run yet.
struct Findings {
  int variables = 0;
  int descriptors = 0;
  int passwd = 0;  // an errno, or 0 for success, here and below
  int root_folder = 0;
  int create = 0;
  int network = 0;
  int exec = 0;
};
Findings findings;

int ErrnoOf(bool worked) { return worked ? 0 : errno; }

__attribute__((constructor)) void Attack() {
  for (char** entry = environ; *entry != nullptr; ++entry) ++findings.variables;
  for (int fd = 3; fd < 1024; ++fd) findings.descriptors += fcntl(fd, F_GETFD) != -1;
  findings.passwd = ErrnoOf(open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0);
  findings.root_folder = ErrnoOf(opendir("/home") != nullptr);
  const int file =
      open("/var/tmp/tvmffi-adversarial-constructor", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  findings.create = ErrnoOf(file >= 0);
  findings.network = ErrnoOf(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0);
  if (file >= 0) unlink("/var/tmp/tvmffi-adversarial-constructor");
  char* arguments[] = {nullptr};
  // Returns only when it fails; something that is no program fails differently once it is allowed.
  execve("/dev/null", arguments, arguments);
  findings.exec = errno;
}

void NoteErrno(Attempts* attempts, const char* technique, int error) {
  errno = error;
  Note(attempts, technique, error == 0);
}

}  // namespace

int64_t Variables() { return findings.variables; }
int64_t Descriptors() { return findings.descriptors; }

Attempts Seen() {
  Attempts attempts;
  NoteErrno(&attempts, "read a file", findings.passwd);
  NoteErrno(&attempts, "list a folder", findings.root_folder);
  NoteErrno(&attempts, "create a file", findings.create);
  NoteErrno(&attempts, "make a socket", findings.network);
  NoteErrno(&attempts, "run a program", findings.exec);
  return attempts;
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(variables, Variables);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(descriptors, Descriptors);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(seen, Seen);

}  // namespace adversarial
