#include "operands.h"

#include <string>

namespace llm_ops {
namespace {

using tvm::ffi::TensorView;

constexpr DLDataType kFloat32Type{kDLFloat, 32, 1};
constexpr DLDataType kBfloat16Type{kDLBfloat, 16, 1};

const Backend* BackendFor(DLDevice device) {
  if (device.device_type == kDLCPU) return &kCpuBackend;
#ifdef LLM_OPS_WITH_CUDA
  if (device.device_type == kDLCUDA) return &kCudaBackend;
#endif
  return nullptr;
}

std::string ShapeText(const TensorView& tensor) {
  std::string text = "[";
  for (int i = 0; i < tensor.ndim(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(tensor.size(i));
  }
  return text + "]";
}

std::string DeviceText(DLDevice device) {
  return "(" + std::to_string(device.device_type) + ", " + std::to_string(device.device_id) + ")";
}

ElementType ElementTypeOf(const char* op, const Operand& operand) {
  const DLDataType dtype = operand.tensor.dtype();
  if (dtype == kFloat32Type) return ElementType::kFloat32;
  TVM_FFI_CHECK(dtype == kBfloat16Type, TypeError)
      << op << ": " << operand.name << " must be float32 or bfloat16, it is " << dtype;
  return ElementType::kBfloat16;
}

}  // namespace

Operands::Operands(const char* op, std::initializer_list<Operand> operands) {
  const Operand& first = *operands.begin();
  const DLDevice device = first.tensor.device();
  backend_ = BackendFor(device);
  TVM_FFI_CHECK(backend_ != nullptr, ValueError)
      << op << ": no kernel for the device of " << first.name
      << ", (device type, id) = " << DeviceText(device);
  target_ = {ElementTypeOf(op, first), device.device_id};
  for (const Operand& operand : operands) {
    const TensorView& tensor = operand.tensor;
    TVM_FFI_CHECK(tensor.device().device_type == device.device_type &&
                      tensor.device().device_id == device.device_id,
                  ValueError)
        << op << ": " << operand.name << " is on device " << DeviceText(tensor.device()) << ", "
        << first.name << " on " << DeviceText(device);
    TVM_FFI_CHECK(tensor.dtype() == first.tensor.dtype(), TypeError)
        << op << ": " << operand.name << " is " << tensor.dtype() << ", " << first.name << " is "
        << first.tensor.dtype();
    TVM_FFI_CHECK(tensor.numel() == 0 || tensor.IsContiguous(), ValueError)
        << op << ": " << operand.name << " of shape " << ShapeText(tensor) << " must be contiguous";
  }
}

void CheckRank(const char* op, const Operand& operand, int rank) {
  TVM_FFI_CHECK(operand.tensor.ndim() == rank, ValueError)
      << op << ": " << operand.name << " must have " << rank << " dimensions, its shape is "
      << ShapeText(operand.tensor);
}

void CheckExtent(const char* op, const Operand& operand, int axis, int64_t extent, const char* of) {
  TVM_FFI_CHECK(operand.tensor.size(axis) == extent, ValueError)
      << op << ": dimension " << axis << " of " << operand.name << " is "
      << operand.tensor.size(axis) << ", " << of << " is " << extent;
}

void CheckSameShape(const char* op, const Operand& operand, const Operand& like) {
  bool same = operand.tensor.ndim() == like.tensor.ndim();
  for (int i = 0; same && i < like.tensor.ndim(); ++i) {
    same = operand.tensor.size(i) == like.tensor.size(i);
  }
  TVM_FFI_CHECK(same, ValueError) << op << ": shape of " << operand.name << " is "
                                  << ShapeText(operand.tensor) << ", of " << like.name << " "
                                  << ShapeText(like.tensor);
}

void* Data(const TensorView& tensor) {
  return static_cast<char*>(tensor.data_ptr()) + tensor.byte_offset();
}

}  // namespace llm_ops
