// The smallest useful kernel file: what compile_time.sh compiles.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>

static void AddOne(tvm::ffi::TensorView x, tvm::ffi::TensorView y) {
  const float* from = static_cast<const float*>(x.data_ptr());
  float* to = static_cast<float*>(y.data_ptr());
  for (int64_t i = 0, n = x.numel(); i < n; ++i) to[i] = from[i] + 1.0f;
}
TVM_FFI_DLL_EXPORT_TYPED_FUNC(add_one, AddOne);
