// NumPy's .npy files: version 1 to 3 of the format, little-endian numbers in C order.
#ifndef TVMFFI_TOOLS_HOSTCTL_NPY_H_
#define TVMFFI_TOOLS_HOSTCTL_NPY_H_

#include <dlpack/dlpack.h>

#include <cstdint>
#include <string>
#include <vector>

#include "proto/base/status.h"

namespace tvmffi::hostctl {

struct NpyArray {
  DLDataType dtype = {};
  std::vector<int64_t> shape;
  std::string data;  // the elements
};

// InvalidArgument says what is wrong with bytes that are none, or hold what tensors cannot.
Result<NpyArray> ParseNpy(const std::string& bytes_untrusted);
Result<NpyArray> ReadNpy(const std::string& path);

// A compact tensor of one of the types that NumPy has: bool, integers of 8 to 64 bits, floats of 16
// to 64, complex numbers.
Result<std::string> MakeNpy(const DLTensor& tensor);

}  // namespace tvmffi::hostctl

#endif  // TVMFFI_TOOLS_HOSTCTL_NPY_H_
