// C1.6: files where there should be none, and as much of them as goes.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/function.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "attempts.h"

namespace adversarial {

using tvm::ffi::String;

namespace {

// Bytes written until nothing more goes, or `limit`.
int64_t Fill(int file, int64_t limit) {
  const std::vector<char> block(1 << 20, 'x');
  int64_t total = 0;
  while (total < limit) {
    const ssize_t written = write(file, block.data(), block.size());
    if (written <= 0) break;
    total += written;
  }
  return total;
}

}  // namespace

// Creates a file called `name` in each folder, by several ways.
Attempts Create(tvm::ffi::Array<String> folders, String name) {
  Attempts attempts;
  for (const String& folder : folders) {
    const std::string path = std::string(folder) + "/" + std::string(name);
    Note(&attempts, "open " + path, open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600) >= 0);
    Note(&attempts, "mkdir " + path + ".d", mkdir((path + ".d").c_str(), 0700) == 0);
    Note(&attempts, "symlink " + path + ".l", symlink("/etc/passwd", (path + ".l").c_str()) == 0);
    Note(&attempts, "tmpfile in " + folder,
         open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600) >= 0);
  }
  return attempts;
}

// Overwrites, cuts off, removes and renames a file of the caller's.
Attempts Change(String path) {
  Attempts attempts;
  Note(&attempts, "write", open(path.c_str(), O_WRONLY | O_CLOEXEC) >= 0);
  Note(&attempts, "truncate", truncate(path.c_str(), 0) == 0);
  Note(&attempts, "chmod", chmod(path.c_str(), 0777) == 0);
  Note(&attempts, "rename", rename(path.c_str(), (path + ".moved").c_str()) == 0);
  Note(&attempts, "unlink", unlink(path.c_str()) == 0);
  return attempts;
}

int64_t FillFile(String path, int64_t limit) {
  const int file = open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return -1;
  const int64_t total = Fill(file, limit);
  close(file);
  return total;
}

int64_t FillMemory(int64_t limit) {
  const int file = memfd_create("fill", MFD_CLOEXEC);
  if (file < 0) return -1;
  const int64_t total = Fill(file, limit);
  close(file);
  return total;
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(create, Create);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(change, Change);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(fill_file, FillFile);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(fill_memory, FillMemory);

}  // namespace adversarial
