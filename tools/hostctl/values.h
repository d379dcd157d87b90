// Arguments of `call` as a person types them, and results as one reads them.
#ifndef TVMFFI_TOOLS_HOSTCTL_VALUES_H_
#define TVMFFI_TOOLS_HOSTCTL_VALUES_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/tensor.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "proto/base/status.h"

namespace tvmffi::hostctl {

// One argument:
//   42  1.5  true  none       what they look like
//   @FILE.npy                 a tensor with the file's elements
//   zeros:float32[2,3]        a tensor; also ones, arange, random
//   str:TEXT, anything else   a string
// Tensors lie in memory that a worker takes without a copy. `seed` is of `random`.
Result<tvm::ffi::Any> ParseArgument(const std::string& text, uint64_t seed);

// One line; strings are escaped.
std::string Describe(const tvm::ffi::Any& value);

// The value where JSON has its like, else {"type": ..., ...}.
nlohmann::ordered_json ToJson(const tvm::ffi::Any& value);

// The tensor in a value, or nothing.
const DLTensor* TensorIn(const tvm::ffi::Any& value);

}  // namespace tvmffi::hostctl

#endif  // TVMFFI_TOOLS_HOSTCTL_VALUES_H_
