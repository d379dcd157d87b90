// Functions as arguments and results.

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/string.h>

#include <atomic>
#include <memory>

namespace values {

using tvm::ffi::Any;
using tvm::ffi::AnyView;
using tvm::ffi::Array;
using tvm::ffi::Error;
using tvm::ffi::Function;
using tvm::ffi::String;

namespace {

// The first argument of a variadic export, and the rest passed on to it.
Any CallFirst(const TVMFFIAny* args, int32_t num_args) {
  const AnyView* views = reinterpret_cast<const AnyView*>(args);
  TVM_FFI_CHECK_GE(num_args, 1, TypeError) << "a function and its arguments are expected";
  TVM_FFI_CHECK_EQ(args[0].type_index, kTVMFFIFunction, TypeError)
      << "argument 0 must be a function, it is " << views[0].GetTypeKey();
  Any result;
  views[0].cast<Function>().CallPacked(views + 1, num_args - 1, &result);
  return result;
}

void Return(Any value, TVMFFIAny* result) {
  *result = tvm::ffi::details::AnyUnsafe::MoveAnyToTVMFFIAny(std::move(value));
}

}  // namespace

Any CallTwice(Function f, Any x) { return f(f(x)); }

Function MakeAdder(int64_t n) {
  return Function::FromTyped([n](int64_t x) -> int64_t { return x + n; });
}

// Counts its own calls, from 1.
Function MakeCounter() {
  auto calls = std::make_shared<std::atomic<int64_t>>(0);
  return Function::FromTyped([calls]() -> int64_t { return ++*calls; });
}

// x -> f(g(x)); keeps both.
Function Compose(Function f, Function g) {
  return Function::FromTyped([f, g](Any x) -> Any { return f(g(x)); });
}

Function EchoFunction(Function f) { return f; }

TVM_FFI_DLL_EXPORT_TYPED_FUNC(call_twice, CallTwice);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_adder, MakeAdder);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_counter, MakeCounter);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(compose, Compose);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(echo_function, EchoFunction);

}  // namespace values

// Variadic exports are written against the calling convention itself.
extern "C" {

TVM_FFI_DLL_EXPORT int __tvm_ffi_apply(void*, const TVMFFIAny* args, int32_t num_args,
                                       TVMFFIAny* result) {
  TVM_FFI_SAFE_CALL_BEGIN();
  values::Return(values::CallFirst(args, num_args), result);
  TVM_FFI_SAFE_CALL_END();
}

// [kind, message] of the error that the call raises; None when it raises none.
TVM_FFI_DLL_EXPORT int __tvm_ffi_catch_error(void*, const TVMFFIAny* args, int32_t num_args,
                                             TVMFFIAny* result) {
  TVM_FFI_SAFE_CALL_BEGIN();
  try {
    values::CallFirst(args, num_args);
  } catch (const values::Error& error) {
    values::Return(values::Array<values::String>{error.kind(), error.message()}, result);
  }
  TVM_FFI_SAFE_CALL_END();
}

}  // extern "C"
