// Tensors: borrowed, allocated by the caller's framework, allocated here, aliased.

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/dtype.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/optional.h>
#include <tvm/ffi/string.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <new>
#include <thread>
#include <vector>

// Some releases declare how a DLDevice travels in a header of its own.
#if __has_include(<tvm/ffi/device.h>)
#include <tvm/ffi/device.h>
#endif

namespace values {

using tvm::ffi::Any;
using tvm::ffi::Array;
using tvm::ffi::Map;
using tvm::ffi::ObjectRef;
using tvm::ffi::Optional;
using tvm::ffi::Shape;
using tvm::ffi::String;
using tvm::ffi::Tensor;
using tvm::ffi::TensorView;

namespace {

constexpr DLDataType kFloat32{kDLFloat, 32, 1};
constexpr DLDevice kCpu{kDLCPU, 0};

std::atomic<int64_t> own_tensors_alive{0};

struct MallocAllocator {
  void AllocData(DLTensor* tensor) {
    const size_t size = tvm::ffi::GetDataSize(*tensor);
    tensor->data = std::aligned_alloc(64, (size + 64) / 64 * 64);
    if (tensor->data == nullptr) throw std::bad_alloc();
    ++own_tensors_alive;
  }
  void FreeData(DLTensor* tensor) {
    std::free(tensor->data);
    --own_tensors_alive;
  }
};

// The memory of another tensor, kept alive as long as the alias.
struct AliasAllocator {
  Tensor base;
  void* data;
  void AllocData(DLTensor* tensor) { tensor->data = data; }
  void FreeData(DLTensor* tensor) { tensor->data = nullptr; }
};

float* FloatData(TensorView tensor, const char* name) {
  TVM_FFI_CHECK_EQ(tensor.device().device_type, kDLCPU, ValueError) << "device type of " << name;
  TVM_FFI_CHECK_EQ(tensor.dtype(), kFloat32, TypeError) << "dtype of " << name;
  TVM_FFI_CHECK(tensor.IsContiguous(), ValueError) << name << " must be contiguous";
  return reinterpret_cast<float*>(static_cast<char*>(tensor.data_ptr()) + tensor.byte_offset());
}

Tensor NewTensor(Shape shape, float value) {
  Tensor tensor = Tensor::FromNDAlloc(MallocAllocator(), shape, kFloat32, kCpu);
  float* data = static_cast<float*>(tensor.data_ptr());
  for (int64_t i = 0; i < tensor.numel(); ++i) data[i] = value;
  return tensor;
}

}  // namespace

void Fill(TensorView tensor, double value) {
  float* data = FloatData(tensor, "tensor");
  for (int64_t i = 0; i < tensor.numel(); ++i) data[i] = static_cast<float>(value);
}

void Add(TensorView a, TensorView b, TensorView out) {
  const float* a_data = FloatData(a, "a");
  const float* b_data = FloatData(b, "b");
  float* out_data = FloatData(out, "out");
  TVM_FFI_CHECK_EQ(a.numel(), b.numel(), ValueError) << "sizes of a and b";
  TVM_FFI_CHECK_EQ(a.numel(), out.numel(), ValueError) << "sizes of a and out";
  for (int64_t i = 0; i < a.numel(); ++i) out_data[i] = a_data[i] + b_data[i];
}

double Sum(TensorView tensor) {
  const float* data = FloatData(tensor, "tensor");
  double sum = 0.0;
  for (int64_t i = 0; i < tensor.numel(); ++i) sum += static_cast<double>(data[i]);
  return sum;
}

double SumAll(Array<Tensor> tensors) {
  double sum = 0.0;
  for (Tensor tensor : tensors) sum += Sum(tensor);
  return sum;
}

double OptionalSum(Optional<TensorView> tensor) {
  return tensor.has_value() ? Sum(tensor.value()) : 0.0;
}

// Everything a DLTensor says, strides included.
Map<String, Any> TensorInfo(TensorView tensor) {
  Map<String, Any> info;
  info.Set("shape", Shape(tensor.shape()));
  info.Set("strides", Shape(tensor.strides()));
  info.Set("dtype", tensor.dtype());
  info.Set("device", tensor.device());
  info.Set("byte_offset", static_cast<int64_t>(tensor.byte_offset()));
  info.Set("contiguous", tensor.IsContiguous());
  info.Set("address", reinterpret_cast<int64_t>(tensor.data_ptr()));
  return info;
}

// Uninitialised memory of the caller's framework.
Tensor MakeEnv(Shape shape, DLDataType dtype) {
  return Tensor::FromEnvAlloc(TVMFFIEnvTensorAlloc, shape, dtype, kCpu);
}

Tensor MakeEnvLike(TensorView like) {
  return Tensor::FromEnvAlloc(TVMFFIEnvTensorAlloc, Shape(like.shape()), like.dtype(),
                              like.device());
}

Tensor MakeOwn(Shape shape, double value) { return NewTensor(shape, static_cast<float>(value)); }

Array<Tensor> MakePair(int64_t size) {
  return {NewTensor(Shape({size}), 1.0f), NewTensor(Shape({size}), 2.0f)};
}

Tensor Same(Tensor tensor) { return tensor; }

// Rows begin .. end - 1 of `tensor`, in its memory.
Tensor View(Tensor tensor, int64_t begin, int64_t end) {
  FloatData(tensor, "tensor");
  TVM_FFI_CHECK_GE(tensor.ndim(), 1, ValueError) << "view: dimensions of tensor";
  TVM_FFI_CHECK(0 <= begin && begin <= end && end <= tensor.size(0), IndexError)
      << "view: rows " << begin << " to " << end << " of " << tensor.size(0);
  std::vector<int64_t> shape(tensor.shape().begin(), tensor.shape().end());
  shape[0] = end - begin;
  const int64_t row_bytes = tensor.stride(0) * static_cast<int64_t>(sizeof(float));
  char* first = static_cast<char*>(tensor.data_ptr()) + tensor.byte_offset() + begin * row_bytes;
  return Tensor::FromNDAlloc(AliasAllocator{tensor, first}, Shape(shape), kFloat32, kCpu);
}

// Counts itself in gate[0], and returns once gate[1] is set.
void Hold(TensorView gate) {
  TVM_FFI_CHECK_EQ(gate.dtype(), (DLDataType{kDLInt, 32, 1}), TypeError) << "dtype of gate";
  TVM_FFI_CHECK_EQ(gate.numel(), 2, ValueError) << "elements of gate";
  auto* words = static_cast<int32_t*>(gate.data_ptr());
  __atomic_fetch_add(&words[0], 1, __ATOMIC_SEQ_CST);
  while (__atomic_load_n(&words[1], __ATOMIC_SEQ_CST) == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

int64_t OwnLive() { return own_tensors_alive.load(); }

int64_t UseCount(const ObjectRef& object) { return object.use_count(); }

TVM_FFI_DLL_EXPORT_TYPED_FUNC(fill, Fill);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(add, Add);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(sum, Sum);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(sum_all, SumAll);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(optional_sum, OptionalSum);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(tensor_info, TensorInfo);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_env, MakeEnv);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_env_like, MakeEnvLike);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_own, MakeOwn);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(make_pair, MakePair);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(same, Same);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(view, View);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(hold, Hold);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(use_count, UseCount);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(own_live, OwnLive);

}  // namespace values
