// Death by signal.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/string.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>

namespace faulty {

using tvm::ffi::String;
using tvm::ffi::TensorView;

// The optimiser must not see that these are what they are.
int* volatile null_pointer = nullptr;
void (*volatile null_function)() = nullptr;
volatile int zero = 0;
volatile int one = 1;

void Segfault() { *null_pointer = 1; }
void DieIfSet(TensorView flag) {
  if (*static_cast<const int32_t*>(flag.data_ptr()) != 0) Segfault();
}
void NullCall() { null_function(); }
int64_t Sigfpe() { return one / zero; }
void Sigill() { __builtin_trap(); }

void Sigbus() {
  const int fd = memfd_create("faulty", MFD_CLOEXEC);
  TVM_FFI_ICHECK_GE(fd, 0) << "memfd_create";
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  TVM_FFI_ICHECK(page != MAP_FAILED) << "mmap";
  // The file is empty: the page is there, its memory is not.
  *static_cast<volatile char*>(page) = 1;
}

__attribute__((noinline)) int64_t Recurse(int64_t depth) {
  volatile char frame[4096];
  frame[0] = static_cast<char>(depth);
  return zero != 0 ? 0 : Recurse(depth + 1) + frame[0];
}

int64_t StackOverflow() { return Recurse(0); }

void ThreadSegfault() { std::thread(Segfault).join(); }

void Abort(String message) {
  fprintf(stderr, "%s\n", message.c_str());
  abort();
}

// Not marked noexcept directly: compilers warn about a throw they can see.
void Throw() { throw std::runtime_error("thrown through noexcept"); }
void (*volatile throwing_function)() = Throw;
void Terminate() noexcept { throwing_function(); }
void CallTerminate() { Terminate(); }

void RaiseSignal(int number) { raise(number); }

TVM_FFI_DLL_EXPORT_TYPED_FUNC(segfault, Segfault);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(die_if_set, DieIfSet);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(null_call, NullCall);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(sigfpe, Sigfpe);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(sigill, Sigill);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(sigbus, Sigbus);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(stack_overflow, StackOverflow);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(thread_segfault, ThreadSegfault);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(abort, Abort);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(terminate, CallTerminate);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(raise_signal, RaiseSignal);

}  // namespace faulty
