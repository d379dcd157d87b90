// Memory, descriptors, output and what stays behind after a call.

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>
#include <unistd.h>

#include <chrono>
#include <new>
#include <string>
#include <thread>
#include <vector>

namespace faulty {

using tvm::ffi::Tensor;

namespace {

constexpr size_t kMiB = size_t{1} << 20;

// RLIMIT_AS set `mib` above what the process maps now, until the end of the scope.
class AddressSpaceLimit {
 public:
  explicit AddressSpaceLimit(int64_t mib) {
    getrlimit(RLIMIT_AS, &previous_);
    rlimit limited = previous_;
    limited.rlim_cur = MappedBytes() + static_cast<size_t>(mib) * kMiB;
    setrlimit(RLIMIT_AS, &limited);
  }
  ~AddressSpaceLimit() { setrlimit(RLIMIT_AS, &previous_); }

 private:
  static size_t MappedBytes() {
    unsigned long pages = 0;
    FILE* file = fopen("/proc/self/statm", "re");
    TVM_FFI_ICHECK(file != nullptr && fscanf(file, "%lu", &pages) == 1) << "/proc/self/statm";
    fclose(file);
    return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  }
  rlimit previous_;
};

void* AllocateTouched() {
  void* block = malloc(kMiB);
  if (block != nullptr) memset(block, 1, kMiB);
  return block;
}

// Volatile, so that the call survives the optimiser's knowledge of malloc.
void* (*volatile allocate_touched)() = AllocateTouched;

std::FILE* Output(bool to_stderr) { return to_stderr ? stderr : stdout; }

void After(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

}  // namespace

void Oom(int64_t mib) {
  std::vector<void*> blocks;
  blocks.reserve(static_cast<size_t>(mib) + 1);
  const AddressSpaceLimit limit(mib);
  while (void* block = allocate_touched()) blocks.push_back(block);
  for (void* block : blocks) free(block);
  throw std::bad_alloc();
}

void OomUnchecked(int64_t mib) {
  const AddressSpaceLimit limit(mib);
  for (;;) static_cast<volatile char*>(allocate_touched())[0] = 1;
}

void CloseFds() {
  std::vector<int> descriptors;
  DIR* directory = opendir("/proc/self/fd");
  TVM_FFI_ICHECK(directory != nullptr) << "/proc/self/fd";
  while (const dirent* entry = readdir(directory)) descriptors.push_back(atoi(entry->d_name));
  closedir(directory);
  for (int descriptor : descriptors) {
    if (descriptor > 2) close(descriptor);
  }
}

void Deafen() {
  flockfile(stdout);
  for (int descriptor = 3; descriptor < 1024; ++descriptor) shutdown(descriptor, SHUT_RDWR);
}

void Flood(int64_t lines, int64_t bytes, bool to_stderr) {
  const std::string line(static_cast<size_t>(bytes), 'x');
  for (int64_t i = 0; i < lines; ++i) {
    fprintf(Output(to_stderr), "%lld %s\n", static_cast<long long>(i), line.c_str());
  }
  fflush(Output(to_stderr));
}

void Garbage(bool to_stderr) {
  const char bytes[] =
      "\x1b[2J\x1b]0;title\x07 null:\0 high:\xff\xfe\xc3( cr:\r del:\x7f no newline";
  fwrite(bytes, 1, sizeof(bytes) - 1, Output(to_stderr));
  fflush(Output(to_stderr));
}

int64_t ForkSleeper() {
  const pid_t pid = fork();
  TVM_FFI_ICHECK_GE(pid, 0) << "fork";
  if (pid == 0) {
    for (;;) pause();
  }
  return pid;
}

// The thread keeps no reference: by then the memory may have another owner, or none.
void LateWrite(Tensor tensor, double seconds) {
  volatile char* data = static_cast<volatile char*>(tensor.data_ptr());
  const size_t size = tvm::ffi::GetDataSize(tensor);
  std::thread([data, size, seconds] {
    After(seconds);
    for (size_t i = 0; i < size; ++i) data[i] = 0x5a;
  }).detach();
}

void LateSegfault(double seconds) {
  std::thread([seconds] {
    After(seconds);
    static char* volatile null_pointer = nullptr;
    *null_pointer = 1;
  }).detach();
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(oom, Oom);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(oom_unchecked, OomUnchecked);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(close_fds, CloseFds);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(deafen, Deafen);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(flood, Flood);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(garbage, Garbage);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(fork_sleeper, ForkSleeper);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(late_write, LateWrite);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(late_segfault, LateSegfault);

}  // namespace faulty
