// The module that bench_ffi and count_calls load: the smallest functions of each signature.
#include <tvm/ffi/any.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/string.h>

namespace ffi = tvm::ffi;

namespace {

void Nop() {}
int64_t Increment(int64_t x) { return x + 1; }
double Mix(int64_t a, int64_t b, double c) { return static_cast<double>(a + b) + c; }
int64_t CountDimensions(ffi::TensorView a, ffi::TensorView b, ffi::TensorView c) {
  return int64_t{a.ndim()} + b.ndim() + c.ndim();
}
int64_t TextLength(ffi::String text) { return static_cast<int64_t>(text.size()); }
int64_t Apply(ffi::Function f, int64_t x) { return f(x).cast<int64_t>(); }
void Fail(int64_t x) { TVM_FFI_THROW(ValueError) << "value " << x << " refused"; }

}  // namespace

TVM_FFI_DLL_EXPORT_TYPED_FUNC(nop, Nop);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(increment, Increment);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(mix, Mix);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(count_dimensions, CountDimensions);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(text_length, TextLength);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(apply, Apply);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(fail, Fail);
