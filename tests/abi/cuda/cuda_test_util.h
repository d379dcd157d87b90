#ifndef TVMFFI_TESTS_ABI_CUDA_CUDA_TEST_UTIL_H_
#define TVMFFI_TESTS_ABI_CUDA_CUDA_TEST_UTIL_H_

#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/module.h>

#include <string>
#include <vector>

namespace tvmffi_test {

inline tvm::ffi::Module LoadCudaModule(const std::string& name) {
  return tvm::ffi::Module::LoadFromFile(std::string(TVMFFI_TEST_CUDA_MODULE_DIR "/") + name);
}

inline tvm::ffi::Function GetFunction(const tvm::ffi::Module& module, const char* name) {
  return module->GetFunction(name).value();
}

/*! \brief A tensor over memory that someone else owns. */
struct BorrowedTensor {
  int64_t shape[1];
  int64_t strides[1] = {1};
  DLTensor tensor;

  BorrowedTensor(float* data, int64_t n, DLDevice device) : shape{n} {
    tensor = DLTensor{data, device, 1, {kDLFloat, 32, 1}, shape, strides, 0};
  }
};

}  // namespace tvmffi_test
#endif  // TVMFFI_TESTS_ABI_CUDA_CUDA_TEST_UTIL_H_
