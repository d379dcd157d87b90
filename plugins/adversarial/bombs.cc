// C1.5: as many processes, threads and as much memory as go.

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <system_error>
#include <thread>
#include <vector>

namespace adversarial {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

bool Touch(int flags) {
  void* block = mmap(nullptr, kMiB, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) return false;
  std::memset(block, 1, kMiB);
  return true;
}

}  // namespace

// Children that stay, at most `count`. How many there are.
int64_t Fork(int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child < 0) return i;
    if (child == 0) {
      for (;;) pause();
    }
  }
  return count;
}

int64_t Threads(int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    try {
      std::thread([] {
        for (;;) pause();
      }).detach();
    } catch (const std::system_error&) {
      return i;
    }
  }
  return count;
}

int64_t Memory(int64_t mib, bool shared) {
  int64_t got = 0;
  while (got < mib && Touch(shared ? MAP_SHARED : MAP_PRIVATE)) ++got;
  return got;
}

// Spread over children, each below what one process may have. How many of them have it at the end.
int64_t MemoryOfChildren(int64_t children, int64_t mib) {
  std::vector<pid_t> pids;
  for (int64_t i = 0; i < children; ++i) {
    int ends[2];
    if (pipe(ends) != 0) break;
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      if (Memory(mib, false) == mib && write(ends[1], "x", 1) == 1) {
        for (;;) pause();
      }
      _exit(1);
    }
    close(ends[1]);
    char byte;
    if (child > 0 && read(ends[0], &byte, 1) == 1) pids.push_back(child);
    close(ends[0]);
  }
  return std::count_if(pids.begin(), pids.end(),
                       [](pid_t pid) { return waitpid(pid, nullptr, WNOHANG) == 0; });
}

// So that whoever looks at this process has the time to.
void Sleep(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

// The sum of a tensor's bytes, of which each page is mapped for some time.
int64_t LookAt(tvm::ffi::TensorView tensor, double seconds) {
  const auto* bytes = static_cast<const uint8_t*>(tensor.data_ptr());
  const int64_t sum = std::accumulate(bytes, bytes + tensor.numel(), int64_t{0});
  Sleep(seconds);
  return sum;
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(sleep, Sleep);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(look_at, LookAt);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(fork, Fork);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(threads, Threads);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(memory, Memory);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(memory_of_children, MemoryOfChildren);

}  // namespace adversarial
