// Functions made from C callbacks, and the call through the ABI.
#include <tvm/ffi/c_api.h>

#include "libffi_core/guard.h"
#include "libffi_core/object_handle.h"

namespace tvmffi::core {
namespace {

struct CallbackFunction {
  TVMFFIObject header;
  TVMFFIFunctionCell cell;
  void* self;
  TVMFFISafeCallType callback;
  void (*deleter)(void* self);

  ~CallbackFunction() {
    if (deleter != nullptr) deleter(self);
  }
};

int CallWithSelf(void* func, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  auto* function = static_cast<CallbackFunction*>(func);
  return function->callback(function->self, args, num_args, result);
}

}  // namespace
}  // namespace tvmffi::core

using tvmffi::core::NotNull;

extern "C" {

int TVMFFIFunctionCreate(void* self, TVMFFISafeCallType safe_call, void (*deleter)(void* self),
                         TVMFFIObjectHandle* out) {
  return tvmffi::core::Guarded([&] {
    TVMFFIObjectHandle& result = NotNull(out, "TVMFFIFunctionCreate: out");
    NotNull(safe_call, "TVMFFIFunctionCreate: safe_call");
    // Without a self to translate to, the callback itself is called and gets the Function.
    const bool plain = self == nullptr && deleter == nullptr;
    TVMFFISafeCallType entry = plain ? safe_call : tvmffi::core::CallWithSelf;
    result = tvmffi::core::NewObject<tvmffi::core::CallbackFunction>(
        kTVMFFIFunction, 0, TVMFFIFunctionCell{entry, nullptr}, self, safe_call, deleter);
  });
}

// A frame of its own: backtraces end at it.
__attribute__((noinline)) int TVMFFIFunctionCall(TVMFFIObjectHandle func, TVMFFIAny* args,
                                                 int32_t num_args, TVMFFIAny* result) {
  if (__builtin_expect(func == nullptr, 0)) {
    return tvmffi::core::Raise("InternalError", "Check not null: TVMFFIFunctionCall: func");
  }
  int code = TVMFFIFunctionGetCellPtr(func)->safe_call(func, args, num_args, result);
  // Keeps the call from becoming a jump, which would leave no frame.
  asm volatile("" : "+r"(code));
  return code;
}

}  // extern "C"
