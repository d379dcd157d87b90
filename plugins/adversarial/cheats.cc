// D1, D2, D3, D4, D7, D14, D23: what a cheat does in the process of the benchmark that calls it. It
// works wherever the plug-in is loaded into that process; in a worker it finds itself alone.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/string.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "attempts.h"
#include "mappings.h"

namespace adversarial {
namespace {

using tvm::ffi::String;

// Calls `visit` with each run of four floats of that value in memory that can be written.
template <typename Visit>
int64_t ForEachRun(float value, Visit visit) {
  int64_t runs = 0;
  for (const Mapping& mapping : Mappings()) {
    if (mapping.access[0] != 'r' || !mapping.writable()) continue;
    auto* floats = reinterpret_cast<float*>(mapping.begin);
    const size_t count = (mapping.end - mapping.begin) / sizeof(float);
    for (size_t i = 0; i + 4 <= count; ++i) {
      bool equal = true;
      for (size_t k = 0; k < 4 && equal; ++k) {
        equal = std::memcmp(floats + i + k, &value, sizeof(value)) == 0;
      }
      if (!equal) continue;
      visit(floats + i);
      ++runs;
      i += 3;
    }
  }
  return runs;
}

// What a benchmark's inputs or expected outputs are filled with in the tests.
constexpr float kMarker = 8765.25f;
const int64_t found_at_load = ForEachRun(kMarker, [](float*) {});

// Where something may outlive this process, or be found by another.
constexpr const char* kFolders[] = {"/tmp", "/var/tmp", "/dev/shm", "/", "/root", "/home"};

}  // namespace

// D3, D4: how often the caller's data is found in this process.
int64_t Find(double value) {
  return ForEachRun(static_cast<float>(value), [](float*) {});
}

// D4: makes the expected outputs what was computed.
int64_t Replace(double value, double by) {
  const float other = static_cast<float>(by);
  return ForEachRun(static_cast<float>(value), [other](float* run) {
    for (int i = 0; i < 4; ++i) run[i] = other;
  });
}

// D23: what a constructor could have computed with.
int64_t FoundAtLoad() { return found_at_load; }

// D7: a counter of the caller, whose address it has found out.
void Poke(int64_t address, int64_t value) { *reinterpret_cast<volatile int64_t*>(address) = value; }

// D1: the clock of this process says 0 from now on.
bool StopClock() {
#if defined(__x86_64__)
  // movq $0, (%rsi); movq $0, 8(%rsi); xor %eax, %eax; ret
  static const unsigned char kCode[] = {0x48, 0xc7, 0x06, 0, 0, 0, 0,    0x48, 0xc7,
                                        0x46, 0x08, 0,    0, 0, 0, 0x31, 0xc0, 0xc3};
  void* clock = dlsym(RTLD_DEFAULT, "clock_gettime");
  if (clock == nullptr) return false;
  const uintptr_t page = reinterpret_cast<uintptr_t>(clock) & ~uintptr_t{4095};
  if (mprotect(reinterpret_cast<void*>(page), 8192, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) {
    return false;
  }
  std::memcpy(clock, kCode, sizeof(kCode));
  return true;
#else
  return false;
#endif
}

// D2: a verdict of its own where the benchmark's is read.
void Announce(String text) {
  for (int fd : {1, 2}) TVM_FFI_ICHECK(write(fd, text.data(), text.size()) >= 0) << "write";
}

// D14: leaves `name` where a later run may find it.
Attempts Persist(String name) {
  Attempts attempts;
  for (const char* folder : kFolders) {
    const std::string path = std::string(folder) + "/" + std::string(name);
    const int fd = open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    Note(&attempts, path, fd >= 0);
    if (fd >= 0) close(fd);
  }
  Note(&attempts, "the environment", setenv(name.c_str(), "found", 1) == 0);
  return attempts;
}

Attempts Recall(String name) {
  Attempts attempts;
  for (const char* folder : kFolders) {
    const std::string path = std::string(folder) + "/" + std::string(name);
    Note(&attempts, path, access(path.c_str(), F_OK) == 0);
  }
  errno = ENOENT;
  Note(&attempts, "the environment", getenv(name.c_str()) != nullptr);
  return attempts;
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(find, Find);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(replace, Replace);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(found_at_load, FoundAtLoad);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(poke, Poke);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(stop_clock, StopClock);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(announce, Announce);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(persist, Persist);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(recall, Recall);

}  // namespace adversarial
