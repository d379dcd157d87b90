// The smallest useful plug-in: one function over tensors, exported by name.
//
//   mod = tvm_ffi.load_module("build/release/plugins/add_one_cpu.so")
//   mod.add_one_cpu(x, y)        # y = x + 1; x and y are float32 vectors: NumPy, torch, anything
//   that speaks DLPack

#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/dtype.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>

namespace {

using tvm::ffi::TensorView;

// A view is borrowed: it is valid for this call only. The caller owns both tensors, the output too.
void AddOne(TensorView x, TensorView y) {
  const DLDataType float32{kDLFloat, 32, 1};
  TVM_FFI_CHECK(x.device().device_type == kDLCPU && y.device().device_type == kDLCPU, ValueError)
      << "add_one_cpu: x and y must be CPU tensors";
  TVM_FFI_CHECK_EQ(x.ndim(), 1, ValueError) << "add_one_cpu: x must be a vector";
  TVM_FFI_CHECK_EQ(y.ndim(), 1, ValueError) << "add_one_cpu: y must be a vector";
  TVM_FFI_CHECK_EQ(x.dtype(), float32, TypeError) << "add_one_cpu: dtype of x";
  TVM_FFI_CHECK_EQ(y.dtype(), float32, TypeError) << "add_one_cpu: dtype of y";
  TVM_FFI_CHECK_EQ(x.size(0), y.size(0), ValueError) << "add_one_cpu: lengths of x and y";
  TVM_FFI_CHECK(x.IsContiguous() && y.IsContiguous(), ValueError)
      << "add_one_cpu: x and y must be contiguous";

  const float* from = static_cast<const float*>(x.data_ptr());
  float* to = static_cast<float*>(y.data_ptr());
  for (int64_t i = 0; i < x.size(0); ++i) to[i] = from[i] + 1.0f;
}

}  // namespace

TVM_FFI_DLL_EXPORT_TYPED_FUNC(add_one_cpu, AddOne);
