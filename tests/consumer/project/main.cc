// usage: consumer KERNEL.so
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/module.h>

#include <cstdio>
#include <cstdlib>

namespace ffi = tvm::ffi;

struct HeapAllocator {
  void AllocData(DLTensor* tensor) { tensor->data = std::malloc(ffi::GetDataSize(*tensor)); }
  void FreeData(DLTensor* tensor) { std::free(tensor->data); }
};

ffi::Tensor MakeTensor(int64_t n) {
  ffi::Tensor tensor = ffi::Tensor::FromNDAlloc(HeapAllocator(), {n}, DLDataType{kDLFloat, 32, 1},
                                                DLDevice{kDLCPU, 0});
  for (int64_t i = 0; i < n; ++i) {
    static_cast<float*>(tensor.data_ptr())[i] = static_cast<float>(i);
  }
  return tensor;
}

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s KERNEL.so\n", argv[0]);
    return 2;
  }
  const ffi::Module module = ffi::Module::LoadFromFile(argv[1]);
  const ffi::Function add_one = module->GetFunction("add_one").value();

  const ffi::Tensor x = MakeTensor(3);
  const ffi::Tensor y = MakeTensor(3);
  add_one(x, y);
  const float* data = static_cast<const float*>(y.data_ptr());
  std::printf("%g %g %g\n", data[0], data[1], data[2]);
  const ffi::Function sum = module->GetFunction("sum").value();
  std::printf("%g\n", sum(ffi::Array<double>{1, 2.5}).cast<double>());
  try {
    add_one(x, MakeTensor(4));
  } catch (const ffi::Error& error) {
    std::printf("%s: %s\n", error.kind().c_str(), error.message().c_str());
  }
  return 0;
}
