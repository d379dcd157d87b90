// C1.7: files, keys and the environments of others.

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/function.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "attempts.h"

namespace adversarial {

using tvm::ffi::String;

namespace {

bool HoldsBytes(int file) {
  char byte;
  return file >= 0 && read(file, &byte, 1) == 1;
}

// A child does not escape what binds its parent.
bool ReadInChild(const char* path) {
  const pid_t child = fork();
  if (child == 0) _exit(HoldsBytes(open(path, O_RDONLY | O_CLOEXEC)) ? 0 : errno);
  int status = 0;
  waitpid(child, &status, 0);
  errno = WEXITSTATUS(status);
  return status == 0;
}

}  // namespace

// Reads one file by several ways.
Attempts ReadFile(String path) {
  Attempts attempts;
  Note(&attempts, "open", HoldsBytes(open(path.c_str(), O_RDONLY | O_CLOEXEC)));
  Note(&attempts, "path descriptor", [&] {
    const int handle = open(path.c_str(), O_PATH | O_CLOEXEC);
    if (handle < 0) return false;
    const std::string link = "/proc/self/fd/" + std::to_string(handle);
    return HoldsBytes(open(link.c_str(), O_RDONLY | O_CLOEXEC));
  }());
  const std::string by_root = "/proc/self/root" + std::string(path);
  Note(&attempts, "through /proc/self/root",
       HoldsBytes(open(by_root.c_str(), O_RDONLY | O_CLOEXEC)));
  const std::string by_dots = "/tmp/../../../.." + std::string(path);
  Note(&attempts, "through ..", HoldsBytes(open(by_dots.c_str(), O_RDONLY | O_CLOEXEC)));
  Note(&attempts, "in a child", ReadInChild(path.c_str()));
  return attempts;
}

// Another process: its environment, memory, files.
Attempts ReadProcess(int64_t pid) {
  Attempts attempts;
  const std::string folder = "/proc/" + std::to_string(pid);
  for (const char* name : {"/environ", "/mem", "/maps"}) {
    Note(&attempts, String("open ") + name,
         open((folder + name).c_str(), O_RDONLY | O_CLOEXEC) >= 0);
  }
  Note(&attempts, "list descriptors", opendir((folder + "/fd").c_str()) != nullptr);
  Note(&attempts, "enter its root", chdir((folder + "/root/").c_str()) == 0);
  return attempts;
}

// Descriptors above the standard ones.
int64_t InheritedDescriptors() {
  int64_t count = 0;
  for (int fd = 3; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) != -1;
  return count;
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(read_file, ReadFile);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(read_process, ReadProcess);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(inherited_descriptors, InheritedDescriptors);

}  // namespace adversarial
