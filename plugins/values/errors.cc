// Ways to fail that leave the process in order.

#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/string.h>

#include <optional>
#include <stdexcept>
#include <string>

namespace values {

using tvm::ffi::Error;
using tvm::ffi::String;

void RaiseValueError(String message) { TVM_FFI_THROW(ValueError) << message; }
void RaiseTypeError(String message) { TVM_FFI_THROW(TypeError) << message; }
void RaiseIndexError(String message) { TVM_FFI_THROW(IndexError) << message; }
void RaiseKeyError(String message) { TVM_FFI_THROW(KeyError) << message; }
void RaiseRuntimeError(String message) { TVM_FFI_THROW(RuntimeError) << message; }
void RaiseInternalError(String message) { TVM_FFI_THROW(InternalError) << message; }
void RaiseCustomError(String message) { TVM_FFI_THROW(ValuesCustomError) << message; }

// Any kind at all, also ones no language has a class for.
void RaiseError(String kind, String message) {
  throw Error(std::string(kind), std::string(message),
              TVMFFIBacktrace(__FILE__, __LINE__, TVM_FFI_FUNC_SIG, 0));
}

void RaiseStd(String message) { throw std::runtime_error(std::string(message)); }

void RaiseCause(String message) {
  const Error cause("ValueError", "the cause of " + std::string(message),
                    TVMFFIBacktrace(__FILE__, __LINE__, TVM_FFI_FUNC_SIG, 0));
  const TVMFFIByteArray* here = TVMFFIBacktrace(__FILE__, __LINE__, TVM_FFI_FUNC_SIG, 0);
  throw Error("RuntimeError", std::string(message), std::string(here->data, here->size), cause,
              std::nullopt);
}

// A stack of `depth` frames of this library; a negative depth raises nothing.
__attribute__((noinline)) int64_t RaiseDeep(int64_t depth, String message) {
  TVM_FFI_CHECK_NE(depth, 0, ValueError) << message;
  return depth < 0 ? depth : RaiseDeep(depth - 1, message) + 1;
}

int64_t CheckEqual(int64_t a, int64_t b) {
  TVM_FFI_ICHECK_EQ(a, b) << "check_equal";
  return a;
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(raise_value_error, RaiseValueError);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(raise_type_error, RaiseTypeError);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(raise_index_error, RaiseIndexError);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(raise_key_error, RaiseKeyError);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(raise_runtime_error, RaiseRuntimeError);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(raise_internal_error, RaiseInternalError);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(raise_custom_error, RaiseCustomError);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(raise_error, RaiseError);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(raise_std, RaiseStd);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(raise_cause, RaiseCause);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(raise_deep, RaiseDeep);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(check_equal, CheckEqual);

}  // namespace values
