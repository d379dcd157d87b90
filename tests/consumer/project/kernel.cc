#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/stl.h>
#include <tvm/ffi/function.h>

#include <vector>

namespace ffi = tvm::ffi;

void AddOne(ffi::TensorView x, ffi::TensorView y) {
  TVM_FFI_CHECK(x.numel() == y.numel(), ValueError)
      << "x has " << x.numel() << " elements, y has " << y.numel();
  for (int64_t i = 0; i < x.numel(); ++i) {
    static_cast<float*>(y.data_ptr())[i] = static_cast<float*>(x.data_ptr())[i] + 1.0f;
  }
}

double Sum(const std::vector<double>& values) {
  double result = 0;
  for (double value : values) {
    result += value;
  }
  return result;
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(add_one, AddOne);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(sum, Sum);
