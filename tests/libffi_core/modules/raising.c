// Raises from two frames down, for the lines of a backtrace.
#include <tvm/ffi/c_api.h>

__attribute__((noinline)) static void RaiseDeep(void) {
  TVMFFIErrorSetRaisedFromCStr("ValueError", "from the module");
  __asm__ volatile("");
}

__attribute__((noinline)) static void CallRaiseDeep(void) {
  RaiseDeep();
  __asm__ volatile("");
}

TVM_FFI_DLL_EXPORT int __tvm_ffi_raise(void* handle, const TVMFFIAny* args, int32_t num_args,
                                       TVMFFIAny* result) {
  (void)handle, (void)args, (void)num_args, (void)result;
  CallRaiseDeep();
  return -1;
}
