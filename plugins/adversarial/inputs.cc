// C1.9, D6: changing what a function was only given to read. One byte of it becomes another value.

#include <dirent.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "attempts.h"
#include "mappings.h"

namespace adversarial {
namespace {

using tvm::ffi::TensorView;

constexpr size_t kPage = 4096;

// Where the first byte of a tensor lies, in this process and in its file.
struct Target {
  volatile char* address;
  char* page;
  off_t offset;
  int fd;  // as it was received; -1 when it is not to be found

  // Whether the byte has been changed since the last time.
  bool Changed() {
    const char now = *address;
    const bool changed = now != before;
    before = now;
    return changed;
  }
  // Not 0, which removed pages hold.
  char Other() const { return before == 0x33 ? 0x44 : 0x33; }
  // Through an address of its own.
  bool StoreAt(void* mapped) {
    if (mapped == MAP_FAILED) return false;
    static_cast<volatile char*>(mapped)[address - page] = Other();
    munmap(mapped, kPage);
    return Changed();
  }
  char before;
};

int FindDescriptor(ino_t inode) {
  for (int fd = 0; fd < 1024; ++fd) {
    struct stat info;
    if (fstat(fd, &info) == 0 && info.st_ino == inode && S_ISREG(info.st_mode)) return fd;
  }
  return -1;
}

Target Find(const TensorView& tensor) {
  Target target{};
  char* first = static_cast<char*>(tensor.data_ptr()) + tensor.byte_offset();
  const uintptr_t at = reinterpret_cast<uintptr_t>(first);
  target.address = first;
  target.page = reinterpret_cast<char*>(at & ~(kPage - 1));
  target.before = *first;
  target.fd = -1;
  for (const Mapping& mapping : Mappings()) {
    if (at < mapping.begin || at >= mapping.end) continue;
    target.offset = mapping.offset + static_cast<off_t>((at & ~(kPage - 1)) - mapping.begin);
    target.fd = FindDescriptor(mapping.inode);
  }
  return target;
}

off_t FileOffset(const Target& target) {
  return target.offset + static_cast<off_t>(target.address - target.page);
}

bool MapAndStore(Target* target, int fd) {
  return target->StoreAt(
      mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, target->offset));
}

bool Write(Target* target, int fd) {
  const char other = target->Other();
  return pwrite(fd, &other, 1, FileOffset(*target)) == 1 && target->Changed();
}

bool UnprotectAndStore(Target* target) {
  if (mprotect(target->page, kPage, PROT_READ | PROT_WRITE) != 0) return false;
  *target->address = target->Other();
  return target->Changed();
}

// A second mapping of the same pages.
bool AliasAndStore(Target* target) {
  void* alias = mremap(target->page, 0, kPage, MREMAP_MAYMOVE);
  if (alias == MAP_FAILED) return false;
  if (mprotect(alias, kPage, PROT_READ | PROT_WRITE) != 0) {
    munmap(alias, kPage);
    return false;
  }
  return target->StoreAt(alias);
}

// The kernel's own store, which no page protection of this process stops.
bool WriteOwnMemory(Target* target) {
  const int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  if (fd < 0) return false;
  const char other = target->Other();
  const bool written =
      pwrite(fd, &other, 1, static_cast<off_t>(reinterpret_cast<uintptr_t>(target->address))) == 1;
  close(fd);
  return written && target->Changed();
}

bool ReadInto(Target* target) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  const char other = target->Other();
  const bool read_in =
      write(ends[1], &other, 1) == 1 && read(ends[0], const_cast<char*>(target->address), 1) == 1;
  const int error = errno;
  close(ends[0]);
  close(ends[1]);
  errno = error;
  return read_in && target->Changed();
}

bool WriteAsAnotherProcess(Target* target) {
  char other = target->Other();
  const iovec from{&other, 1};
  const iovec to{const_cast<char*>(target->address), 1};
  return syscall(SYS_process_vm_writev, getpid(), &from, 1, &to, 1, 0) == 1 && target->Changed();
}

int Reopen(int fd, const std::string& process) {
  return open(("/proc/" + process + "/fd/" + std::to_string(fd)).c_str(), O_RDWR | O_CLOEXEC);
}

bool InAChild(Target* target) {
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    const bool stored = UnprotectAndStore(target) || MapAndStore(target, target->fd);
    _exit(stored ? 0 : errno);
  }
  int status = 0;
  waitpid(child, &status, 0);
  errno = WEXITSTATUS(status);
  return target->Changed();
}

void TryDescriptor(Attempts* attempts, Target* target) {
  Note(attempts, "map it again", MapAndStore(target, target->fd));
  Note(attempts, "pwrite", Write(target, target->fd));
  const int reopened = Reopen(target->fd, "self");
  Note(attempts, "reopen and map", reopened >= 0 && MapAndStore(target, reopened));
  Note(attempts, "reopen and pwrite", reopened >= 0 && Write(target, reopened));
  if (reopened >= 0) close(reopened);
  Note(attempts, "shrink it", ftruncate(target->fd, 0) == 0);
  Note(attempts, "grow it", ftruncate(target->fd, off_t{1} << 32) == 0);
  Note(attempts, "seal it against its owner", fcntl(target->fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
  Note(attempts, "punch a hole",
       fallocate(target->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, target->offset, kPage) ==
               0 &&
           target->Changed());
}

}  // namespace

Attempts Overwrite(TensorView tensor) {
  Target target = Find(tensor);
  Attempts attempts;
  Note(&attempts, "find its descriptor", target.fd >= 0);
  if (target.fd >= 0) TryDescriptor(&attempts, &target);
  Note(&attempts, "in a child", InAChild(&target));
  Note(&attempts, "/proc/self/mem", WriteOwnMemory(&target));
  Note(&attempts, "read into it", ReadInto(&target));
  Note(&attempts, "process_vm_writev", WriteAsAnotherProcess(&target));
  Note(&attempts, "an alias", AliasAndStore(&target));
  Note(&attempts, "remove the page",
       madvise(target.page, kPage, MADV_REMOVE) == 0 && target.Changed());
  bool in_thread = false;
  std::thread([&] {
    in_thread = UnprotectAndStore(&target);
    Note(&attempts, "unprotect it", in_thread);
  }).join();
  return attempts;
}

// What the first byte is now.
int64_t FirstByte(TensorView tensor) {
  return *(static_cast<unsigned char*>(tensor.data_ptr()) + tensor.byte_offset());
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(overwrite, Overwrite);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(first_byte, FirstByte);

}  // namespace adversarial
