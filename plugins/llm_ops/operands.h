// Checks of what a caller passed, with messages that name the operator, the tensor and the two
// values that disagree.
#ifndef PLUGINS_LLM_OPS_OPERANDS_H_
#define PLUGINS_LLM_OPS_OPERANDS_H_

#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/dtype.h>
#include <tvm/ffi/error.h>

#include <initializer_list>

#include "backend.h"

namespace llm_ops {

struct Operand {
  const char* name;
  const tvm::ffi::TensorView& tensor;
};

// The device and element type that the operands of `op` share. Throws ValueError for a device this
// library has no kernels for, for operands on different devices and for a strided one; TypeError
// for another or a mixed dtype.
class Operands {
 public:
  Operands(const char* op, std::initializer_list<Operand> operands);

  const Backend& backend() const { return *backend_; }
  const Target& target() const { return target_; }

 private:
  const Backend* backend_;
  Target target_;
};

// Throws ValueError unless the tensor has this many dimensions.
void CheckRank(const char* op, const Operand& operand, int rank);
// Throws ValueError unless the tensor's dimension `axis` has this extent; `of` says where the
// extent comes from.
void CheckExtent(const char* op, const Operand& operand, int axis, int64_t extent, const char* of);
// Throws ValueError unless both have the same shape.
void CheckSameShape(const char* op, const Operand& operand, const Operand& like);

// The first element: data plus byte offset.
void* Data(const tvm::ffi::TensorView& tensor);

}  // namespace llm_ops

#endif  // PLUGINS_LLM_OPS_OPERANDS_H_
